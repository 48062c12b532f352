"""Data that no honest model can be trained on: too little, too good, or repeated."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from churnguard_core.churnmodel.types import Data
from churnguard_scoring.columns import CategoricalColumn, NumericColumn
from churnguard_training.checks import check_table
from churnguard_training.checks.leaks import single_auc
from churnguard_training.errors import Refused


def labels(rows: int, left: int) -> list[str]:
    return ["Yes"] * left + ["No"] * (rows - left)


@pytest.mark.parametrize(
    ("rows", "left", "few_rows", "accepted"),
    [
        (1_000, 200, False, True),
        (999, 200, False, False),
        (1_000, 199, False, False),
        (1_000, 801, False, False),
        (999, 200, True, True),
        (100, 20, True, True),
        (99, 20, True, False),
        (100, 19, True, False),
        (5, 2, True, False),
    ],
)
def test_enough_customers_of_both_kinds_are_needed(
    customers: Callable[..., pa.Table],
    spec: Callable[..., Data],
    refusal_of: Callable[..., Refused],
    rows: int,
    left: int,
    few_rows: bool,
    accepted: bool,
) -> None:
    table = customers(rows=rows, left=np.random.default_rng(2).permutation(labels(rows, left)))
    if accepted:
        warnings = check_table(table, spec(few_rows=few_rows)).warnings
        assert any(text.startswith("only") for text in warnings) == few_rows
        return
    refusal = refusal_of(table, spec(few_rows=few_rows))
    assert refusal.reason == "TooFewRows"
    assert f"{rows:,} rows, {left:,} who left and {rows - left:,} who stayed" in refusal.message


def leaks(left: np.ndarray[Any, Any]) -> dict[str, Any]:
    rows = len(left)
    noise = np.random.default_rng(3).random(rows)
    return {
        "rises": left + noise,
        "falls": noise / 2 - left,
        "says": np.where(left, "cancelled", np.where(noise < 0.5, "active", "new")),
        "missing low": pa.array(noise, mask=~left),
        "missing high": pa.array(noise, mask=left),
        "unset": pa.array(np.where(noise < 0.5, "a", "b"), mask=left),
    }


@pytest.mark.parametrize("name", leaks(np.array([True])))
def test_a_feature_that_gives_the_label_away_is_refused_unless_allowed(
    customers: Callable[..., pa.Table],
    spec: Callable[..., Data],
    refusal_of: Callable[..., Refused],
    name: str,
) -> None:
    left = np.array(customers().column("left").to_pylist()) == "Yes"
    table = customers(**{name: leaks(left)[name]})
    refusal = refusal_of(table, spec())
    assert refusal.reason == "LeakyColumns"
    assert len(refusal.problems) == 1
    assert f"{name}: predicts the label alone with ROC AUC " in refusal.message
    assert "allow.leakyColumns" in refusal.message
    allowed = check_table(table, spec(leaky_columns=(name,)))
    assert name in allowed.features
    assert any(f"{name}: predicts the label alone" in warning for warning in allowed.warnings)
    assert name not in check_table(table, spec(exclude=(name,))).features


def test_all_leaks_are_named_at_once(
    customers: Callable[..., pa.Table], spec: Callable[..., Data], refusal_of: Callable[..., Refused]
) -> None:
    left = np.array(customers().column("left").to_pylist()) == "Yes"
    assert len(refusal_of(customers(**leaks(left)), spec()).problems) == 6


def test_many_random_categories_are_no_leak(
    customers: Callable[..., pa.Table], spec: Callable[..., Data]
) -> None:
    shop = [f"shop {row % 500}" for row in range(1_200)]
    assert "shop" in check_table(customers(shop=np.random.default_rng(4).permutation(shop)), spec()).features


def test_good_features_are_no_leak(customers: Callable[..., pa.Table], spec: Callable[..., Data]) -> None:
    left = np.array(customers().column("left").to_pylist()) == "Yes"
    good = np.random.default_rng(5).normal(size=1_200) + 1.8 * left  # ROC AUC about 0.90
    assert "good" in check_table(customers(good=good), spec()).features


@given(
    st.lists(st.tuples(st.integers(-3, 3), st.booleans()), min_size=2).filter(
        lambda r: len({y for _, y in r}) == 2
    )
)
def test_the_auc_of_a_number_is_that_of_scikit_learn(rows: list[tuple[int, bool]]) -> None:
    values = np.array([value for value, _ in rows], dtype=np.float64)
    label = np.array([left for _, left in rows], dtype=np.uint8)
    expected = roc_auc_score(label, values)
    found = single_auc(NumericColumn(values), label, first_half=np.zeros(len(label), dtype=bool))
    assert found == pytest.approx(max(expected, 1 - expected))


def test_the_auc_of_a_category_is_judged_on_rows_that_its_rates_have_not_seen() -> None:
    label = np.tile(np.array([0, 1], dtype=np.uint8), 500)
    unique = CategoricalColumn(np.arange(1_000, dtype=np.int32), tuple(map(str, range(1_000))))
    first_half = np.arange(1_000) < 500
    assert single_auc(unique, label, first_half=first_half) == 0.5
    equal = CategoricalColumn(label.astype(np.int32), ("no", "yes"))
    assert single_auc(equal, label, first_half=first_half) == 1.0


def test_duplicate_rows_are_counted_beyond_the_first(
    customers: Callable[..., pa.Table], spec: Callable[..., Data]
) -> None:
    once = customers(charges=np.random.default_rng(6).permutation(1_200) + 0.5)
    table = check_table(pa.concat_tables([once, once.slice(0, 3), once.slice(0, 1)]), spec())
    assert table.warnings == (
        "4 rows repeat earlier rows exactly; duplicates stay on one side of every split",
    )
    assert table.groups[:3].tolist() == table.groups[1_200:1_203].tolist()


def test_rows_that_differ_only_in_the_label_are_no_duplicates_but_one_group(
    customers: Callable[..., pa.Table], spec: Callable[..., Data]
) -> None:
    charges = np.random.default_rng(6).permutation(1_200) + 0.5
    charges[1] = charges[0]
    left = labels(1_200, 600)
    left[1] = "No"
    table = check_table(customers(tenure=None, contract=None, charges=charges, left=left), spec())
    assert table.warnings == ()
    assert table.groups[0] == table.groups[1]


def test_customers_with_ids_may_look_alike(
    customers: Callable[..., pa.Table], spec: Callable[..., Data]
) -> None:
    table = customers(id=[f"c{row}" for row in range(1_200)], charges=[1.0, 2.0] * 600)
    assert check_table(table, spec(id="id")).warnings == ()
    assert len(check_table(table, spec(exclude=("id",))).warnings) == 1
