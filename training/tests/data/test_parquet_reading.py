"""Parquet files: which types are taken, and how broken ones are refused."""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import csv, parquet

from churnguard_core.churnmodel.types import Data
from churnguard_training.checks import check_table, origin_of
from churnguard_training.errors import Refused
from churnguard_training.sources.files import LIMITS
from churnguard_training.sources.parquet import read_parquet


@pytest.fixture
def parquet_of(tmp_path: Path) -> Callable[..., pa.Table]:
    """The table that a Parquet file of this table, or of these bytes, is read as."""

    def read(content: pa.Table | bytes, **arguments: Any) -> pa.Table:
        path = tmp_path / "customers.parquet"
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            parquet.write_table(content, path)
        return read_parquet(path, name="customers.parquet", **arguments)

    return read


def test_plain_types_are_read(parquet_of: Callable[..., pa.Table]) -> None:
    table = pa.table(
        {
            "text": ["a", None, "b"],
            "large": pa.array(["a", None, "b"], pa.large_string()),
            "category": pa.array(["a", "a", None]).dictionary_encode(),
            "flag": [True, None, False],
            "int": pa.array([1, None, 3], pa.int8()),
            "float": [1.5, None, 2.0],
            "decimal": [decimal.Decimal("1.50"), None, decimal.Decimal("2.00")],
            "date": [datetime.date(2024, 5, 31), None, datetime.date(2024, 6, 1)],
            "time": [datetime.datetime(2024, 5, 31, 12), None, datetime.datetime(2024, 6, 1)],
            "nothing": pa.nulls(3),
        }
    )
    read = parquet_of(table)
    assert read.to_pydict() == table.to_pydict()
    assert origin_of(read).first_row == 1


def test_zero_rows_are_read_and_then_refused_by_the_checks(
    parquet_of: Callable[..., pa.Table], refusal_of: Callable[..., Refused], spec: Callable[..., Data]
) -> None:
    refused = refusal_of(parquet_of(pa.table({"left": pa.array([], pa.string())})), spec())
    assert refused.reason == "TooFewRows"
    assert refused.problems == ("customers.parquet: there are no rows",)


def test_nested_types_are_refused_with_column_and_type(parquet_of: Callable[..., pa.Table]) -> None:
    table = pa.table({"good": [1], "orders": [[1, 2]], "address": [{"city": "x"}], "photo": [b"x"]})
    with pytest.raises(Refused) as caught:
        parquet_of(table)
    assert caught.value.problems == (
        "customers.parquet: column orders has the type list<element: int64>",
        "customers.parquet: column address has the type struct<city: string>",
        "customers.parquet: column photo has the type binary",
    )
    assert "columns.exclude" in caught.value.hint


def test_excluded_columns_may_have_any_type_and_keep_their_names(parquet_of: Callable[..., pa.Table]) -> None:
    read = parquet_of(pa.table({"orders": [[1, 2]], "good": [1]}), exclude=("orders",))
    assert read.to_pydict() == {"orders": [None], "good": [1]}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "is no Parquet file, or was cut off"),
        (b"a,b\n1,2\n", "is no Parquet file, or was cut off"),
        (b"PAR1" + b"\0" * 100, "is no Parquet file, or was cut off"),
    ],
    ids=["empty", "CSV", "truncated"],
)
def test_what_is_no_parquet_file_is_refused(
    parquet_of: Callable[..., pa.Table], content: bytes, expected: str
) -> None:
    with pytest.raises(Refused) as caught:
        parquet_of(content)
    assert caught.value.reason == "MalformedData"
    assert caught.value.problems == (f"customers.parquet: {expected}",)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_a_truncated_file_is_refused(
    parquet_of: Callable[..., pa.Table], customers: Callable[..., pa.Table], tmp_path: Path, share: float
) -> None:
    parquet.write_table(customers(), tmp_path / "whole")
    whole = (tmp_path / "whole").read_bytes()
    with pytest.raises(Refused, match="cut off"):
        parquet_of(whole[: int(len(whole) * share)])


def test_damaged_content_is_refused(parquet_of: Callable[..., pa.Table], tmp_path: Path) -> None:
    parquet.write_table(pa.table({"a": [f"text {n}" for n in range(1000)]}), tmp_path / "whole")
    content = bytearray((tmp_path / "whole").read_bytes())
    content[4:200] = b"\xff" * 196
    with pytest.raises(Refused, match="its content is damaged"):
        parquet_of(bytes(content))


def test_text_that_is_not_utf8_is_refused(parquet_of: Callable[..., pa.Table]) -> None:
    latin = pa.array([b"caf\xe9"]).view(pa.string())
    with pytest.raises(Refused, match="its content is damaged"):
        parquet_of(pa.table({"a": latin}))


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        (replace(LIMITS, rows=10), "more than 10 rows, the most that is read"),
        (replace(LIMITS, columns=1), "2 columns, more than the 1 that are read"),
        (replace(LIMITS, cells=100), "more than the 100 cells that are read"),
        (replace(LIMITS, content_bytes=10), "more than the 10 that are read"),
        (replace(LIMITS, cell_bytes=3), "column a has a cell of 4 bytes, more than the 3 that are read"),
    ],
    ids=["rows", "columns", "cells", "content", "cell"],
)
def test_reading_stops_at_the_limits(parquet_of: Callable[..., pa.Table], limits: Any, expected: str) -> None:
    with pytest.raises(Refused, match=expected):
        parquet_of(pa.table({"a": ["text"] * 100, "b": range(100)}), limits=limits)


def test_csv_and_parquet_of_the_same_customers_are_the_same_data(
    parquet_of: Callable[..., pa.Table],
    csv_of: Callable[..., pa.Table],
    customers: Callable[..., pa.Table],
    spec: Callable[..., Data],
    tmp_path: Path,
) -> None:
    table = customers(id=range(10**17, 10**17 + 1200), flag=[True, False, None] * 400)
    sink = pa.BufferOutputStream()
    csv.write_csv(table, sink)
    from_csv = check_table(csv_of(sink.getvalue().to_pybytes()), spec(id="id"))
    from_parquet = check_table(parquet_of(table), spec(id="id"))
    assert from_csv.digest == from_parquet.digest
    assert (from_csv.groups == from_parquet.groups).all()
