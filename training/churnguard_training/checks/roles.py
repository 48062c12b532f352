"""Roles of columns: what the ChurnModel names must exist; what it does not name is a feature."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

import pyarrow as pa

from churnguard_core.churnmodel.types import Columns, Data
from churnguard_training.checks.cells import Cells, is_supported, read_cells
from churnguard_training.checks.findings import Finding, problem

MAX_COLUMNS_SHOWN: Final = 30
MAX_TYPE_SHOWN: Final = 60


def duplicate_names(names: Sequence[str]) -> tuple[Finding, ...]:
    """A refusal when a name occurs twice, as nobody could say which of the columns is meant."""
    repeated = [f"{name!r} ({count} times)" for name, count in Counter(names).items() if count > 1]
    if not repeated:
        return ()
    return (
        Finding(
            f"column names occur more than once: {', '.join(repeated[:MAX_COLUMNS_SHOWN])}", "MalformedData"
        ),
    )


def absent_columns(data: Data, names: Sequence[str]) -> tuple[Finding, ...]:
    """A refusal for each column that the ChurnModel names and the table lacks, then what the table has."""
    absent = [(field, name) for field, name in _named(data) if name not in names]
    if not absent:
        return ()
    shown = ", ".join(names[:MAX_COLUMNS_SHOWN])
    more = f" and {len(names) - MAX_COLUMNS_SHOWN:,} more" if len(names) > MAX_COLUMNS_SHOWN else ""
    return (
        *(problem(f"{field}: there is no column {name!r}{_near(name, names)}") for field, name in absent),
        problem(f"its columns are: {shown}{more}"),
    )


def feature_names(columns: Columns, names: Sequence[str]) -> list[str]:
    """The columns that may become features. The value column is one: what a customer pays may drive them away."""
    taken = {columns.label.name, columns.id, columns.time, *columns.exclude, *columns.protected}
    return [name for name in names if name not in taken]


def _named(data: Data) -> Iterator[tuple[str, str]]:
    columns = data.columns
    yield "columns.label.name", columns.label.name
    for field, name in (("id", columns.id), ("time", columns.time), ("value", columns.value)):
        if name is not None:
            yield f"columns.{field}", name
    lists = {
        "columns.exclude": columns.exclude,
        "columns.protected": columns.protected,
        "columns.types": columns.types,
        "allow.leakyColumns": data.allow.leaky_columns,
    }
    for field, listed in lists.items():
        yield from ((field, name) for name in listed)


def _near(name: str, names: Sequence[str]) -> str:
    folded = {known.strip().lower(): known for known in names}
    near = difflib.get_close_matches(name.strip().lower(), list(folded), n=1)
    return f"; did you mean {folded[near[0]]!r}?" if near else ""


def cells_of(table: pa.Table, name: str | None) -> tuple[Cells | None, tuple[Finding, ...]]:
    """The cells of a column; None when none is named, there is none (see ``absent_columns``) or its type is foreign."""
    if name is None or name not in table.column_names:
        return None, ()
    column = table.column(name)
    return (
        (None, unsupported)
        if (unsupported := unsupported_type(name, column.type))
        else (read_cells(column), ())
    )


def unsupported_type(name: str, kind: pa.DataType) -> tuple[Finding, ...]:
    """A refusal of a column whose type is nested or otherwise no text, number, boolean, date or time stamp."""
    if is_supported(kind):
        return ()
    shown = str(kind) if len(str(kind)) <= MAX_TYPE_SHOWN else f"{str(kind)[:MAX_TYPE_SHOWN]}…"
    return (
        problem(
            f"{name}: columns of type {shown} cannot be used; write it as plain columns of text, numbers, booleans or "
            "dates, or name it in columns.exclude"
        ),
    )
