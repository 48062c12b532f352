"""Risk levels and insights: serving configuration applied to a score and its reasons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from churnguard_core.churnmodel.types import Condition, Insight, Levels
from churnguard_scoring.records import Record

Level = Literal["low", "medium", "high"]

MOST_INSIGHTS = 3


def risk_level(score: float, levels: Levels) -> Level:
    """The level of a score."""
    if score >= float(levels.high):
        return "high"
    return "medium" if score >= float(levels.medium) else "low"


def insights(
    record: Record, *, reasons: Mapping[str, float], configured: Sequence[Insight]
) -> tuple[str, ...]:
    """Texts of the insights that apply, the strongest reason first, at most three.

    An insight applies when its condition holds and its feature raises this customer's risk: advice about what
    lowers the risk would be noise.
    """
    applying = [
        (reasons.get(insight.when.feature, 0.0), insight.text)
        for insight in configured
        if reasons.get(insight.when.feature, 0.0) > 0
        and _holds(insight.when, record.get(insight.when.feature))
    ]
    applying.sort(key=lambda found: -found[0])
    return tuple(dict.fromkeys(text for _, text in applying))[:MOST_INSIGHTS]


def _holds(condition: Condition, value: object) -> bool:
    if value is None:
        return False
    if condition.equals is not None:
        return _spelled(value) == condition.equals
    if not isinstance(value, int | float):
        return False
    at_least, at_most = condition.at_least, condition.at_most
    return (at_least is None or value >= float(at_least)) and (at_most is None or value <= float(at_most))


def _spelled(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
