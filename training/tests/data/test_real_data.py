"""The real Telco and Online Shoppers files, as they come."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from churnguard_core.churnmodel.types import Data
from churnguard_scoring.columns import CategoricalColumn, NumericColumn
from churnguard_training.checks import check_table
from churnguard_training.sources import read
from churnguard_training.table import Table


def no_query(query: str) -> None:
    raise AssertionError(query)


def checked(path: Path, data: Data) -> Table:
    return check_table(read(data, fetch=lambda _: path, query=no_query), data)


def numeric(table: Table) -> list[str]:
    return [name for name, column in table.features.items() if isinstance(column, NumericColumn)]


def test_telco(development_data: Callable[[str], Path], spec: Callable[..., Data]) -> None:
    data = spec(label="Churn", id="customerID", value="MonthlyCharges", protected=("gender", "SeniorCitizen"))
    table = checked(development_data("telco_churn.csv"), data)
    assert len(table) == 7_043
    assert int(table.label.sum()) == 1_869
    assert numeric(table) == ["tenure", "MonthlyCharges", "TotalCharges"]
    assert len(table.features) == 17
    total = table.features["TotalCharges"]
    assert isinstance(total, NumericColumn)
    assert np.count_nonzero(np.isnan(total.values)) == 11
    assert table.protected["SeniorCitizen"].categories == ("0", "1")
    assert len(set(table.groups.tolist())) == 7_043
    assert table.warnings == (
        "TotalCharges: 11 cells are blank and count as missing (rows 490, 755, 938, 1084, 1342 and 6 more)",
    )


def test_telco_without_any_roles(development_data: Callable[[str], Path], spec: Callable[..., Data]) -> None:
    table = checked(development_data("telco_churn.csv"), spec(label="Churn"))
    assert "customerID" not in table.features
    assert isinstance(table.features["SeniorCitizen"], NumericColumn)
    assert (
        "customerID: looks like an identifier or free text (7,043 different values in 7,043 rows); left out"
        in table.warnings
    )


def test_shoppers(development_data: Callable[[str], Path], spec: Callable[..., Data]) -> None:
    codes = ("OperatingSystems", "Browser", "Region", "TrafficType")
    data = spec(label="Revenue", positive="TRUE", types=dict.fromkeys(codes, "categorical"))
    table = checked(development_data("online_shoppers.csv"), data)
    assert len(table) == 12_330
    assert int(table.label.sum()) == 1_908
    assert len(numeric(table)) == 10
    weekend, region = table.features["Weekend"], table.features["Region"]
    assert isinstance(weekend, CategoricalColumn)
    assert weekend.categories == ("false", "true")
    assert isinstance(region, CategoricalColumn)
    assert region.categories == tuple("123456789")
    assert table.warnings == (
        "125 rows repeat earlier rows exactly; duplicates stay on one side of every split",
    )
