"""Boundaries: 32-bit thresholds as 64-bit numbers that decide alike for every input."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def split_below(thresholds: NDArray[np.float32]) -> NDArray[np.float64]:
    """For a library that goes left when ``float32(x) < threshold``: the smallest double that does not.

    ``float32`` rounds to nearest, ties to even, so that number is the middle between the threshold and its lower
    neighbour where the tie rounds up, else the next double.
    """
    lower = np.nextafter(thresholds, np.float32(-np.inf)).astype(np.float64)
    middle = (lower + thresholds.astype(np.float64)) / 2
    return np.where(middle.astype(np.float32) >= thresholds, middle, np.nextafter(middle, np.inf))


def split_at_most(thresholds: NDArray[np.float64]) -> NDArray[np.float64]:
    """For a library that goes left when ``float32(x) <= threshold``: the smallest double that does not."""
    rounded = thresholds.astype(np.float32)
    above = np.where(rounded > thresholds, rounded, np.nextafter(rounded, np.float32(np.inf)))
    return split_below(above.astype(np.float32))
