"""CSV files, as text: every cell arrives as written, and types are decided by the checks, with row numbers.

Columns are dictionary-encoded while parsing, so a million rows of "Yes" and "No" need four bytes a cell. The parser
runs on one thread: only then does it number the rows that it complains about.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from churnguard_training.checks.origin import Origin, with_origin
from churnguard_training.sources.files import (
    LIMITS,
    Limits,
    Open,
    check_names,
    check_size,
    malformed,
    open_binary,
    open_data,
)
from churnguard_training.sources.header import Header, read_header
from churnguard_training.sources.text_stream import TextStream, open_text

FIRST_ROW: Final = 2
"""The header is row 1, as a spreadsheet numbers it; empty lines do not count."""

_TEXT: Final = pa.dictionary(pa.int32(), pa.string())
_MAX_NOTED: Final = 10


def read_csv(path: Path, *, name: str, limits: Limits = LIMITS, opened: Open = open_binary) -> pa.Table:
    """Read a CSV file, plain or gzip, into text columns.

    Args:
        path: The local file.
        name: How messages call it.
        limits: What is read at most.
        opened: Opens the file.

    Raises:
        Refused: SourceUnreadable or MalformedData, with row, column and what to do.
    """
    with open_data(path, name=name, opened=opened) as file:
        stream = open_text(file, name=name, limits=limits)
        header = read_header(stream, name=name, limits=limits)
        check_names(name, header.names, limits=limits)
        table = _read_rows(stream, header, name=name, limits=limits)
    return with_origin(table, Origin(name=name, first_row=FIRST_ROW, warnings=header.warnings))


@dataclass(eq=False, slots=True)
class _Notes:
    """What was wrong while parsing: the first few, and how many in all."""

    width: int
    problems: list[str] = field(default_factory=list)
    count: int = 0
    hints: set[str] = field(default_factory=set)

    def ragged(self, row: csv.InvalidRow) -> str:
        self.hints.add("quote cells that hold a delimiter or a line break")
        if row.text.count('"') % 2:
            self.hints.add("look for a quote that is opened and never closed")
        cells = f"{row.actual_columns} cell{'' if row.actual_columns == 1 else 's'}"
        self.add(f"row {row.number + FIRST_ROW - 1:,} has {cells}, the header {self.width}")
        return "skip"  # and go on: all problems at once

    def add(self, problem: str) -> None:
        self.count += 1
        if len(self.problems) < _MAX_NOTED:
            self.problems.append(problem)

    def shown(self) -> list[str]:
        more = self.count - len(self.problems)
        return [*self.problems, *([f"and {more:,} more such rows or cells"] if more else [])]


def _read_rows(stream: TextStream, header: Header, *, name: str, limits: Limits) -> pa.Table:
    notes = _Notes(width=len(header.names))
    batches = []
    rows = 0
    for batch in _batches(stream, header, notes=notes, name=name, limits=limits):
        _note_long_cells(batch, first_row=rows + FIRST_ROW, notes=notes, limits=limits)
        rows += batch.num_rows
        check_size(name, rows=rows, columns=batch.num_columns, limits=limits)
        batches.append(batch)
    if notes.count:
        raise malformed(name, *notes.shown(), hint="; ".join(sorted(notes.hints, reverse=True)))
    if not rows:
        raise malformed(name, "has a header and no rows", hint="was the export empty?")
    return pa.Table.from_batches(batches)


def _batches(
    stream: TextStream, header: Header, *, notes: _Notes, name: str, limits: Limits
) -> Iterator[pa.RecordBatch]:
    try:
        yield from csv.open_csv(
            pa.PythonFile(stream, mode="r"),
            read_options=csv.ReadOptions(
                use_threads=False, block_size=limits.row_bytes, column_names=header.names
            ),
            parse_options=csv.ParseOptions(
                delimiter=header.delimiter, newlines_in_values=True, invalid_row_handler=notes.ragged
            ),
            convert_options=csv.ConvertOptions(
                column_types=dict.fromkeys(header.names, _TEXT),
                strings_can_be_null=False,
                check_utf8=False,  # the stream has done it, and can say where
            ),
        )
    except pa.ArrowInvalid as error:
        if "Empty CSV file" in str(error):
            return
        if "straddling" in str(error):
            raise malformed(
                name,
                *notes.shown(),
                f"a row is longer than {limits.row_bytes:,} bytes",
                hint="a quote may be opened in it and never closed",
            ) from None
        raise malformed(name, *notes.shown(), f"cannot be parsed: {str(error)[:200]}") from None


def _note_long_cells(batch: pa.RecordBatch, *, first_row: int, notes: _Notes, limits: Limits) -> None:
    for column_name, column in zip(batch.schema.names, batch.columns, strict=True):
        lengths = pc.binary_length(column.dictionary)
        if (pc.max(lengths).as_py() or 0) <= limits.cell_bytes:
            continue
        for code in pc.indices_nonzero(pc.greater(lengths, limits.cell_bytes)).to_pylist():
            row = first_row + pc.index(column.indices, code).as_py()
            notes.hints.add("leave out the column with the long texts")
            notes.add(
                f"row {row:,}, column {column_name}: a cell of {lengths[code].as_py():,} bytes, more than the "
                f"{limits.cell_bytes:,} that are read"
            )
