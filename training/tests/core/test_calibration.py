"""Calibration: slope and intercept, only where they help, and never at the price of exact reasons."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace as with_
from numpy.typing import NDArray
from sklearn.metrics import log_loss

from churnguard_scoring.models import Calibration, Space
from churnguard_scoring.scorer import Scorer, sigmoid_many
from churnguard_training.calibration import (
    IDENTITY,
    MARGIN,
    calibrated,
    choose,
    fit,
    fit_log_odds,
    fit_probability,
)
from churnguard_training.table import Table

Floats = NDArray[np.float64]
Labels = NDArray[np.uint8]


def drawn(probabilities: Floats, *, seed: int = 1) -> Labels:
    return (np.random.default_rng(seed).random(len(probabilities)) < probabilities).astype(np.uint8)


def true_log_odds(rows: int = 40_000) -> Floats:
    return np.random.default_rng(0).normal(-1.2, 1.3, rows)


def folds_of(rows: int) -> NDArray[np.intp]:
    return np.arange(rows) % 3


# --- log-odds ---


@pytest.mark.parametrize(("slope", "intercept"), [(0.5, 0.3), (1.0, 0.0), (2.5, -1.0)])
def test_a_known_slope_and_intercept_are_recovered(slope: float, intercept: float) -> None:
    truth = true_log_odds()
    raw = (truth - intercept) / slope

    fitted = fit_log_odds(raw, drawn(sigmoid_many(truth)))

    assert fitted.slope == pytest.approx(slope, rel=0.04)
    assert fitted.intercept == pytest.approx(intercept, abs=0.06)


def test_the_fit_is_the_most_likely_line() -> None:
    raw = true_log_odds(2000) * 3 + 1
    y = drawn(sigmoid_many(true_log_odds(2000)))
    best = fit_log_odds(raw, y)

    def loss(calibration: Calibration) -> float:
        return float(log_loss(y, calibrated(raw, calibration, space="logOdds")))

    for nudge in (-0.01, 0.01):
        assert loss(best) < loss(with_(best, slope=best.slope + nudge))
        assert loss(best) < loss(with_(best, intercept=best.intercept + nudge))


@pytest.mark.parametrize("space", ["logOdds", "probability"])
def test_scores_that_are_calibrated_already_are_left_alone(space: Space) -> None:
    """By chance a fit can help a little out of fold; over many draws it mostly does not."""
    found = []
    for seed in range(12):
        truth = np.clip(sigmoid_many(np.random.default_rng(seed).normal(-1, 1.3, 1500)), 0.05, 0.9)
        raw = truth if space == "probability" else np.log(truth / (1 - truth))
        found.append(
            choose(raw, drawn(truth, seed=seed), folds=folds_of(1500), space=space, reach=(0.05, 0.9))
        )
        plain = log_loss(drawn(truth, seed=seed), truth)
        assert found[-1][1] <= plain + 1e-12
    assert sum(calibration == IDENTITY for calibration, _ in found) >= 7


def test_overconfident_scores_are_tamed_and_the_loss_is_that_of_rows_not_fitted_on() -> None:
    truth = true_log_odds(6000)
    y, raw = drawn(sigmoid_many(truth)), 3 * truth

    found, loss = choose(raw, y, folds=folds_of(6000), space="logOdds")

    in_sample = log_loss(y, calibrated(raw, found, space="logOdds"))
    assert found.slope == pytest.approx(1 / 3, rel=0.1)
    assert in_sample < loss < in_sample + 0.002
    assert loss < log_loss(y, sigmoid_many(raw)) - 0.1


@pytest.mark.parametrize("space", ["logOdds", "probability"])
def test_scores_without_any_signal_are_never_turned_upside_down(space: Space) -> None:
    """Raw values that order rows wrongly by chance get a flat line: everybody has the prevalence."""
    truth = true_log_odds(5000)
    y = drawn(sigmoid_many(truth))
    raw = -truth if space == "logOdds" else 1 - sigmoid_many(truth)

    found, _ = choose(raw, y, folds=folds_of(5000), space=space, reach=(0.0, 1.0))

    assert found.slope == 0
    np.testing.assert_allclose(calibrated(raw, found, space=space), y.mean(), atol=1e-9)


def test_a_constant_model_is_left_alone() -> None:
    y = drawn(np.full(300, 0.3))

    assert fit_log_odds(np.full(300, -1.0), y) == IDENTITY
    assert fit_probability(np.full(300, 0.3), y, low=0.3, high=0.3) == IDENTITY


# --- probability ---


@settings(deadline=None, max_examples=15)
@given(
    raw=st.lists(st.floats(0, 1), min_size=12, max_size=60),
    ends=st.tuples(st.floats(0, 1), st.floats(0, 1)),
    seed=st.integers(0, 100),
)
def test_a_calibrated_forest_stays_inside_0_and_1_wherever_it_can_reach(
    raw: list[float], ends: tuple[float, float], seed: int
) -> None:
    low, high = min(ends), max(ends)
    values = np.clip(np.array(raw), low, high)
    y = drawn(values, seed=seed)
    y[:6] = [0, 1, 0, 1, 0, 1]  # both classes in every fold

    found, _ = choose(values, y, folds=folds_of(len(raw)), space="probability", reach=(low, high))

    assert found.slope >= 0
    for raw_value in (low, high):
        assert MARGIN - 1e-9 <= found.slope * raw_value + found.intercept <= 1 - MARGIN + 1e-9


def test_a_line_through_probabilities_is_recovered() -> None:
    raw = np.random.default_rng(3).uniform(0.1, 0.7, 40_000)
    truth = 0.05 + 0.8 * raw

    fitted = fit(raw, drawn(truth), space="probability", reach=(0.1, 0.7))

    assert fitted.slope == pytest.approx(0.8, abs=0.03)
    np.testing.assert_allclose(fitted.slope * raw + fitted.intercept, truth, atol=0.02)


# --- what it may not spoil ---


@pytest.mark.parametrize("name", ["XGBoost", "LogisticRegression", "RandomForest"])
def test_reasons_still_add_up_and_keep_their_ranking(
    name: str, simulated: Callable[..., Table], fit_small: Callable[..., Any]
) -> None:
    table = simulated(rows=1500)
    plain: Scorer = fit_small(name, table).scorer
    changed = Scorer(with_(plain.definition, calibration=Calibration(slope=0.7, intercept=0.1)))

    scores, reasons = changed.explain_many(table.features)
    before, raw_reasons = plain.explain_many(table.features)

    total = reasons.sum(axis=1) + changed.baseline
    link = sigmoid_many if plain.space == "logOdds" else np.asarray
    np.testing.assert_allclose(link(total), changed.score_many(table.features), atol=1e-12)
    np.testing.assert_allclose(reasons, 0.7 * raw_reasons, atol=1e-12)
    apart = np.diff(np.sort(before)) > 1e-9
    assert np.all(np.diff(scores[np.argsort(before)])[apart] > 0)


def test_calibration_is_chosen_by_log_loss_out_of_fold(simulated: Callable[..., Table]) -> None:
    """One lucky fold does not decide: the loss is over all rows, each judged by a line of the other folds."""
    table = replace(simulated(rows=1500))
    raw = np.random.default_rng(5).normal(size=1500)
    folds = folds_of(1500)
    losses = np.empty(1500)
    for fold in range(3):
        inside = folds == fold
        line = fit_log_odds(raw[~inside], table.label[~inside])
        p = calibrated(raw[inside], line, space="logOdds")
        losses[inside] = -np.where(table.label[inside] == 1, np.log(p), np.log(1 - p))

    _, loss = choose(raw, table.label, folds=folds, space="logOdds")

    assert loss == pytest.approx(losses.mean(), abs=1e-12)
