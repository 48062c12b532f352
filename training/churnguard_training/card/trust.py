"""Calibration judged: whether a score of 30 % is really 30 %, as far as so many rows can tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import pi, sqrt
from typing import Final, Literal

from churnguard_core.evaluation import CalibrationBin

TOLERANCE: Final = 0.015
"""An average gap of this much above what chance explains still counts as calibrated."""
Z: Final = 1.96

Finding = Literal["calibrated", "too high", "too low", "uneven"]


@dataclass(frozen=True, kw_only=True)
class Trust:
    """What scores are worth as probabilities.

    ``gap`` is the average distance of predicted and observed share (the expected calibration error), ``chance`` the
    gap that a perfectly calibrated model would show on as many rows, ``within_chance`` how many of ``bins`` lie
    within a 95 % interval around what they predict.
    """

    finding: Finding
    gap: float
    chance: float
    expected: float
    observed: float
    within_chance: int
    bins: int


def judge_calibration(bins: Sequence[CalibrationBin]) -> Trust:
    """Compare bins with what chance explains."""
    rows = sum(b.rows for b in bins)
    gap = sum(b.rows * abs(b.mean_score - b.observed) for b in bins) / rows
    # The mean absolute deviation of a normal variable is its standard deviation times sqrt(2 / pi).
    chance = sqrt(2 / pi) * sum(b.rows * standard_error(b) for b in bins) / rows
    expected = sum(b.rows * b.mean_score for b in bins) / rows
    observed = sum(b.rows * b.observed for b in bins) / rows
    return Trust(
        finding=_finding(gap=gap, chance=chance, shift=expected - observed),
        gap=gap,
        chance=chance,
        expected=expected,
        observed=observed,
        within_chance=sum(explained_by_chance(b) for b in bins),
        bins=len(bins),
    )


def _finding(*, gap: float, chance: float, shift: float) -> Finding:
    if gap <= chance + TOLERANCE:
        return "calibrated"
    if abs(shift) < gap / 2:
        return "uneven"
    return "too high" if shift > 0 else "too low"


def standard_error(calibration_bin: CalibrationBin) -> float:
    """Standard error of a bin's observed share if its scores are right (binomial)."""
    share = calibration_bin.mean_score
    return sqrt(max(share * (1 - share), 0.0) / calibration_bin.rows)


def explained_by_chance(calibration_bin: CalibrationBin) -> bool:
    """Whether predicted and observed share differ by no more than chance does 19 times in 20."""
    distance = abs(calibration_bin.mean_score - calibration_bin.observed)
    return distance <= max(Z * standard_error(calibration_bin), 0.5 / calibration_bin.rows)
