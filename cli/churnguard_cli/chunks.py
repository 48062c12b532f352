"""Many records in requests that a server takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import msgspec

from churnguard_cli.records import Record

MOST_RECORDS: Final = 1000
MOST_BYTES: Final = 4 * 1024 * 1024
"""Half of what a server takes by default."""


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """Records of one request, as they are and as JSON; ``first`` is the number of the first one, from 1."""

    first: int
    records: tuple[Record, ...]
    encoded: tuple[bytes, ...]


def chunks(
    records: Iterable[Record], *, most_records: int = MOST_RECORDS, most_bytes: int = MOST_BYTES
) -> Iterator[Chunk]:
    """The records in their order, so many and so large at a time; one that is larger alone goes alone."""
    first, size = 1, 0
    held: list[Record] = []
    encoded: list[bytes] = []
    for record in records:
        data = msgspec.json.encode(record)
        if held and (len(held) == most_records or size + len(data) > most_bytes):
            yield Chunk(first=first, records=tuple(held), encoded=tuple(encoded))
            first, size, held, encoded = first + len(held), 0, [], []
        held.append(record)
        encoded.append(data)
        size += len(data) + 1
    if held:
        yield Chunk(first=first, records=tuple(held), encoded=tuple(encoded))
