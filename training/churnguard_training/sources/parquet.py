"""Parquet files."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from churnguard_training.checks.cells import is_supported
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


def read_parquet(
    path: Path,
    *,
    name: str,
    exclude: Collection[str] = (),
    limits: Limits = LIMITS,
    opened: Open = open_binary,
) -> pa.Table:
    """Read a Parquet file; text columns arrive dictionary-encoded.

    Args:
        path: The local file.
        name: How messages call it.
        exclude: Columns that are not read; they arrive as nulls, so that their names are known.
        limits: What is read at most.
        opened: Opens the file.

    Raises:
        Refused: SourceUnreadable or MalformedData, with column and what to do.
    """
    with open_data(path, name=name, opened=opened) as file:
        content = _open(file, name=name)
        schema = content.schema_arrow
        check_names(name, schema.names, limits=limits)
        check_size(name, rows=content.metadata.num_rows, columns=len(schema.names), limits=limits)
        _check_types(schema, name=name, exclude=exclude)
        _check_content_size(content.metadata, name=name, limits=limits)
        read = _read(file, [column for column in schema.names if column not in exclude], schema, name=name)
    _check_cells(read, name=name, limits=limits)
    rows = content.metadata.num_rows
    columns = [read.column(column) if column not in exclude else pa.nulls(rows) for column in schema.names]
    return with_origin(pa.table(columns, names=schema.names), Origin(name=name))


def _open(file: BinaryIO, *, name: str) -> parquet.ParquetFile:
    try:
        return parquet.ParquetFile(file)
    except (pa.ArrowException, OSError):
        raise malformed(
            name,
            "is no Parquet file, or was cut off",
            hint="write or copy it again; CSV files end in .csv or .csv.gz",
        ) from None


def _read(file: BinaryIO, columns: list[str], schema: pa.Schema, *, name: str) -> pa.Table:
    texts = [column for column in columns if _is_text(schema.field(column).type)]
    try:
        table = parquet.ParquetFile(file, read_dictionary=texts).read(columns=columns)
        table.validate(full=True)
    except (pa.ArrowException, OSError, UnicodeDecodeError):
        raise malformed(name, "its content is damaged", hint="write or copy it again") from None
    return table


def _check_types(schema: pa.Schema, *, name: str, exclude: Collection[str]) -> None:
    problems = [
        f"column {column.name} has the type {str(column.type)[:60]}"
        for column in schema
        if column.name not in exclude and not is_supported(column.type)
    ]
    if problems:
        raise malformed(
            name,
            *problems,
            hint="write plain columns of text, numbers, booleans or dates, or name these in columns.exclude",
        )


def _check_content_size(metadata: parquet.FileMetaData, *, name: str, limits: Limits) -> None:
    size = sum(metadata.row_group(group).total_byte_size for group in range(metadata.num_row_groups))
    if size > limits.content_bytes:
        raise malformed(
            name,
            f"holds {size:,} bytes of content, more than the {limits.content_bytes:,} that are read",
            hint="train on a sample of the rows",
        )


def _check_cells(table: pa.Table, *, name: str, limits: Limits) -> None:
    problems = [
        f"column {column_name} has a cell of {longest:,} bytes, more than the {limits.cell_bytes:,} that are read"
        for column_name, column in zip(table.column_names, table.columns, strict=True)
        if (longest := _longest_text(column)) > limits.cell_bytes
    ]
    if problems:
        raise malformed(name, *problems, hint="shorten the texts, or name these columns in columns.exclude")


def _longest_text(column: pa.ChunkedArray) -> int:
    lengths = [
        pc.max(pc.binary_length(chunk.dictionary)).as_py() or 0
        for chunk in column.chunks
        if pa.types.is_dictionary(chunk.type) and _is_text(chunk.type.value_type)
    ]
    return max(lengths, default=0)


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))
