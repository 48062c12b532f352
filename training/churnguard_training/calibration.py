"""Calibration: slope and intercept in the model's own space, kept only when they lower out-of-fold log loss.

On the log-odds this is Platt's scaling (Platt 1999) without touching the ranking, and it keeps Shapley values exact:
they scale with the slope. A forest adds up probabilities, so its line lies in probability, bounded so that no
reachable value leaves (0, 1).

A slope is never negative: on data without signal, values can order unseen rows the wrong way round by chance, and a
calibration that turned model and reasons upside down would be a bet on that chance. The best line then is flat.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import logit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from churnguard_scoring.models import Calibration, Space
from churnguard_scoring.scorer import sigmoid_many

IDENTITY: Final = Calibration()
MARGIN: Final = 1e-3
"""Calibrated forests stay this far from 0 and 1: a leaf without churners is no proof that nobody churns."""


def calibrated(raw: NDArray[np.float64], calibration: Calibration, *, space: Space) -> NDArray[np.float64]:
    """Probabilities of raw values."""
    values = calibration.slope * raw + calibration.intercept
    # Out-of-fold values can lie beyond what the fitted forest reaches.
    return sigmoid_many(values) if space == "logOdds" else np.clip(values, MARGIN / 10, 1 - MARGIN / 10)


def fit_log_odds(raw: NDArray[np.float64], y: NDArray[np.uint8]) -> Calibration:
    """Slope and intercept on the log-odds by maximum likelihood, the slope not below 0."""
    spread = float(raw.std())
    if spread == 0:
        return IDENTITY
    model = LogisticRegression(C=np.inf).fit(raw[:, None] / spread, y)
    slope = float(model.coef_[0, 0]) / spread
    if slope < 0:
        return Calibration(slope=0.0, intercept=float(logit(y.mean())))
    return Calibration(slope=slope, intercept=float(model.intercept_[0]))


def fit_probability(
    raw: NDArray[np.float64], y: NDArray[np.uint8], *, low: float, high: float
) -> Calibration:
    """Rising line through probabilities by maximum likelihood, its values at ``low`` and ``high`` inside (0, 1)."""
    if high <= low:
        return IDENTITY

    def loss(ends: NDArray[np.float64]) -> float:
        p = ends[0] + (ends[1] - ends[0]) * (raw - low) / (high - low)
        return float(-np.where(y == 1, np.log(p), np.log1p(-p)).mean())

    bounds = [(MARGIN, 1 - MARGIN)] * 2
    start = np.clip([low, high], MARGIN, 1 - MARGIN)
    at_low, at_high = map(float, minimize(loss, start, bounds=bounds, method="L-BFGS-B").x)
    if at_high < at_low:
        at_low = at_high = float(np.clip(y.mean(), MARGIN, 1 - MARGIN))
    return _line(low, high, at_low=at_low, at_high=at_high)


def _line(low: float, high: float, *, at_low: float, at_high: float) -> Calibration:
    slope = (at_high - at_low) / (high - low)
    return Calibration(slope=slope, intercept=at_low - slope * low)


def fit(
    raw: NDArray[np.float64], y: NDArray[np.uint8], *, space: Space, reach: tuple[float, float] | None = None
) -> Calibration:
    """Fit the calibration of a space; ``reach`` are the lowest and highest raw value that the model can give."""
    if space == "logOdds":
        return fit_log_odds(raw, y)
    low, high = reach or (float(raw.min()), float(raw.max()))
    return fit_probability(np.clip(raw, low, high), y, low=low, high=high)


def choose(
    raw: NDArray[np.float64],
    y: NDArray[np.uint8],
    *,
    folds: NDArray[np.intp],
    space: Space,
    reach: tuple[float, float] | None = None,
) -> tuple[Calibration, float]:
    """The calibration with the lower out-of-fold log loss, or none; and that loss.

    Each row's loss is that of a calibration fitted on the other folds, so more freedom does not win by itself.
    """
    probabilities = np.empty(len(raw))
    for fold in np.unique(folds):
        inside = folds == fold
        calibration = fit(raw[~inside], y[~inside], space=space)
        probabilities[inside] = calibrated(raw[inside], calibration, space=space)
    plain = float(log_loss(y, calibrated(raw, IDENTITY, space=space)))
    fitted = float(log_loss(y, probabilities))
    if plain <= fitted:
        return _least(space=space, reach=reach), plain
    return fit(raw, y, space=space, reach=reach), fitted


def _least(*, space: Space, reach: tuple[float, float] | None) -> Calibration:
    """No calibration; but a forest that can reach 0 or 1 is held inside."""
    if space == "logOdds" or reach is None or (reach[0] >= MARGIN and reach[1] <= 1 - MARGIN):
        return IDENTITY
    low, high = reach
    if high <= low:
        return Calibration(slope=0.0, intercept=float(np.clip(low, MARGIN, 1 - MARGIN)))
    return _line(low, high, at_low=max(low, MARGIN), at_high=min(high, 1 - MARGIN))
