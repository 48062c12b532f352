"""May a trained revision serve? Judged by the gates of the ChurnModel."""

from __future__ import annotations

from collections.abc import Sequence

from churnguard_core.churnmodel.types import Gate
from churnguard_core.gates import GateOutcome, judge_gates, passed
from churnguard_core.result import TrainingResult


def judge(result: TrainingResult, *, gates: Sequence[Gate]) -> tuple[GateOutcome, ...]:
    """Every gate's verdict: judged again from the figures, or the run's own where a result had no room for them."""
    if result.metrics and (gates or result.baseline):
        return judge_gates(gates, metrics=result.metrics, champion=result.champion, baseline=result.baseline)
    return result.gates


def is_accepted(outcomes: Sequence[GateOutcome]) -> bool:
    """Whether every gate holds."""
    return passed(outcomes)


def missed(outcomes: Sequence[GateOutcome]) -> str:
    """The gates that did not hold, in words."""
    return "; ".join(
        f"{outcome.gate} ({outcome.detail})" if outcome.detail else outcome.gate
        for outcome in outcomes
        if not outcome.passed
    )
