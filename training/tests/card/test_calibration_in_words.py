from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from churnguard_core.evaluation import CalibrationBin
from churnguard_training.card.trust import explained_by_chance, judge_calibration

SCORES = (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)


def bins(*shifts: float, rows: int = 1000) -> list[CalibrationBin]:
    """Bins whose observed share is off by these shifts, repeated over the scores."""
    return [
        CalibrationBin(mean_score=score, observed=score - shifts[at % len(shifts)], rows=rows)
        for at, score in enumerate(SCORES)
    ]


@pytest.mark.parametrize(
    ("shifts", "finding"),
    [
        ((0.0,), "calibrated"),
        ((0.012,), "calibrated"),
        ((0.02, -0.1), "too low"),
        ((-0.1,), "too low"),
        ((-0.1, 0.09), "uneven"),
    ],
)
def test_the_finding_names_the_direction(shifts: tuple[float, ...], finding: str) -> None:
    assert judge_calibration(bins(*shifts)).finding == finding


def test_scores_above_what_happened_are_too_high() -> None:
    high = [CalibrationBin(mean_score=s + 0.15, observed=s, rows=1000) for s in SCORES]
    assert judge_calibration(high).finding == "too high"


def test_the_same_gap_is_chance_on_few_rows_and_a_finding_on_many() -> None:
    few, many = judge_calibration(bins(0.04, -0.04, rows=50)), judge_calibration(bins(0.04, -0.04, rows=5000))
    assert (few.finding, many.finding) == ("calibrated", "uneven")
    assert few.gap == pytest.approx(many.gap)
    assert few.chance == pytest.approx(10 * many.chance)


def test_a_bin_without_leavers_is_explained_when_hardly_any_were_predicted() -> None:
    assert explained_by_chance(CalibrationBin(mean_score=0.002, observed=0.0, rows=100))
    assert not explained_by_chance(CalibrationBin(mean_score=0.2, observed=0.0, rows=100))


@given(
    st.lists(
        st.builds(
            CalibrationBin,
            mean_score=st.floats(0, 1),
            observed=st.floats(0, 1),
            rows=st.integers(1, 10_000),
        ),
        min_size=1,
        max_size=10,
    )
)
def test_every_calibration_can_be_judged(given_bins: list[CalibrationBin]) -> None:
    trust = judge_calibration(given_bins)
    assert 0 <= trust.within_chance <= trust.bins == len(given_bins)
    assert abs(trust.expected - trust.observed) <= trust.gap + 1e-9
    assert trust.chance <= 0.5
