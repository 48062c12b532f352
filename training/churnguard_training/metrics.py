"""Figures of a model on labelled rows."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, brier_score_loss, f1_score, log_loss, roc_auc_score

from churnguard_core.evaluation import CalibrationBin, DecileReport

Labels = NDArray[np.uint8]
Scores = NDArray[np.float64]

BINS: Final = 10
INTERVAL_REPEATS: Final = 200
INTERVAL_CELLS: Final = 4_000_000
"""Rows times bootstrap repeats: beyond it, fewer repeats; intervals of so many rows are narrow anyway."""


def measure(y: Labels, scores: Scores, *, threshold: float) -> dict[str, float]:
    """All hold-out figures by metric name. ``threshold`` is the one tuned for F1 on training folds."""
    return {
        **_bootstrapped(y, scores),
        "ece": expected_calibration_error(y, scores),
        "f1": float(f1_score(y, scores >= 0.5, zero_division=0.0)),
        "f1Tuned": float(f1_score(y, scores >= threshold, zero_division=0.0)),
    }


def _bootstrapped(y: Labels, scores: Scores) -> dict[str, float]:
    precision = top_decile_precision(y, scores)
    return {
        "rocAuc": float(roc_auc_score(y, scores)),
        "prAuc": float(average_precision_score(y, scores)),
        "logLoss": float(log_loss(y, scores)),
        "brier": float(brier_score_loss(y, scores)),
        "precisionTopDecile": precision,
        "liftTopDecile": precision / float(y.mean()),
    }


def intervals(y: Labels, scores: Scores, *, seed: int) -> dict[str, tuple[float, float]]:
    """95 % percentile bootstrap intervals (Efron 1979); resamples without both classes are drawn again."""
    random = np.random.default_rng(seed)
    repeats = max(20, min(INTERVAL_REPEATS, INTERVAL_CELLS // len(y)))
    figures: dict[str, list[float]] = {}
    for _ in range(repeats):
        rows = random.integers(0, len(y), len(y))
        while y[rows].min() == y[rows].max():
            rows = random.integers(0, len(y), len(y))
        for name, value in _bootstrapped(y[rows], scores[rows]).items():
            figures.setdefault(name, []).append(value)
    return {
        name: (float(np.quantile(values, 0.025)), float(np.quantile(values, 0.975)))
        for name, values in figures.items()
    }


def expected_calibration_error(y: Labels, scores: Scores) -> float:
    """Mean distance of predicted and observed rates over ten bins of equal count (Naeini et al. 2015)."""
    return float(sum(b.rows * abs(b.mean_score - b.observed) for b in calibration_bins(y, scores)) / len(y))


def calibration_bins(y: Labels, scores: Scores) -> tuple[CalibrationBin, ...]:
    """Ten bins of equal count, by rising score."""
    parts = np.array_split(np.argsort(scores, kind="stable"), BINS)
    return tuple(
        CalibrationBin(mean_score=float(scores[part].mean()), observed=float(y[part].mean()), rows=len(part))
        for part in parts
        if len(part)
    )


def deciles(y: Labels, scores: Scores) -> tuple[DecileReport, ...]:
    """Tenths of the rows, the riskiest first."""
    parts = np.array_split(np.argsort(-scores, kind="stable"), BINS)
    average = float(y.mean())
    return tuple(
        DecileReport(
            decile=number, rows=len(part), churned=int(y[part].sum()), lift=float(y[part].mean()) / average
        )
        for number, part in enumerate(parts, start=1)
        if len(part)
    )


def top_decile_precision(y: Labels, scores: Scores) -> float:
    """Share of churners among the tenth of rows with the highest scores."""
    count = max(1, round(len(y) / 10))
    return float(y[np.argpartition(-scores, count - 1)[:count]].mean())


def best_f1_threshold(y: Labels, scores: Scores) -> float:
    """The threshold with the highest F1 on these rows; rows with a score of at least it are flagged."""
    order = np.argsort(-scores, kind="stable")
    ordered, hits = scores[order], np.cumsum(y[order])
    flagged = np.arange(1, len(y) + 1)
    f1 = 2 * hits / (flagged + hits[-1])
    # A threshold cannot part equal scores: only the last row of each counts.
    last = np.append(ordered[1:] != ordered[:-1], True)
    return float(ordered[np.argmax(np.where(last, f1, -1.0))])
