from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from churnguard_core.churnmodel.types import Levels
from churnguard_scoring.levels import risk_level
from churnguard_scoring.scorer import Scorer
from churnguard_serving.predictor import Predictor
from churnguard_serving.settings import Settings

EDGES = Settings(levels=Levels(medium="0.3", high="0.6"))


def level_of(score: float, settings: Settings = EDGES) -> str:
    scorer = cast(Scorer, SimpleNamespace(score=lambda _: score))
    return Predictor.of(scorer, settings).predict([{}])[0].risk_level


@pytest.mark.parametrize(
    ("score", "level"),
    [
        (0.0, "low"),
        (0.29999999999, "low"),
        (0.3, "medium"),
        (0.59999999999, "medium"),
        (0.6, "high"),
        (1.0, "high"),
    ],
)
def test_a_level_begins_at_its_threshold(score: float, level: str) -> None:
    assert level_of(score) == level


@pytest.mark.parametrize(
    ("medium", "high", "score", "level"),
    [
        ("0", "0", 0.0, "high"),
        ("0.5", "0.5", 0.5, "high"),
        ("0.5", "0.5", 0.499, "low"),
        ("1", "1", 1.0, "high"),
        ("1", "1", 0.999, "low"),
        ("0", "1", 0.0, "medium"),
    ],
)
def test_thresholds_may_meet_and_lie_at_the_ends(medium: str, high: str, score: float, level: str) -> None:
    assert level_of(score, Settings(levels=Levels(medium=medium, high=high))) == level


@given(st.floats(0, 1), st.integers(0, 10**6), st.integers(0, 10**6))
def test_levels_are_those_of_everybody_else(score: float, one: int, other: int) -> None:
    medium, high = (f"{part / 10**6:.6f}" for part in sorted((one, other)))
    levels = Levels(medium=medium, high=high)
    assert level_of(score, Settings(levels=levels)) == risk_level(score, levels)


@pytest.mark.parametrize("count", [1, 16, 17, 40])
def test_insights_are_the_same_for_few_and_many(
    count: int, service: Callable[..., Any], serving_settings: dict[str, Any], customers: Any
) -> None:
    asked = customers(count, seed=3)
    together = service("boosting", **serving_settings).explain(asked)
    one_by_one = [service_answer(service, serving_settings, customer) for customer in asked[:40]]
    assert [found.insights for found in together] == [found.insights for found in one_by_one]
    assert [list(found.shap_values) for found in together] == [
        list(found.shap_values) for found in one_by_one
    ]


def service_answer(service: Callable[..., Any], settings: dict[str, Any], customer: dict[str, Any]) -> Any:
    return service("boosting", **settings).explain([customer])[0]


def test_an_insight_needs_its_condition_and_a_reason_that_raises_the_risk(
    service: Callable[..., Any],
) -> None:
    advice = [
        {"when": {"feature": "tenure", "atMost": "6"}, "text": "new"},
        {"when": {"feature": "tenure", "atLeast": "60"}, "text": "old"},
        {"when": {"feature": "contract", "equals": "One year"}, "text": "other contract"},
        {"when": {"feature": "nothing", "equals": "x"}, "text": "no such feature"},
    ]
    asked = [{"tenure": 1, "contract": "Month-to-month"}, {"tenure": 70}, {}]
    found = service("boosting", insights=advice).explain(asked)
    assert [one.insights for one in found] == [("new",), (), ()]


def test_an_answer_holds_at_most_three_insights(service: Callable[..., Any]) -> None:
    advice = [{"when": {"feature": "tenure", "atMost": "6"}, "text": f"advice {n}"} for n in range(5)]
    assert len(service("boosting", insights=advice).explain([{"tenure": 1}])[0].insights) == 3


def test_new_settings_apply_from_the_next_request_on(service: Callable[..., Any]) -> None:
    one = service("boosting")
    score = one.predict([{}])[0].risk_score
    assert one.predict([{}])[0].risk_level == "low"
    one.apply(Settings(levels=Levels(medium="0", high="0")))
    assert one.predict([{}])[0].risk_level == "high"
    assert one.predict([{}])[0].risk_score == score
