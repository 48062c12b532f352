"""Bad records: every instance and field is named, and nothing else is refused."""

from __future__ import annotations

from typing import Any

import pytest

from churnguard_core.features import Feature
from churnguard_scoring.reader import columns_from_records
from churnguard_scoring.records import InvalidRecords, check_records
from churnguard_scoring.scorer import Scorer, ScorerDefinition

WRONG: list[tuple[str, object, str]] = [
    ("tenure", "12", "expected a number, got a string"),
    ("tenure", True, "expected a number, got a boolean"),
    ("tenure", [1], "expected a number, got a list"),
    ("tenure", {"value": 1}, "expected a number, got an object"),
    ("tenure", float("nan"), "expected a finite number"),
    ("tenure", float("inf"), "expected a finite number"),
    ("tenure", 10**400, "expected a finite number"),
    ("plan", 7, "expected a text, got a number"),
    ("plan", ["basic"], "expected a text, got a list"),
    ("plan", False, "expected a text, got a boolean"),
    ("code", 7, "expected a text, got a number"),
    ("paperless", 2.5, "expected a text, got a number"),
]
FINE: list[dict[str, Any]] = [
    {},
    {"tenure": None, "plan": None},
    {"tenure": 1, "unknown field": object()},
    {"plan": "never seen", "code": 30, "paperless": "TRUE"},
    {"tenure": -1e308, "charges": 5e-324},
]


@pytest.mark.parametrize(("field", "value", "message"), WRONG)
@pytest.mark.parametrize("kind", ["trees", "linear", "radialBasis"])
def test_a_wrong_value_is_named(
    kind: str, field: str, value: object, message: str, definitions: dict[str, ScorerDefinition]
) -> None:
    with pytest.raises(InvalidRecords) as raised:
        Scorer(definitions[kind]).score({"charges": 1.0, field: value})
    assert [str(problem) for problem in raised.value.problems] == [f"instances[0].{field}: {message}"]


def test_all_problems_of_all_records_come_at_once(features: tuple[Feature, ...]) -> None:
    records: list[dict[str, Any]] = [{"tenure": "1", "plan": 3}, {}, {"charges": float("nan"), "tenure": 2}]
    with pytest.raises(InvalidRecords) as raised:
        columns_from_records(features, records)
    assert [(problem.instance, problem.field) for problem in raised.value.problems] == [
        (0, "tenure"),
        (0, "plan"),
        (2, "charges"),
    ]


@pytest.mark.parametrize("record", FINE)
def test_missing_null_unknown_and_extreme_values_are_fine(
    record: dict[str, Any], definitions: dict[str, ScorerDefinition], features: tuple[Feature, ...]
) -> None:
    assert check_records(features, [record]) == ()
    for definition in definitions.values():
        assert 0 <= Scorer(definition).score(record) <= 1 or definition is definitions["forest"]


def test_a_category_that_spells_a_number_may_be_sent_as_that_number(
    definitions: dict[str, ScorerDefinition],
) -> None:
    scorer = Scorer(definitions["trees"])
    assert scorer.score({"code": "30"}) == scorer.score({"code": 30}) == scorer.score({"code": 30.0})
