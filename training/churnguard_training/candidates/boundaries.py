"""Boundaries: 32-bit thresholds as 64-bit numbers that decide alike for every input."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

BEYOND: Final = 2.0**128
"""What the 32-bit number above the largest would be; ``float32`` rounds to infinity by it."""
EVERYTHING: Final = float(np.finfo(np.float64).max)
"""Boundary that every number is below, but for this one: JSON has no infinity."""


def split_below(thresholds: NDArray[np.float32]) -> NDArray[np.float64]:
    """For a library that goes left when ``float32(x) < threshold``: the smallest double that does not.

    ``float32`` rounds to nearest, ties to even, so that number is the middle between the threshold and its lower
    neighbour where the tie rounds up, else the next double.
    """
    with np.errstate(over="ignore"):
        lower = np.nextafter(thresholds, np.float32(-np.inf)).astype(np.float64)
        middle = (np.clip(lower, -BEYOND, None) + np.clip(thresholds.astype(np.float64), None, BEYOND)) / 2
        return np.where(middle.astype(np.float32) >= thresholds, middle, np.nextafter(middle, np.inf))


def split_at_most(thresholds: NDArray[np.float64]) -> NDArray[np.float64]:
    """For a library that goes left when ``float32(x) <= threshold``: the smallest double that does not.

    A threshold is infinite where scikit-learn parts missing values from all others.
    """
    with np.errstate(over="ignore"):
        rounded = thresholds.astype(np.float32)
        above = np.where(rounded > thresholds, rounded, np.nextafter(rounded, np.float32(np.inf)))
    return np.where(np.isposinf(thresholds), EVERYTHING, split_below(above.astype(np.float32)))
