"""Boundaries: 64-bit numbers that decide as the libraries' 32-bit comparisons do, for every input."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from churnguard_training.candidates.boundaries import split_at_most, split_below

LARGEST_32 = float(np.finfo(np.float32).max)
SMALLEST_32 = float(np.finfo(np.float32).smallest_subnormal)
LARGEST_64 = float(np.finfo(np.float64).max)

thresholds_32 = st.floats(width=32, allow_nan=False, allow_infinity=False)


def as_32(x: float) -> np.float32:
    with np.errstate(over="ignore"):
        return np.float32(x)


def neighbours(threshold: float) -> list[float]:
    """Numbers around a threshold: its 32-bit neighbours, the ties between them, and the next doubles of all these."""
    center = as_32(threshold)
    steps = [center]
    for direction in (-np.inf, np.inf):
        neighbour = center
        for _ in range(2):
            with np.errstate(over="ignore"):
                neighbour = np.nextafter(neighbour, np.float32(direction))
            steps.append(neighbour)
    singles = sorted(float(step) for step in steps if math.isfinite(step))
    ties = [low / 2 + high / 2 for low, high in pairwise(singles)]
    near = [threshold, -threshold, *singles, *ties]
    around = [x for one in near for x in (one, math.nextafter(one, -math.inf), math.nextafter(one, math.inf))]
    far = [0.0, -0.0, 1e39, -1e39, 5e-324, -5e-324, LARGEST_32, -LARGEST_32, 2.0**128, -(2.0**128)]
    edge = 2.0**128 - 2.0**103  # from here on 32 bits say infinity
    far += [side * x for side in (1, -1) for x in (edge, math.nextafter(edge, 0), SMALLEST_32 / 2)]
    return [x for x in (*around, *far, LARGEST_64 / 2, -LARGEST_64) if math.isfinite(x)]


@settings(max_examples=400, deadline=None)
@given(threshold=thresholds_32, other=st.floats(allow_nan=False, allow_infinity=False))
@example(threshold=0.0, other=0.0)
@example(threshold=-0.0, other=0.0)
@example(threshold=SMALLEST_32, other=0.0)
@example(threshold=-SMALLEST_32, other=0.0)
@example(threshold=LARGEST_32, other=1e300)
@example(threshold=-LARGEST_32, other=-1e300)
@example(threshold=1.0, other=1.0)
def test_a_row_goes_left_exactly_when_its_32_bit_value_is_below_the_threshold(
    threshold: float, other: float
) -> None:
    limit = np.float32(threshold)
    boundary = float(split_below(np.array([limit]))[0])

    for x in [*neighbours(threshold), other]:
        assert (x < boundary) == bool(as_32(x) < limit), (x, boundary)


@settings(max_examples=400, deadline=None)
@given(
    threshold=st.one_of(
        st.floats(allow_nan=False, allow_infinity=False, min_value=-1e38, max_value=1e38),
        thresholds_32,
        # The middle of two 32-bit numbers, where scikit-learn puts its thresholds.
        st.tuples(thresholds_32, thresholds_32).map(lambda pair: pair[0] / 2 + pair[1] / 2),
    ),
    other=st.floats(allow_nan=False, allow_infinity=False),
)
@example(threshold=0.0, other=0.0)
@example(threshold=SMALLEST_32 / 2, other=0.0)
@example(threshold=-SMALLEST_32 / 2, other=0.0)
@example(threshold=LARGEST_32, other=1e300)
@example(threshold=-LARGEST_32, other=-1e300)
@example(threshold=1e39, other=2.0**128)
@example(threshold=-1e39, other=-(2.0**128))
def test_a_row_goes_left_exactly_when_its_32_bit_value_is_at_most_the_threshold(
    threshold: float, other: float
) -> None:
    boundary = float(split_at_most(np.array([threshold]))[0])

    for x in [*neighbours(threshold), other]:
        assert (x < boundary) == (float(as_32(x)) <= threshold), (x, boundary)


def test_a_boundary_is_the_smallest_number_that_does_not_go_left() -> None:
    limits = np.array([-7.25, -1e-40, 0.0, 1e-40, 0.1, 24.5, 1e30], dtype=np.float32)

    boundaries = split_below(limits)

    assert np.all(boundaries.astype(np.float32) >= limits)
    assert np.all(np.nextafter(boundaries, -np.inf).astype(np.float32) < limits)


@pytest.mark.parametrize("largest", [1e39, 1e300, math.nextafter(LARGEST_64, 0)])
def test_a_split_of_missing_from_present_sends_every_number_left(largest: float) -> None:
    """scikit-learn's threshold of such a split is infinite, which no JSON can hold."""
    boundary = float(split_at_most(np.array([np.inf]))[0])

    assert math.isfinite(boundary)
    assert largest < boundary
    assert -largest < boundary
