"""The rows of one PostgreSQL query, as a table."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final, NoReturn

import adbc_driver_postgresql.dbapi as driver
import pyarrow as pa
import pyarrow.compute as pc

from churnguard_training.errors import Refused
from churnguard_training.sources.postgres_errors import query_refused, server_refused, stream_refused
from churnguard_training.sources.postgres_uri import parse_connection

MAX_ROWS: Final = 10_000_000
MAX_BYTES: Final = 4 * 1024**3
STATEMENT_TIMEOUT_SECONDS: Final = 1800

_CAST_HINT: Final = "cast such a column to a number, text, boolean or date in the query, or leave it out"


def read_query(
    uri: str, query: str, *, timeout_seconds: int = STATEMENT_TIMEOUT_SECONDS, max_rows: int = MAX_ROWS
) -> pa.Table:
    """Run one query in a read-only transaction and return its rows, none being a table without rows.

    Numbers, text (enumerations and ``uuid`` too), booleans, dates and timestamps come as Arrow's types;
    ``numeric`` comes as float64 and ``char(n)`` without its padding.

    Args:
        uri: ``postgresql://user:password@host:5432/database``; it appears in no message.
        query: One SELECT, with or without a semicolon at its end. The server takes no second statement.
        timeout_seconds: After this time the server ends the query.
        max_rows: More rows than this are refused.

    Raises:
        Refused: SourceUnreadable. The connection fails, the server refuses the query (its message and the
            position in the query are named), or columns cannot be used (all of them are named).
    """
    connection = parse_connection(uri, timeout_seconds=timeout_seconds)
    statement = _statement(query)
    try:
        opened = driver.connect(connection.uri)
    except driver.Error as error:
        raise server_refused(error, connection=connection) from None
    try:
        with opened, opened.cursor() as cursor:
            # The server describes the statement before it runs: what returns no rows is never executed.
            _check_columns(cursor.adbc_execute_schema(statement))
            cursor.execute(statement)
            return _read(cursor, max_rows=max_rows)
    except driver.Error as error:
        raise query_refused(error, query=statement, connection=connection) from None
    except (OSError, pa.ArrowException) as error:  # what Arrow makes of an error between two batches
        raise stream_refused(error, connection=connection) from None


def _statement(query: str) -> str:
    if "\0" in query:
        _refuse(["the query holds a NUL character"])
    # The driver wraps the query in COPY (...): a semicolon or a comment at its end would break that.
    statement = query.rstrip().removesuffix(";") + "\n"
    if not statement.strip():
        _refuse(["the query is empty"])
    return statement


def _check_columns(schema: pa.Schema) -> None:
    if not len(schema):
        _refuse(["the query returns no columns; it must be one SELECT"])
    problems = [
        f"column {field.name!r} has the type {_sql_type(field)}, which cannot be used"
        for field in schema
        if _target_type(field) is None
    ]
    repeated = [name for name, count in Counter(schema.names).items() if count > 1]
    aliases = [f"the query returns {schema.names.count(name)} columns named {name!r}" for name in repeated]
    if problems or aliases:
        hints = [*([_CAST_HINT] if problems else []), *(["name them apart with AS"] if aliases else [])]
        _refuse(problems + aliases, hint="; ".join(hints))


def _read(cursor: Any, *, max_rows: int) -> pa.Table:
    batches, rows, size = [], 0, 0
    with cursor.fetch_record_batch() as reader:
        target = pa.schema([(field.name, _target_type(field)) for field in reader.schema])
        for batch in reader:
            rows, size = rows + batch.num_rows, size + batch.nbytes
            if rows > max_rows or size > MAX_BYTES:
                _refuse(
                    [f"the query returns more than {max_rows} rows or {MAX_BYTES >> 30} GiB"],
                    hint="take a sample of the customers, or fewer columns",
                )
            batches.append(_convert(batch, target=target))
    return pa.Table.from_batches(batches, schema=target)


def _convert(batch: pa.RecordBatch, *, target: pa.Schema) -> pa.RecordBatch:
    columns = [
        _convert_column(column, field=field)
        for column, field in zip(batch.columns, batch.schema, strict=True)
    ]
    return pa.RecordBatch.from_arrays(columns, schema=target)


def _convert_column(column: pa.Array, *, field: pa.Field) -> pa.Array:
    sql_type = _sql_type(field)
    if sql_type == "numeric":
        return pc.cast(column.storage, pa.float64())
    if sql_type == "uuid":
        return pa.array([None if value is None else str(value) for value in column.to_pylist()], pa.string())
    if sql_type == "bpchar":
        return pc.utf8_rtrim(column, characters=" ")
    return column


def _sql_type(field: pa.Field) -> str:
    """PostgreSQL's name of the column's type, as the driver notes it."""
    return str((field.metadata or {}).get(b"POSTGRESQL:type", b"unknown").decode())


def _target_type(field: pa.Field) -> pa.DataType | None:
    """The type that a column gets in the table; None when it cannot be used."""
    sql_type = _sql_type(field)
    if sql_type == "numeric":
        return pa.float64()
    if sql_type == "uuid":
        return pa.string()
    # Money comes as its integer of cents, and what a cent is depends on the server's locale.
    if sql_type == "money":
        return None
    usable = (
        pa.types.is_boolean,
        pa.types.is_integer,
        pa.types.is_floating,
        pa.types.is_string,
        pa.types.is_date,
        pa.types.is_timestamp,
    )
    return field.type if any(check(field.type) for check in usable) else None


def _refuse(problems: list[str], *, hint: str = "") -> NoReturn:
    raise Refused(reason="SourceUnreadable", problems=problems, hint=hint)
