"""Serving configuration: where levels begin, which advice is shown."""

from __future__ import annotations

from typing import Any

import pytest

from churnguard_core.churnmodel.types import Condition, Insight, Levels
from churnguard_scoring.levels import insights, risk_level

LEVELS = Levels(medium="0.30", high="0.60")


def _insight(text: str, **when: Any) -> Insight:
    return Insight(when=Condition(**when), text=text)


@pytest.mark.parametrize(
    ("score", "level"),
    [(0.0, "low"), (0.2999, "low"), (0.3, "medium"), (0.5999, "medium"), (0.6, "high"), (1.0, "high")],
)
def test_a_level_begins_at_its_score(score: float, level: str) -> None:
    assert risk_level(score, LEVELS) == level


CONFIGURED = (
    _insight("offer a contract", feature="Contract", equals="Month-to-month"),
    _insight("welcome call", feature="tenure", at_most="6"),
    _insight("loyalty bonus", feature="tenure", at_least="24"),
    _insight("paper", feature="paperless", equals="true"),
    _insight("price check", feature="charges", at_least="50", at_most="100"),
)


@pytest.mark.parametrize(
    ("record", "reasons", "expected"),
    [
        ({}, {}, ()),
        ({"Contract": "Month-to-month"}, {"Contract": 1.0}, ("offer a contract",)),
        ({"Contract": "Month-to-month"}, {"Contract": -0.5}, ()),
        ({"Contract": "One year"}, {"Contract": 1.0}, ()),
        ({"tenure": 6}, {"tenure": 0.4}, ("welcome call",)),
        ({"tenure": 6.5}, {"tenure": 0.4}, ()),
        ({"tenure": None}, {"tenure": 0.4}, ()),
        ({"tenure": "6"}, {"tenure": 0.4}, ()),
        ({"paperless": True}, {"paperless": 0.4}, ("paper",)),
        ({"charges": 50}, {"charges": 0.4}, ("price check",)),
        ({"charges": 100.01}, {"charges": 0.4}, ()),
        (
            {"Contract": "Month-to-month", "tenure": 1, "paperless": True, "charges": 70},
            {"Contract": 0.2, "tenure": 0.9, "paperless": 0.1, "charges": 0.3},
            ("welcome call", "price check", "offer a contract"),
        ),
    ],
)
def test_insights_of_what_raises_the_risk_are_shown_strongest_first_at_most_three(
    record: dict[str, Any], reasons: dict[str, float], expected: tuple[str, ...]
) -> None:
    assert insights(record, reasons=reasons, configured=CONFIGURED) == expected
