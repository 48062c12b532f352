"""The direction of a driver, computed from reasons."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from churnguard_core.card import Driver
from churnguard_core.evaluation import FeatureImportance
from churnguard_scoring.columns import CategoricalColumn, Column, NumericColumn
from churnguard_scoring.scorer import Scorer
from churnguard_training.card.drivers import find_drivers, risk_with


class OneFeature:
    """Stands for a scorer of one feature whose reasons are given; log-odds start at -1."""

    features = (type("Feature", (), {"name": "x"})(),)
    space = "logOdds"
    baseline = -1.0


def driver_of(column: Column, reasons: np.ndarray) -> Driver:
    importance = [FeatureImportance(feature="x", mean_absolute_reason=1.0, share=1.0)]
    (driver,) = find_drivers(
        importance,
        columns={"x": column},
        scorer=OneFeature(),  # type: ignore[arg-type]
        reasons=reasons.reshape(-1, 1),
    )
    return driver


def test_a_real_models_drivers_point_where_its_weights_do(
    linear_scorer: Scorer, columns: dict[str, Column]
) -> None:
    _, reasons = linear_scorer.explain_many(columns)
    importance = [
        FeatureImportance(feature=name, mean_absolute_reason=0.5, share=0.5)
        for name in ("tenure", "Contract")
    ]
    tenure, contract = find_drivers(importance, columns=columns, scorer=linear_scorer, reasons=reasons)
    assert tenure.direction == "falls"
    assert tenure.highest is not None
    assert tenure.highest.values == "missing"
    assert tenure.lowest is not None
    assert tenure.lowest.values.endswith("or more")
    assert contract.direction == "varies"
    assert contract.highest is not None
    assert contract.highest.values == "Month-to-month"
    assert contract.highest.risk > risk_with(linear_scorer, 0.0)


@pytest.mark.parametrize(
    ("shape", "direction"),
    [
        (lambda x: x, "rises"),
        (lambda x: -np.sqrt(x), "falls"),
        (lambda x: (x - 50) ** 2, "varies"),
        (lambda x: np.zeros_like(x), "varies"),
    ],
)
def test_the_direction_of_a_number(shape: object, direction: str) -> None:
    values = np.arange(100.0)
    assert driver_of(NumericColumn(values), shape(values)).direction == direction  # type: ignore[operator]


def test_numbers_with_few_values_are_named_by_value() -> None:
    values = np.repeat([0.0, 1.0, 2.0], 40)
    driver = driver_of(NumericColumn(values), values)
    assert driver.highest is not None
    assert driver.lowest is not None
    assert (driver.lowest.values, driver.highest.values) == ("0", "2")


def test_a_number_that_is_nearly_always_the_smallest_splits_there() -> None:
    values = np.concatenate([np.zeros(900), np.arange(1.0, 101.0)])
    driver = driver_of(NumericColumn(values), np.sign(values))
    assert driver.highest is not None
    assert driver.lowest is not None
    assert (driver.lowest.values, driver.highest.values) == ("below 1", "1 or more")


def test_groups_too_small_to_describe_a_crowd_are_not_named() -> None:
    codes = np.zeros(200, dtype=np.int32)
    codes[:5] = 1
    driver = driver_of(CategoricalColumn(codes, ("common", "only five people")), codes * 5.0)
    assert driver.highest is not None
    assert driver.highest.values == "common"


def test_in_space_probability_reasons_add_to_the_risk_itself() -> None:
    class Forest:
        space = "probability"
        baseline = 0.3

    assert risk_with(Forest(), 0.2) == pytest.approx(0.5)  # type: ignore[arg-type]
    assert risk_with(Forest(), 0.9) == 1.0  # type: ignore[arg-type]


@given(
    hnp.arrays(
        np.float64,
        st.integers(1, 120),
        elements=st.one_of(st.just(np.nan), st.floats(-1e12, 1e12), st.integers(0, 3).map(float)),
    )
)
def test_any_column_gives_a_driver_whose_highest_is_above_its_lowest(values: np.ndarray) -> None:
    reasons = np.nan_to_num(values) % 7 - 3
    driver = driver_of(NumericColumn(values), reasons)
    if driver.highest is None or driver.lowest is None:
        assert driver.highest is driver.lowest is None
    else:
        assert 0 <= driver.lowest.risk <= driver.highest.risk <= 1
