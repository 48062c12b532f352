from __future__ import annotations

import datetime
from typing import Any, get_args

import jsonschema
import msgspec

from churnguard_core.churnmodel.scalars import Metric
from churnguard_core.churnmodel.shapes import fields_of
from churnguard_core.churnmodel.status import (
    REASONS,
    REASONS_OF,
    ConditionReason,
    ConditionType,
    Headline,
    RevisionInService,
    Status,
    StatusCondition,
)

NOON = datetime.datetime(2025, 1, 1, 12, tzinfo=datetime.UTC)


def test_the_set_of_reasons_is_closed_and_every_reason_has_a_meaning_and_a_condition() -> None:
    assert set(REASONS) == set(get_args(ConditionReason))
    assert {reason for reasons in REASONS_OF.values() for reason in reasons} == set(REASONS)
    assert tuple(REASONS_OF) == get_args(ConditionType)
    assert all(meaning.endswith(".") for meaning in REASONS.values())


def test_ready_repeats_only_reasons_of_the_other_conditions() -> None:
    others = {
        reason for condition, reasons in REASONS_OF.items() if condition != "Ready" for reason in reasons
    }
    assert set(REASONS_OF["Ready"]) <= others


def test_headline_figures_are_the_metrics_that_gates_judge() -> None:
    assert {field.name for field in fields_of(Headline)} == set(get_args(Metric))


def test_a_status_fits_the_schema_of_the_crd(root_schema: dict[str, Any]) -> None:
    status = Status(
        observed_generation=3,
        conditions=(
            StatusCondition(
                type="Ready",
                status="True",
                reason="RevisionServing",
                message="telco-r7 answers",
                observed_generation=3,
                last_transition_time=NOON,
            ),
            StatusCondition(
                type="Progressing",
                status="False",
                reason="GateFailed",
                message="",
                observed_generation=3,
                last_transition_time=NOON,
            ),
        ),
        url="http://telco.retention.svc",
        serving=RevisionInService(revision="telco-r7", algorithm="XGBoost", trained=NOON),
        metrics=Headline(roc_auc="0.8471"),
        last_revision=8,
    )
    written = msgspec.json.decode(msgspec.json.encode(status))
    jsonschema.Draft202012Validator(root_schema["properties"]["status"]).validate(written)
    assert written["conditions"][0]["lastTransitionTime"] == "2025-01-01T12:00:00Z"
    assert written["conditions"][1].keys() == {field.name for field in fields_of(StatusCondition)}
    assert msgspec.convert(written, Status) == status
