"""Figures against scikit-learn, brute force and cases counted by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn import metrics as sklearn_metrics

from churnguard_training import metrics
from churnguard_training.metrics import (
    best_f1_threshold,
    calibration_bins,
    deciles,
    expected_calibration_error,
    intervals,
    measure,
    top_decile_precision,
)

Labels = NDArray[np.uint8]
Scores = NDArray[np.float64]


def calibrated_rows(count: int, *, seed: int = 1) -> tuple[Labels, Scores]:
    random = np.random.default_rng(seed)
    scores = random.beta(1.2, 3.0, count)
    return (random.random(count) < scores).astype(np.uint8), scores


labelled = st.lists(
    st.tuples(st.integers(0, 1), st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.5000001, 0.9, 1.0])),
    min_size=1,
    max_size=40,
).map(lambda rows: (np.array([y for y, _ in rows], dtype=np.uint8), np.array([score for _, score in rows])))


def test_figures_counted_by_hand() -> None:
    y = np.array([0, 0, 1, 0, 1, 1, 0, 0, 0, 0], dtype=np.uint8)
    scores = np.array([0.1, 0.2, 0.6, 0.55, 0.4, 0.9, 0.05, 0.15, 0.3, 0.25])

    figures = measure(y, scores, threshold=0.4)

    assert figures["rocAuc"] == pytest.approx(20 / 21)  # one pair of 3 x 7 is the wrong way round
    assert figures["prAuc"] == pytest.approx((1 / 1 + 2 / 2 + 3 / 4) / 3)
    assert figures["brier"] == pytest.approx(((scores - y) ** 2).mean())
    assert figures["f1"] == pytest.approx(2 * 2 / (3 + 3))
    assert figures["f1Tuned"] == pytest.approx(2 * 3 / (4 + 3))
    assert figures["precisionTopDecile"] == 1.0
    assert figures["liftTopDecile"] == pytest.approx(1 / 0.3)
    assert figures["logLoss"] == pytest.approx(
        -np.mean([np.log(p) if one else np.log(1 - p) for one, p in zip(y, scores, strict=True)])
    )


def test_figures_equal_scikit_learns() -> None:
    y, scores = calibrated_rows(3000)
    figures = measure(y, scores, threshold=0.3)

    assert figures["rocAuc"] == pytest.approx(sklearn_metrics.roc_auc_score(y, scores))
    assert figures["prAuc"] == pytest.approx(sklearn_metrics.average_precision_score(y, scores))
    assert figures["logLoss"] == pytest.approx(sklearn_metrics.log_loss(y, scores))
    assert figures["brier"] == pytest.approx(sklearn_metrics.brier_score_loss(y, scores))
    assert figures["f1"] == pytest.approx(sklearn_metrics.f1_score(y, scores >= 0.5))
    assert figures["f1Tuned"] == pytest.approx(sklearn_metrics.f1_score(y, scores >= 0.3))


def test_nobody_flagged_is_an_f1_of_zero_and_no_warning() -> None:
    y, scores = calibrated_rows(200)

    assert measure(y, scores * 0.01, threshold=0.99)["f1"] == 0.0


# --- threshold ---


@given(labelled)
def test_the_best_threshold_is_that_of_brute_force(rows: tuple[Labels, Scores]) -> None:
    y, scores = rows

    def f1(threshold: float) -> float:
        flagged = scores >= threshold
        hits = int((flagged & (y == 1)).sum())
        return 2 * hits / (int(flagged.sum()) + int(y.sum())) if hits else 0.0

    found = best_f1_threshold(y, scores)

    assert found in scores
    assert f1(found) == pytest.approx(max(f1(score) for score in scores))


def test_on_calibrated_scores_the_best_threshold_is_half_of_the_best_f1() -> None:
    """Lipton, Elkan, Naryanaswamy 2014."""
    y, scores = calibrated_rows(200_000)
    threshold = best_f1_threshold(y, scores)

    assert threshold == pytest.approx(measure(y, scores, threshold=threshold)["f1Tuned"] / 2, abs=0.02)


# --- calibration ---


def test_the_calibration_error_of_perfect_scores_is_near_its_floor() -> None:
    """A bin of 10,000 rows misses its mean by about 0.4 times 1/100, times the mean of |normal|."""
    y, scores = calibrated_rows(100_000)

    assert 0 < expected_calibration_error(y, scores) < 0.006


def test_the_calibration_error_of_shifted_scores_is_the_shift() -> None:
    y, scores = calibrated_rows(100_000)

    assert expected_calibration_error(y, np.clip(scores + 0.2, 0, 1)) == pytest.approx(0.2, abs=0.01)


@given(labelled)
def test_calibration_bins_hold_every_row_once_by_rising_score(rows: tuple[Labels, Scores]) -> None:
    y, scores = rows
    bins = calibration_bins(y, scores)

    assert sum(b.rows for b in bins) == len(y)
    assert sum(b.rows * b.mean_score for b in bins) == pytest.approx(scores.sum())
    assert sum(b.rows * b.observed for b in bins) == pytest.approx(y.sum())
    means = [b.mean_score for b in bins]
    assert means == sorted(means)
    assert max(b.rows for b in bins) - min(b.rows for b in bins) <= 1


# --- deciles ---


@given(labelled.filter(lambda rows: bool(rows[0].any())))
def test_deciles_add_up_and_lift_averages_one(rows: tuple[Labels, Scores]) -> None:
    y, scores = rows
    tenths = deciles(y, scores)

    assert [tenth.decile for tenth in tenths] == list(range(1, len(tenths) + 1))
    assert sum(tenth.rows for tenth in tenths) == len(y)
    assert sum(tenth.churned for tenth in tenths) == y.sum()
    assert sum(tenth.rows * tenth.lift for tenth in tenths) / len(y) == pytest.approx(1)


def test_the_first_decile_is_the_riskiest_and_its_lift_the_headline() -> None:
    y, scores = calibrated_rows(5000)
    tenths = deciles(y, scores)

    assert tenths[0].lift == pytest.approx(measure(y, scores, threshold=0.5)["liftTopDecile"])
    assert tenths[0].lift > tenths[4].lift > tenths[9].lift
    assert top_decile_precision(y, scores) == pytest.approx(tenths[0].churned / tenths[0].rows)


@pytest.mark.parametrize("rows", [1, 4, 9])
def test_fewer_rows_than_deciles_still_have_a_top(rows: int) -> None:
    y = np.zeros(rows, dtype=np.uint8)
    y[-1] = 1

    assert top_decile_precision(y, np.linspace(0.1, 0.9, rows)) == 1.0


# --- intervals ---


def test_intervals_hold_the_figure_and_narrow_with_more_rows() -> None:
    widths = []
    for count in (300, 6000):
        y, scores = calibrated_rows(count)
        figures, found = measure(y, scores, threshold=0.3), intervals(y, scores, seed=7)
        assert set(found) == {"rocAuc", "prAuc", "logLoss", "brier", "precisionTopDecile", "liftTopDecile"}
        for name, (low, high) in found.items():
            assert low < figures[name] < high, name
        widths.append(found["rocAuc"][1] - found["rocAuc"][0])
    assert widths[1] < widths[0] / 2


def test_intervals_of_roc_auc_agree_with_theory() -> None:
    """Hanley and McNeil 1982: the standard error of a ROC AUC."""
    y, scores = calibrated_rows(2000)
    auc = measure(y, scores, threshold=0.3)["rocAuc"]
    positives = int(y.sum())
    negatives = len(y) - positives
    q1, q2 = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    error = np.sqrt(
        (auc * (1 - auc) + (positives - 1) * (q1 - auc**2) + (negatives - 1) * (q2 - auc**2))
        / (positives * negatives)
    )
    low, high = intervals(y, scores, seed=7)["rocAuc"]

    assert high - low == pytest.approx(2 * 1.96 * error, rel=0.3)


def test_intervals_are_the_same_for_the_same_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "INTERVAL_REPEATS", 20)
    y, scores = calibrated_rows(300)

    assert intervals(y, scores, seed=7) == intervals(y, scores, seed=7) != intervals(y, scores, seed=8)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_resamples_without_one_class_are_drawn_again(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "INTERVAL_REPEATS", 20)
    y = np.array([1, *[0] * 11], dtype=np.uint8)

    low, high = intervals(y, np.linspace(0.9, 0.1, 12), seed=seed)["rocAuc"]

    assert low == high == 1  # the one customer who left has the highest score in every resample
