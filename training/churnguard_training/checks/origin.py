"""Where a table came from, carried in its schema so that later findings can name file and row."""

from __future__ import annotations

from typing import Final

import msgspec
import pyarrow as pa
from msgspec import Struct

_METADATA_KEY: Final = b"churnguard.origin"


class Origin(Struct, frozen=True, kw_only=True):
    """Origin of a table.

    ``first_row`` is the number that people see beside the first row: 2 in a CSV file, whose header is row 1, as a
    spreadsheet shows it. ``warnings`` were found while reading.
    """

    name: str = "the table"
    first_row: int = 1
    warnings: tuple[str, ...] = ()


def with_origin(table: pa.Table, origin: Origin) -> pa.Table:
    """The same table, with its origin in the schema's metadata; other metadata is dropped."""
    return table.replace_schema_metadata({_METADATA_KEY: msgspec.json.encode(origin)})


def origin_of(table: pa.Table) -> Origin:
    """The origin of a table; a nameless one when nothing was recorded."""
    recorded = (table.schema.metadata or {}).get(_METADATA_KEY)
    return Origin() if recorded is None else msgspec.json.decode(recorded, type=Origin)
