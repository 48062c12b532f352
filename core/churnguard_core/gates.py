"""Gates: may this revision serve? A pure function of hold-out figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

from msgspec import Struct

from churnguard_core.churnmodel.types import Gate

LOWER_IS_BETTER: Final = frozenset({"logLoss", "brier", "ece"})

DEFAULT_GATE: Final = "logLoss below the prevalence baseline"


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
        metrics: Hold-out figures of the revision, by metric name.
        champion: Figures of the serving revision on the same rows; empty when nothing serves.
        baseline: Figures of the prevalence baseline on the same rows.
    """
    if not gates:
        return (_beats_baseline(metrics=metrics, baseline=baseline),)
    return tuple(
        outcome
        for gate in gates
        for outcome in _judge(gate, figure=metrics.get(gate.metric), champion=champion.get(gate.metric))
    )


def passed(outcomes: Sequence[GateOutcome]) -> bool:
    """Whether the revision may serve: every gate holds, and there is at least one."""
    return bool(outcomes) and all(outcome.passed for outcome in outcomes)


def _beats_baseline(*, metrics: Mapping[str, float], baseline: Mapping[str, float]) -> GateOutcome:
    figure, reference = metrics["logLoss"], baseline["logLoss"]
    return GateOutcome(
        gate=DEFAULT_GATE, passed=figure < reference, detail=f"logLoss {figure:.4f}, baseline {reference:.4f}"
    )


def _judge(gate: Gate, *, figure: float | None, champion: float | None) -> list[GateOutcome]:
    if figure is None:
        return [GateOutcome(gate=gate.metric, passed=False, detail="the result has no such figure")]
    outcomes = []
    if gate.min is not None:
        outcomes.append(
            GateOutcome(
                gate=f"{gate.metric} >= {gate.min}",
                passed=figure >= float(gate.min),
                detail=f"is {figure:.4f}",
            )
        )
    if gate.max is not None:
        outcomes.append(
            GateOutcome(
                gate=f"{gate.metric} <= {gate.max}",
                passed=figure <= float(gate.max),
                detail=f"is {figure:.4f}",
            )
        )
    if gate.max_regression is not None:
        outcomes.append(_judge_regression(gate, figure=figure, champion=champion, limit=gate.max_regression))
    return outcomes


def _judge_regression(gate: Gate, *, figure: float, champion: float | None, limit: str) -> GateOutcome:
    name = f"{gate.metric} regression <= {Decimal(limit)}"
    if champion is None:
        return GateOutcome(gate=name, passed=True, detail="nothing serves yet")
    worse_by = figure - champion if gate.metric in LOWER_IS_BETTER else champion - figure
    return GateOutcome(
        gate=name, passed=worse_by <= float(limit), detail=f"is {figure:.4f}, serving {champion:.4f}"
    )
