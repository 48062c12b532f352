"""Gates: may this revision serve? A pure function of hold-out figures.

Figures are compared as a training result carries them, rounded to six decimals, and in decimal arithmetic: whoever
judges a result comes to the same verdict as the run that wrote it, and a figure exactly at a limit holds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

from msgspec import Struct

from churnguard_core.churnmodel.types import Gate

LOWER_IS_BETTER: Final = frozenset({"logLoss", "brier", "ece"})

DEFAULT_GATE: Final = "logLoss below the prevalence baseline"

FIGURE_DECIMALS: Final = 6


class GateOutcome(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """One gate's verdict, in words a person can act on."""

    gate: str
    passed: bool
    detail: str = ""


def judge_gates(
    gates: Sequence[Gate],
    *,
    metrics: Mapping[str, float],
    champion: Mapping[str, float],
    baseline: Mapping[str, float],
) -> tuple[GateOutcome, ...]:
    """Judge every gate; without gates, the log loss must beat that of always answering the prevalence.

    Args:
        gates: The conditions of the ChurnModel.
        metrics: Hold-out figures of the revision, by metric name. A gate on a figure that is absent, infinite or
            NaN fails.
        champion: Figures of the serving revision on the same rows; empty when nothing serves.
        baseline: Figures of the prevalence baseline on the same rows.
    """
    if not gates:
        return (_beats_baseline(figure=_figure(metrics, "logLoss"), reference=_figure(baseline, "logLoss")),)
    return tuple(
        outcome
        for gate in gates
        for outcome in _judge(
            gate, figure=_figure(metrics, gate.metric), champion=_figure(champion, gate.metric)
        )
    )


def passed(outcomes: Sequence[GateOutcome]) -> bool:
    """Whether the revision may serve: every gate holds, and there is at least one."""
    return bool(outcomes) and all(outcome.passed for outcome in outcomes)


def _figure(figures: Mapping[str, float], name: str) -> Decimal | None:
    value = figures.get(name)
    return None if value is None or not math.isfinite(value) else round(Decimal(value), FIGURE_DECIMALS)


def _missing(gate: str) -> GateOutcome:
    return GateOutcome(gate=gate, passed=False, detail="the result has no such figure")


def _beats_baseline(*, figure: Decimal | None, reference: Decimal | None) -> GateOutcome:
    if figure is None or reference is None:
        return _missing(DEFAULT_GATE)
    places = _places(figure, bound=reference)
    return GateOutcome(
        gate=DEFAULT_GATE,
        passed=figure < reference,
        detail=f"logLoss {figure:.{places}f}, baseline {reference:.{places}f}",
    )


def _judge(gate: Gate, *, figure: Decimal | None, champion: Decimal | None) -> list[GateOutcome]:
    if figure is None:
        return [_missing(gate.metric)]
    outcomes = []
    if gate.min is not None:
        bound = Decimal(gate.min)
        detail = f"is {figure:.{_places(figure, bound=bound)}f}"
        outcomes.append(
            GateOutcome(gate=f"{gate.metric} >= {gate.min}", passed=figure >= bound, detail=detail)
        )
    if gate.max is not None:
        bound = Decimal(gate.max)
        detail = f"is {figure:.{_places(figure, bound=bound)}f}"
        outcomes.append(
            GateOutcome(gate=f"{gate.metric} <= {gate.max}", passed=figure <= bound, detail=detail)
        )
    if gate.max_regression is not None:
        outcomes.append(_judge_regression(gate.metric, gate.max_regression, figure=figure, champion=champion))
    return outcomes


def _judge_regression(metric: str, limit: str, *, figure: Decimal, champion: Decimal | None) -> GateOutcome:
    name = f"{metric} regression <= {limit}"
    if champion is None:
        return GateOutcome(gate=name, passed=True, detail="nothing serves yet")
    worse_by = figure - champion if metric in LOWER_IS_BETTER else champion - figure
    places = _places(worse_by, bound=Decimal(limit))
    return GateOutcome(
        gate=name,
        passed=worse_by <= Decimal(limit),
        detail=f"is {figure:.{places}f}, serving {champion:.{places}f}",
    )


def _places(figure: Decimal, *, bound: Decimal) -> int:
    """Decimals to show: four, unless they would hide on which side of the bound the figure is."""
    return 4 if abs(figure - bound) >= Decimal("0.0001") else FIGURE_DECIMALS
