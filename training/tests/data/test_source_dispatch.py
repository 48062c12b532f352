"""Whatever the source is, a table comes of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pyarrow as pa
import pytest
from pyarrow import parquet

from churnguard_core.churnmodel.types import Data, PostgresSource, SimulatorSource, Source
from churnguard_training.checks import check_table, origin_of
from churnguard_training.errors import Refused
from churnguard_training.sources import read


def no_fetch(uri: str) -> Path:
    raise AssertionError(f"{uri} is not to be fetched")


def no_query(query: str) -> pa.Table:
    raise AssertionError(f"{query} is not to be run")


def with_source(data: Data, source: Source) -> Data:
    return msgspec.structs.replace(data, source=source)


@pytest.mark.parametrize("suffix", [".csv", ".CSV", ".parquet"])
def test_a_file_is_fetched_and_named_by_its_address(
    tmp_path: Path, spec: Callable[..., Data], suffix: str
) -> None:
    local = tmp_path / "fetched"
    if suffix == ".parquet":
        parquet.write_table(pa.table({"left": ["Yes"]}), local)
    else:
        local.write_text("left\nYes\n")
    uri = f"s3://bucket/customers{suffix}"
    fetched: list[str] = []

    def fetch(address: str) -> Path:
        fetched.append(address)
        return local

    table = read(spec(uri=uri), fetch=fetch, query=no_query)
    assert table.to_pydict() == {"left": ["Yes"]}
    assert origin_of(table).name == uri
    assert fetched == [uri]


def test_another_kind_of_file_is_refused_unfetched(spec: Callable[..., Data]) -> None:
    with pytest.raises(Refused, match=r"ends in none of \.csv, \.csv\.gz and \.parquet") as caught:
        read(spec(uri="file:///data/customers.xlsx"), fetch=no_fetch, query=no_query)
    assert caught.value.reason == "InvalidSpec"


def test_excluded_columns_of_a_parquet_file_are_not_read(tmp_path: Path, spec: Callable[..., Data]) -> None:
    local = tmp_path / "customers.parquet"
    parquet.write_table(pa.table({"left": ["Yes"], "orders": [[1]]}), local)
    table = read(spec(uri=f"file://{local}", exclude=("orders",)), fetch=lambda _: local, query=no_query)
    assert table.to_pydict() == {"left": ["Yes"], "orders": [None]}


def test_a_query_is_run(spec: Callable[..., Data]) -> None:
    data = with_source(spec(), Source(postgres=PostgresSource(secret_name="warehouse", query="select 1")))
    queries = {"select 1": pa.table({"left": ["Yes"]})}
    table = read(data, fetch=no_fetch, query=queries.__getitem__)
    assert table.to_pydict() == {"left": ["Yes"]}
    assert origin_of(table).name == "the query's result"


def test_simulated_customers_pass_the_checks(spec: Callable[..., Data]) -> None:
    data = with_source(
        spec(label="Churn", id="customerID", value="MonthlyCharges", protected=("gender", "SeniorCitizen")),
        Source(simulator=SimulatorSource(rows=2_000, seed=7)),
    )
    table = check_table(read(data, fetch=no_fetch, query=no_query), data)
    assert len(table) == 2_000
    assert len(table.features) == 17
    assert table.protected["SeniorCitizen"].categories == ("0", "1")
    assert 0.15 < table.label.mean() < 0.4
