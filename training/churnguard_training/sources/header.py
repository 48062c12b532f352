"""The header of a CSV file: its delimiter and its column names."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from churnguard_training.sources.files import Limits, malformed
from churnguard_training.sources.text_stream import TextStream

DELIMITERS: Final = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}
"""Characters that may part the columns, with their names."""

SAMPLE_BYTES: Final = 1 << 20
"""Enough for a header of 2,000 long names and a few rows."""

_SAMPLE_ROWS: Final = 10
_FOREIGN_DELIMITERS: Final = ":^~#\x01\x1f"
_RECORD: Final = re.compile(r'(?:[^"\r\n]+|"[^"]*(?:"|\Z))*+(\r\n|\r|\n|\Z)')


@dataclass(frozen=True, kw_only=True, slots=True)
class Header:
    """Column names and what parts them."""

    names: list[str]
    delimiter: str
    warnings: tuple[str, ...] = ()


def read_header(stream: TextStream, *, name: str, limits: Limits) -> Header:
    """Read the header; the stream then stands at the first row.

    Raises:
        Refused: MalformedData: an empty file, no delimiter that fits, or column names that cannot be used.
    """
    sample = _sample(stream)
    # A cut through a character or a row at the end of the sample harms nothing: only whole rows are looked at.
    text = sample.decode("utf-8", errors="ignore")
    records = _records(text)
    if not records:
        raise malformed(name, "the file is empty", hint="the first line must name the columns")
    end = text.index(records[0]) + len(records[0])
    if end == len(text) and len(sample) >= SAMPLE_BYTES:
        raise malformed(
            name, f"the header is longer than {SAMPLE_BYTES:,} bytes", hint="is the first line the header?"
        )
    stream.push_back(sample[len(text[:end].encode()) :])
    try:
        delimiter = _delimiter(records, name=name)
        names = _fields(records[0], delimiter)
    except csv.Error as error:
        raise malformed(
            name, f"the first rows are no CSV: {error}", hint="the first line must name the columns"
        ) from None
    if len(names) > limits.columns:
        raise malformed(
            name,
            f"{len(names):,} columns, more than the {limits.columns:,} that are read",
            hint="leave out the columns that do not matter",
        )
    return Header(names=names, delimiter=delimiter, warnings=_warnings(delimiter))


def _sample(stream: TextStream) -> bytes:
    blocks: list[bytes] = []
    while sum(map(len, blocks)) < SAMPLE_BYTES and (block := stream.read(SAMPLE_BYTES)):
        blocks.append(block)
    return b"".join(blocks)


def _records(text: str) -> list[str]:
    """The first records with content; a line break inside quotes does not end one."""
    records: list[str] = []
    position = 0
    while position < len(text) and len(records) <= _SAMPLE_ROWS:
        match = _RECORD.match(text, position)
        if match is None:
            break
        record, position = match.group(), max(match.end(), position + 1)
        if record.strip():
            records.append(record)
    return records


def _delimiter(records: Sequence[str], *, name: str) -> str:
    """The delimiter of the header; where it holds several, the one that parts the first rows alike."""
    found = [delimiter for delimiter in DELIMITERS if len(_fields(records[0], delimiter)) > 1]
    if len(found) > 1:
        found = [delimiter for delimiter in found if _fits(records, delimiter)] or found
    if len(found) > 1:
        named = " and ".join(DELIMITERS[delimiter] for delimiter in found)
        raise malformed(
            name,
            f"the columns may be parted by {named}",
            hint="part them by commas, and quote names that hold one",
        )
    if found:
        return found[0]
    foreign = [mark for mark in _FOREIGN_DELIMITERS if len(_fields(records[0], mark)) > 1]
    if foreign:
        raise malformed(
            name,
            f"the header is one column, and seems to be parted by {foreign[0]!r}",
            hint=f"part the columns by one of: {', '.join(DELIMITERS.values())}",
        )
    return ","


def _fits(records: Sequence[str], delimiter: str) -> bool:
    # The last record of the sample may be cut off.
    widths = {len(_fields(record, delimiter)) for record in (records[:-1] if len(records) > 2 else records)}
    return len(widths) == 1


def _fields(record: str, delimiter: str) -> list[str]:
    return next(csv.reader(io.StringIO(record.strip("\r\n"), newline=""), delimiter=delimiter), [])


def _warnings(delimiter: str) -> tuple[str, ...]:
    return () if delimiter == "," else (f"the columns are parted by {DELIMITERS[delimiter]}, not by comma",)
