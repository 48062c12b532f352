from __future__ import annotations

import math
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from churnguard_core.churnmodel.types import Gate, Metric
from churnguard_core.gates import (
    DEFAULT_GATE,
    LOWER_IS_BETTER,
    GateOutcome,
    judge_gates,
    passed,
)

METRICS: tuple[Metric, ...] = get_args(Metric)
FIGURES = st.floats(-10, 10).map(lambda value: round(value, 6))
LIMITS = st.decimals(0, 1, places=3).map(str)


def judged(gate: Gate, figure: float, *, champion: float | None = None) -> GateOutcome:
    """The one outcome of a gate with one condition."""
    (outcome,) = judge_gates(
        [gate],
        metrics={gate.metric: figure},
        champion={} if champion is None else {gate.metric: champion},
        baseline={},
    )
    return outcome


@pytest.mark.parametrize(
    ("gate", "figure", "holds", "name", "detail"),
    [
        ({"metric": "rocAuc", "min": "0.80"}, 0.8421, True, "rocAuc >= 0.80", "is 0.8421"),
        ({"metric": "rocAuc", "min": "0.80"}, 0.80, True, "rocAuc >= 0.80", "is 0.800000"),
        ({"metric": "rocAuc", "min": "0.80"}, 0.79999, False, "rocAuc >= 0.80", "is 0.799990"),
        ({"metric": "rocAuc", "min": "0.80"}, 0.7999999, True, "rocAuc >= 0.80", "is 0.800000"),
        ({"metric": "rocAuc", "min": "0.80"}, 0.7, False, "rocAuc >= 0.80", "is 0.7000"),
        ({"metric": "brier", "max": "0.14"}, 0.13, True, "brier <= 0.14", "is 0.1300"),
        ({"metric": "brier", "max": "0.14"}, 0.14, True, "brier <= 0.14", "is 0.140000"),
        ({"metric": "brier", "max": "0.14"}, 0.15, False, "brier <= 0.14", "is 0.1500"),
        ({"metric": "liftTopDecile", "min": "2.5"}, 2.4, False, "liftTopDecile >= 2.5", "is 2.4000"),
    ],
)
def test_a_figure_is_held_against_its_bound(
    gate: dict[str, Any], figure: float, holds: bool, name: str, detail: str
) -> None:
    assert judged(Gate(**gate), figure) == GateOutcome(gate=name, passed=holds, detail=detail)


@pytest.mark.parametrize(
    ("metric", "champion", "figure", "holds"),
    [
        ("rocAuc", 0.85, 0.90, True),
        ("rocAuc", 0.85, 0.85, True),
        ("rocAuc", 0.85, 0.841, True),
        ("rocAuc", 0.80, 0.79, True),  # in binary, 0.80 - 0.79 is more than 0.01
        ("rocAuc", 0.85, 0.8399, False),
        ("logLoss", 0.40, 0.30, True),
        ("logLoss", 0.40, 0.41, True),
        ("logLoss", 0.40, 0.4101, False),
        ("brier", 0.13, 0.15, False),
        ("ece", 0.02, 0.04, False),
        ("ece", 0.04, 0.02, True),
        ("prAuc", 0.65, 0.70, True),
        ("liftTopDecile", 2.9, 2.8, False),
    ],
)
def test_a_regression_is_measured_in_the_direction_in_which_the_figure_worsens(
    metric: Metric, champion: float, figure: float, holds: bool
) -> None:
    outcome = judged(Gate(metric=metric, max_regression="0.01"), figure, champion=champion)
    assert outcome.gate == f"{metric} regression <= 0.01"
    assert outcome.passed is holds
    assert "serving" in outcome.detail


def test_a_negative_regression_demands_an_improvement() -> None:
    gate = Gate(metric="logLoss", max_regression="-0.01")
    assert not judged(gate, 0.40, champion=0.40).passed
    assert judged(gate, 0.39, champion=0.40).passed


def test_nothing_regresses_while_nothing_serves() -> None:
    outcome = judged(Gate(metric="logLoss", max_regression="0.00"), 9.0)
    assert outcome == GateOutcome(gate="logLoss regression <= 0.00", passed=True, detail="nothing serves yet")


def test_every_condition_of_a_gate_is_judged() -> None:
    gate = Gate(metric="ece", min="0.01", max="0.05", max_regression="0.02")
    outcomes = judge_gates([gate], metrics={"ece": 0.06}, champion={"ece": 0.05}, baseline={})
    assert [(outcome.gate, outcome.passed) for outcome in outcomes] == [
        ("ece >= 0.01", True),
        ("ece <= 0.05", False),
        ("ece regression <= 0.02", True),
    ]


@pytest.mark.parametrize(
    "metrics", [{}, {"rocAuc": math.nan}, {"rocAuc": math.inf}], ids=["absent", "NaN", "infinite"]
)
def test_a_figure_that_is_missing_fails(metrics: dict[str, float]) -> None:
    gate = Gate(metric="rocAuc", min="0.8", max_regression="0.1")
    outcomes = judge_gates([gate], metrics=metrics, champion={}, baseline={})
    assert outcomes == (GateOutcome(gate="rocAuc", passed=False, detail="the result has no such figure"),)


@pytest.mark.parametrize(
    ("figure", "reference", "holds"),
    [
        (0.41, 0.58, True),
        (0.58, 0.58, False),
        (0.60, 0.58, False),
        (math.nan, 0.58, False),
        (0.41, math.nan, False),
    ],
)
def test_without_gates_the_prevalence_baseline_must_be_beaten(
    figure: float, reference: float, holds: bool
) -> None:
    (outcome,) = judge_gates([], metrics={"logLoss": figure}, champion={}, baseline={"logLoss": reference})
    assert (outcome.gate, outcome.passed) == (DEFAULT_GATE, holds)


def test_without_gates_and_figures_nothing_passes() -> None:
    assert not passed(judge_gates([], metrics={}, champion={}, baseline={}))


def test_no_outcomes_are_no_permission() -> None:
    assert not passed(())


def test_lower_is_better_for_the_losses_only() -> None:
    assert {metric for metric in METRICS if metric in LOWER_IS_BETTER} == {"logLoss", "brier", "ece"}


@given(
    gates=st.lists(
        st.builds(
            Gate,
            metric=st.sampled_from(METRICS),
            min=st.none() | LIMITS,
            max=st.none() | LIMITS,
            max_regression=LIMITS,
        ),
        min_size=1,
        max_size=5,
    ),
    metrics=st.dictionaries(st.sampled_from(METRICS), FIGURES),
    champion=st.dictionaries(st.sampled_from(METRICS), FIGURES),
)
def test_a_revision_passes_when_all_its_gates_hold_and_only_then(
    gates: list[Gate], metrics: dict[str, float], champion: dict[str, float]
) -> None:
    def outcome(these: list[Gate]) -> bool:
        return passed(judge_gates(these, metrics=metrics, champion=champion, baseline={}))

    assert outcome(gates) == all(outcome([gate]) for gate in gates)


@given(
    metric=st.sampled_from(METRICS),
    limit=LIMITS,
    champion=st.floats(0, 1),
    figure=st.floats(0, 1),
    better_by=st.floats(0, 1),
)
def test_a_better_figure_never_fails_where_a_worse_one_passes(
    metric: Metric, limit: str, champion: float, figure: float, better_by: float
) -> None:
    gate = Gate(metric=metric, max_regression=limit)
    better = figure - better_by if metric in LOWER_IS_BETTER else figure + better_by
    if judged(gate, figure, champion=champion).passed:
        assert judged(gate, better, champion=champion).passed


@given(metric=st.sampled_from(METRICS), limit=LIMITS, figure=st.floats(0, 1), champion=st.floats(0, 1))
def test_figures_rounded_as_in_a_result_are_judged_alike(
    metric: Metric, limit: str, figure: float, champion: float
) -> None:
    for gate in (Gate(metric=metric, min=limit), Gate(metric=metric, max_regression=limit)):
        exact = judged(gate, figure, champion=champion)
        assert exact == judged(gate, round(figure, 6), champion=round(champion, 6))
