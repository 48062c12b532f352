"""Fitting encoders: what each learns, and that rows it never saw teach it nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from churnguard_core.features import BooleanFeature, CategoricalFeature, NumericFeature
from churnguard_scoring.columns import CategoricalColumn, Column, NumericColumn
from churnguard_scoring.encoder import Encoder, Interval, Member, Missing, Output, Value, encode
from churnguard_training.encoders import (
    MOST_CATEGORIES,
    RARE_ROWS,
    describe_features,
    fit_filled_tree_encoder,
    fit_linear_encoder,
    fit_tree_encoder,
)
from churnguard_training.search import search
from churnguard_training.table import Table

FITS = [fit_tree_encoder, fit_filled_tree_encoder, fit_linear_encoder]
Fit = Callable[[dict[str, Column]], Encoder]


def numbers(*values: float | None) -> NumericColumn:
    return NumericColumn(np.array([np.nan if value is None else value for value in values], dtype=np.float64))


def category(counts: dict[str | None, int]) -> CategoricalColumn:
    """A column with each category so often; None is missing, and a count of 0 is known but never seen."""
    texts = [text for text in counts if text is not None]
    codes = [
        -1 if text is None else texts.index(text) for text, count in counts.items() for _ in range(count)
    ]
    return CategoricalColumn(np.array(codes, dtype=np.int32), tuple(texts))


def kinds(encoder: Encoder) -> list[type[Output]]:
    return [type(output) for output in encoder.outputs]


def members(encoder: Encoder) -> list[tuple[str, ...]]:
    return [output.categories for output in encoder.outputs if isinstance(output, Member)]


# --- only from training rows ---


@pytest.mark.parametrize("name", ["XGBoost", "LogisticRegression", "RandomForest"])
@pytest.mark.parametrize("balancing", ["None", "SMOTE"])
def test_rows_of_the_hold_out_and_of_the_validation_fold_never_reach_an_encoder(
    name: str, balancing: Any, simulated: Callable[..., Table], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every encoder of a search is fitted on two thirds of the rows, a different third missing each time."""
    table = simulated(rows=1200).rows(np.arange(600))
    mark = NumericColumn(np.arange(600, dtype=np.float64))
    marked = replace(table, features={"mark": mark, **table.features})
    seen: list[set[float]] = []

    def spy(fit: Callable[[Any], Encoder]) -> Callable[[Any], Encoder]:
        def watched(columns: dict[str, Column]) -> Encoder:
            column = columns["mark"]
            assert isinstance(column, NumericColumn)
            seen.append(set(column.values))
            return fit(columns)

        return watched

    for module, fit in (
        ("churnguard_training.candidates.boosting", fit_tree_encoder),
        ("churnguard_training.candidates.forest", fit_tree_encoder),
        ("churnguard_training.candidates.logistic", fit_linear_encoder),
        ("churnguard_training.search", fit_filled_tree_encoder),
    ):
        monkeypatch.setattr(f"{module}.{fit.__name__}", spy(fit))
    monkeypatch.setattr("churnguard_training.candidates.forest.TREES", 5)
    monkeypatch.setattr("churnguard_training.candidates.boosting.MOST_ROUNDS", 5)

    search(marked, algorithms=[name], balancing=balancing, trials=1, seed=5)

    everything = set(mark.values)
    held = [everything - rows for rows in seen]
    assert len(held) == 3
    assert set.union(*held) == everything
    assert sum(map(len, held)) == len(everything)


@pytest.mark.parametrize("fit", FITS)
def test_an_encoder_of_some_rows_is_the_same_whatever_the_other_rows_hold(
    fit: Fit, simulated: Callable[..., Table], damage: Callable[..., Table]
) -> None:
    table = simulated(rows=1500)
    rows = np.arange(1000)
    spoilt = damage(table, missing=0.5, unseen=0.3)
    mixed: dict[str, Column] = {}
    for name, column in table.features.items():
        other, beyond = spoilt.features[name], np.arange(len(table)) >= len(rows)
        if isinstance(column, NumericColumn) and isinstance(other, NumericColumn):
            mixed[name] = NumericColumn(np.where(beyond, other.values * 100, column.values))
        elif isinstance(column, CategoricalColumn) and isinstance(other, CategoricalColumn):
            mixed[name] = CategoricalColumn(np.where(beyond, other.codes, column.codes), other.categories)

    assert fit({name: c.take(rows) for name, c in mixed.items()}) == fit(dict(table.rows(rows).features))


# --- categories ---


@pytest.mark.parametrize("fit", FITS)
def test_rare_categories_share_one_input(fit: Fit) -> None:
    column = category({"a": 100, "b": RARE_ROWS, "c": RARE_ROWS - 1, "d": 1, "e": 0})

    assert members(fit({"plan": column})) == [("a",), ("b",), ("c", "d")]


@pytest.mark.parametrize("fit", FITS)
def test_more_categories_than_there_may_be_inputs_share_one(fit: Fit) -> None:
    counts: dict[str | None, int] = {
        f"city {number:03}": RARE_ROWS + number for number in range(MOST_CATEGORIES + 6)
    }
    fitted = members(fit({"city": category(counts)}))

    assert len(fitted) == MOST_CATEGORIES + 1
    assert fitted[-1] == tuple(f"city {number:03}" for number in range(6))  # the least frequent


@pytest.mark.parametrize("fit", FITS)
def test_every_seen_category_has_exactly_one_input_and_an_unseen_one_has_none(fit: Fit) -> None:
    column = category({"a": 100, "b": 30, "c": 5, "d": 2})
    encoder = fit({"plan": column})
    asked = CategoricalColumn(np.arange(5, dtype=np.int32), ("a", "b", "c", "d", "from nowhere"))

    assert encode(encoder, {"plan": asked}).sum(axis=1).tolist() == [1, 1, 1, 1, 0]


@pytest.mark.parametrize("fit", FITS)
def test_a_missing_category_has_a_flag_only_where_training_met_one(fit: Fit) -> None:
    assert kinds(fit({"plan": category({"a": 50, "b": 50, None: 1})})) == [Member, Member, Missing]
    assert kinds(fit({"plan": category({"a": 50, "b": 50})})) == [Member, Member]


@pytest.mark.parametrize("fit", FITS)
def test_a_column_of_one_category_has_one_input(fit: Fit) -> None:
    assert members(fit({"plan": category({"a": 50, "b": 0})})) == [("a",)]


@pytest.mark.parametrize("fit", FITS)
def test_a_slice_without_any_category_has_only_the_flag(fit: Fit) -> None:
    assert kinds(fit({"plan": category({"a": 0, None: 50})})) == [Missing]


# --- numbers ---


def test_trees_see_numbers_as_they_are() -> None:
    encoder = fit_tree_encoder({"tenure": numbers(1, 2, None)})

    assert encoder.outputs == (Value(feature="tenure"),)


def test_filled_trees_see_the_median_and_a_flag_where_training_missed_one() -> None:
    assert fit_filled_tree_encoder({"tenure": numbers(1, 2, 90, None)}).outputs == (
        Value(feature="tenure", fill=2.0),
        Missing(feature="tenure"),
    )
    assert fit_filled_tree_encoder({"tenure": numbers(1, 2, 90)}).outputs == (
        Value(feature="tenure", fill=2.0),
    )


def test_linear_models_see_standardised_numbers() -> None:
    values = np.random.default_rng(1).normal(50, 10, 500)
    encoder = fit_linear_encoder({"tenure": NumericColumn(values)})
    first = encode(encoder, {"tenure": NumericColumn(values)})[:, 0]

    assert abs(first.mean()) < 1e-12
    assert first.std() == pytest.approx(1)


@pytest.mark.parametrize(
    ("draw", "transform"),
    [
        (lambda random: random.lognormal(3, 1, 1000), "log"),
        (lambda random: -random.lognormal(3, 1, 1000), "identity"),
        (lambda random: random.lognormal(3, 1, 1000) - 1, "identity"),  # some refunds
        (lambda random: random.uniform(0, 100, 1000), "identity"),
        (lambda random: random.normal(100, 1, 1000), "identity"),
        (lambda random: random.poisson(0.5, 1000).astype(float), "log"),
    ],
    ids=["money", "debts", "money and refunds", "even", "bell", "counts"],
)
def test_only_skewed_numbers_that_are_never_negative_are_logged(draw: Any, transform: str) -> None:
    values = draw(np.random.default_rng(4))
    output = fit_linear_encoder({"x": NumericColumn(values)}).outputs[0]

    assert isinstance(output, Value)
    assert output.transform == transform


@pytest.mark.parametrize("fit", FITS)
def test_a_constant_number_encodes_finite(fit: Fit) -> None:
    column = numbers(*[3.0] * 50)

    assert np.isfinite(encode(fit({"x": column}), {"x": numbers(3.0, -1e6, 1e6)})).all()


@pytest.mark.parametrize("fit", [fit_filled_tree_encoder, fit_linear_encoder])
def test_a_slice_without_any_number_encodes_finite_later(fit: Fit) -> None:
    encoder = fit({"x": numbers(*[None] * 50)})

    assert np.isfinite(encode(encoder, {"x": numbers(None, 0.0, 1e6)})).all()


@pytest.mark.parametrize("fit", [fit_filled_tree_encoder, fit_linear_encoder])
def test_nothing_is_missing_after_a_filling_encoder(
    fit: Fit, simulated: Callable[..., Table], damage: Callable[..., Table]
) -> None:
    clean = simulated(rows=1200)

    assert np.isfinite(
        encode(fit(clean.features), damage(clean, missing=0.5, unseen=0.5).features, dtype=np.float32)
    ).all()


present = st.floats(min_value=-1e9, max_value=1e9, allow_subnormal=False)


@given(
    learnt=st.lists(present, min_size=1, max_size=80),
    asked=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=20),
)
def test_intervals_part_the_whole_line(learnt: list[float], asked: list[float]) -> None:
    encoder = fit_linear_encoder({"x": numbers(*learnt)})
    intervals = Encoder(outputs=tuple(o for o in encoder.outputs if isinstance(o, Interval)))
    ends = [end for o in intervals.outputs if isinstance(o, Interval) for end in (o.lower, o.upper)]

    met = encode(intervals, {"x": numbers(*asked, *learnt, *(end for end in ends if end is not None), None)})

    if intervals.outputs:
        assert met[:-1].sum(axis=1).tolist() == [1] * (len(met) - 1)
        assert met[-1].sum() == 0  # missing is in no interval


def test_intervals_hold_about_equally_many_customers() -> None:
    values = NumericColumn(np.random.default_rng(2).lognormal(3, 1, 6000))
    encoder = fit_linear_encoder({"x": values})
    at = [i for i, output in enumerate(encoder.outputs) if isinstance(output, Interval)]

    shares = encode(encoder, {"x": values})[:, at].mean(axis=0)

    assert len(shares) == 6
    np.testing.assert_allclose(shares, 1 / 6, atol=0.01)


def test_a_number_with_two_values_needs_no_intervals() -> None:
    assert kinds(fit_linear_encoder({"senior": numbers(*[0, 1] * 50)})) == [Value]


# --- schema ---


def test_the_schema_says_what_training_saw() -> None:
    columns: dict[str, Column] = {
        "tenure": numbers(3, None, 72, 5),
        "nothing": numbers(None, None, None, None),
        "plan": CategoricalColumn(np.array([2, -1, 0, 0], dtype=np.int32), ("pro", "plus", "basic")),
        "paperless": CategoricalColumn(np.array([1, 1, 0, -1], dtype=np.int32), ("false", "true")),
    }

    assert describe_features(columns) == (
        NumericFeature(name="tenure", minimum=3, maximum=72, missing_share=0.25),
        NumericFeature(name="nothing", minimum=0, maximum=0, missing_share=1.0),
        CategoricalFeature(name="plan", categories=("basic", "pro"), missing_share=0.25),
        BooleanFeature(name="paperless", missing_share=0.25),
    )
