"""Records to ask a server about: from ``field=value`` pairs, JSON, or CSV, typed as the model wants them."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import BufferedReader, TextIOWrapper
from pathlib import Path
from typing import Any, Final

import msgspec

from churnguard_core.undecodable import UNDECODABLE

Record = dict[str, Any]

_NUMBER: Final = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
_TRUTH: Final = {"true": True, "false": False}
_START_OF_JSON: Final = (b"{", b"[")
_OTHER_KINDS: Final = {b"PAR1": "Parquet", b"\x1f\x8b": "compressed"}
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


class UnreadableRecords(ValueError):  # noqa: N818 - names the fact
    """What was given holds no records; the message says where and why."""


def records_from_pairs(pairs: Sequence[str], *, types: Mapping[str, str]) -> Iterator[Record]:
    """The one record that ``field=value`` pairs spell."""
    record: Record = {}
    for pair in pairs:
        name, _, text = pair.partition("=")
        if name in record:
            raise UnreadableRecords(f"{name}: given twice")
        record[name] = typed(text, datatype=types.get(name))
    yield record


def records_from_file(path: Path, *, types: Mapping[str, str]) -> Iterator[Record]:
    """The records of a JSON or CSV file, read as they are asked for.

    Raises:
        UnreadableRecords: While it is read.
    """
    try:
        with path.open("rb") as file:
            yield from records_from_stream(file, name=str(path), types=types)
    except OSError as error:
        raise UnreadableRecords(f"{path}: {error.strerror or error}") from None


def records_from_stream(stream: BufferedReader, *, name: str, types: Mapping[str, str]) -> Iterator[Record]:
    """The records of a stream: JSON when it begins like it, otherwise CSV with a header."""
    start = stream.peek(64).removeprefix(_BYTE_ORDER_MARK).lstrip()
    for magic, kind in _OTHER_KINDS.items():
        if start.startswith(magic):
            raise UnreadableRecords(f"{name}: is {kind}; only CSV and JSON are read here")
    if start.startswith(_START_OF_JSON):
        yield from _json_records(stream.read().removeprefix(_BYTE_ORDER_MARK), name=name)
    else:
        yield from _csv_records(stream, name=name, types=types)


def typed(text: str, *, datatype: str | None) -> Any:
    """The value that a text spells for an input of this v2 data type.

    Nothing is no value. What cannot be of the type stays text: the server's answer names it.
    """
    stripped = text.strip()
    if not stripped:
        return None
    if datatype == "FP64" and _NUMBER.fullmatch(stripped):
        return int(stripped) if stripped.lstrip("+-").isdigit() else float(stripped)
    if datatype == "BOOL":
        return _TRUTH.get(stripped.lower(), text)
    return text


def known_fields(
    records: Iterable[Record], *, types: Mapping[str, str], unknown: set[str]
) -> Iterator[Record]:
    """Records without fields that the model has not; their names go to ``unknown``."""
    for record in records:
        strange = record.keys() - types.keys()
        unknown |= strange
        yield {name: value for name, value in record.items() if name in types} if strange else record


def _json_records(data: bytes, *, name: str) -> Iterator[Record]:
    try:
        document = msgspec.json.decode(data)
    except UNDECODABLE as error:
        raise UnreadableRecords(f"{name}: no JSON: {error}") from None
    if isinstance(document, dict) and isinstance(document.get("instances"), list):
        document = document["instances"]
    records = document if isinstance(document, list) else [document]
    for number, record in enumerate(records, start=1):
        if not isinstance(record, dict):
            raise UnreadableRecords(f"{name}: record {number} is no object with fields")
        yield record


def _csv_records(stream: BufferedReader, *, name: str, types: Mapping[str, str]) -> Iterator[Record]:
    text = TextIOWrapper(stream, encoding="utf-8-sig", newline="")
    rows = csv.reader(text, strict=True)
    try:
        yield from _table_records(rows, types=types)
    except csv.Error as error:
        raise UnreadableRecords(f"{name}: line {rows.line_num}: {error}") from None
    except UnicodeDecodeError:
        raise UnreadableRecords(f"{name}: after line {rows.line_num}: the text is not UTF-8") from None
    finally:
        # The stream is closed by whoever opened it.
        text.detach()


def _table_records(rows: Iterator[list[str]], *, types: Mapping[str, str]) -> Iterator[Record]:
    header = next(rows, [])
    if len(set(header)) != len(header):
        raise csv.Error(f"columns with the same name: {', '.join(_repeated(header))}")
    kinds = [types.get(column) for column in header]
    for row in rows:
        if row and len(row) != len(header):
            raise csv.Error(f"{len(row)} cells, the header has {len(header)}")
        if row:
            yield {
                column: typed(cell, datatype=kind)
                for column, cell, kind in zip(header, row, kinds, strict=True)
            }


def _repeated(names: Sequence[str]) -> list[str]:
    return sorted({name for name in names if names.count(name) > 1})
