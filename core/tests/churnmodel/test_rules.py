from __future__ import annotations

from collections.abc import Callable
from typing import Any

from churnguard_core.churnmodel.rules import RULES

Document = dict[str, Any]


def test_each_rule_accepts_what_obeys_it(
    rule_cases: list[Document],
    patched: Callable[[Document], Document],
    problems_of: Callable[[object], list[str]],
) -> None:
    for case in rule_cases:
        for patch in case["accepted"]:
            assert problems_of(patched(patch)) == [], patch


def test_each_rule_rejects_what_breaks_it_and_nothing_else_complains(
    rule_cases: list[Document],
    patched: Callable[[Document], Document],
    problems_of: Callable[[object], list[str]],
) -> None:
    for case in rule_cases:
        expected = f"{case['path']}: {case['message']}".removeprefix(": ")
        for patch in case["rejected"]:
            assert problems_of(patched(patch)) == [expected], patch


def test_every_rule_has_an_accepted_and_a_rejected_case(rule_cases: list[Document]) -> None:
    assert [case["message"] for case in rule_cases] == [rule.message for rule in RULES]
    assert all(case["accepted"] and case["rejected"] for case in rule_cases)


def test_a_rule_is_judged_although_fields_that_it_does_not_read_are_wrong(
    patched: Callable[[Document], Document], problems_of: Callable[[object], list[str]]
) -> None:
    columns = {"id": "Churn", "value": 3, "unknown": 1}
    found = problems_of(patched({"spec": {"data": {"columns": columns}}}))
    assert "spec.data.columns: `label`, `id` and `time` must be different columns" in found
    assert len(found) == 3


def test_a_rule_stays_silent_while_a_field_that_it_reads_is_wrong(
    patched: Callable[[Document], Document], problems_of: Callable[[object], list[str]]
) -> None:
    found = problems_of(patched({"spec": {"serving": {"replicas": {"min": "9"}}}}))
    assert found == ['spec.serving.replicas.min: expected a whole number, got "9"']
