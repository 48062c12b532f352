"""The API server (schema and CEL) and our parser give the same verdict, and understand the same, on any ChurnModel."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from churnguard_core.churnmodel.parse import parse_churnmodel
from churnguard_core.churnmodel.problems import InvalidChurnModel
from churnguard_core.names import API_VERSION, KIND

pytestmark = pytest.mark.apiserver

Document: TypeAlias = dict[str, Any]
Changes: TypeAlias = Mapping[str, Any]


def model(changes: Changes) -> Document:
    """The smallest valid ChurnModel with these fields set; keys are dotted paths."""
    document: Document = {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {"name": "telco"},
        "spec": {"data": {"source": {"simulator": {}}, "columns": {"label": {"name": "Churn"}}}},
    }
    for path, value in changes.items():
        *parents, last = path.split(".")
        part = document
        for parent in parents:
            if not isinstance(part.get(parent), dict):
                part[parent] = {}
            part = part[parent]
        part[last] = copy.deepcopy(value)
    return document


def problem_paths(document: Document) -> set[str]:
    """Paths of all that our parser finds wrong; empty when it accepts."""
    try:
        parse_churnmodel(document)
    except InvalidChurnModel as error:
        return {problem.path for problem in error.problems}
    return set()


POSTGRES: Final = {"secretName": "warehouse", "query": "select 1"}
COLUMNS_PATH: Final = "spec.data.columns"


def gates(**gate: str) -> Document:
    return {"spec.gates": [gate]}


def insight(**when: str) -> Document:
    return {"spec.serving.insights": [{"when": {"feature": "tenure", **when}, "text": "Call"}]}


ACCEPTED: Final[dict[str, Changes]] = {
    "the smallest": {},
    "a name of 40 characters": {"metadata.name": "a" * 40},
    "another source": {"spec.data.source": {"postgres": POSTGRES}},
    "a null source beside the one": {"spec.data.source.file": None},
    "null for absent": {"spec.store": None, "spec.training": None, f"{COLUMNS_PATH}.id": None},
    "value is no feature": {f"{COLUMNS_PATH}.value": "Paid", f"{COLUMNS_PATH}.exclude": ["Paid"]},
    "replicas fixed": {"spec.serving.replicas": {"min": 3, "max": 3}},
    "levels at the ends": {"spec.serving.levels": {"medium": "0", "high": "1"}},
    "a gate with all bounds": gates(metric="rocAuc", min="0.8", max="0.95", maxRegression="0.01"),
    "an insight on a range": insight(atLeast="1", atMost="6"),
    "an insight on a category": insight(equals="6"),
    "scale to zero by requests": {
        "spec.serving.replicas": {"min": 0},
        "spec.serving.autoscaling": {"metric": "requestsPerSecond", "target": 20},
    },
    "every candidate": {"spec.training.algorithms": ["SVM", "RandomForest", "XGBoost", "LogisticRegression"]},
    "a schedule": {"spec.training.schedule": {"cron": "0 3 * * 1", "timeZone": "Europe/Berlin"}},
    "a pin": {"spec.serving.revision": "telco-r7"},
    "characters outside the basic plane": {f"{COLUMNS_PATH}.label.name": "\U0001f600" * 128},
}


@pytest.mark.parametrize("changes", ACCEPTED.values(), ids=ACCEPTED.keys())
def test_server_and_parser_accept_and_understand_alike(changes: Changes, churn_models: Any) -> None:
    document = model(changes)
    document["metadata"]["namespace"] = churn_models.place["namespace"]
    assert parse_churnmodel(churn_models.judge(document)) == parse_churnmodel(document)


# name: (changes, what the API server says, path at which our parser has a problem)
REJECTED: Final[dict[str, tuple[Changes, str, str]]] = {
    "no source": ({"spec.data.source": {}}, "give exactly one of `simulator`", "spec.data.source"),
    "two sources": (
        {"spec.data.source.postgres": POSTGRES},
        "give exactly one of `simulator`",
        "spec.data.source",
    ),
    "replicas the wrong way round": (
        {"spec.serving.replicas": {"min": 4, "max": 2}},
        "`min` must not be above `max`",
        "spec.serving.replicas",
    ),
    "min above the default max": (
        {"spec.serving.replicas.min": 500},
        "`min` must not be above `max`",
        "spec.serving.replicas",
    ),
    "levels that meet": (
        {"spec.serving.levels": {"medium": "0.6", "high": "0.60"}},
        "`medium` must be below `high`",
        "spec.serving.levels",
    ),
    "levels the wrong way round": (
        {"spec.serving.levels": {"medium": "0.7", "high": "0.3"}},
        "`medium` must be below `high`",
        "spec.serving.levels",
    ),
    "a gate without bounds": (gates(metric="rocAuc"), "give at least one of `min`", "spec.gates[0]"),
    "an empty range of a gate": (
        gates(metric="rocAuc", min="0.9", max="0.10"),
        "`min` must not be above `max`",
        "spec.gates[0]",
    ),
    "an unknown metric": (
        gates(metric="accuracy", min="0.8"),
        'Unsupported value: "accuracy"',
        "spec.gates[0].metric",
    ),
    "an unknown algorithm": (
        {"spec.training.algorithms": ["CatBoost"]},
        'Unsupported value: "CatBoost"',
        "spec.training.algorithms[0]",
    ),
    "an algorithm twice": (
        {"spec.training.algorithms": ["SVM", "SVM"]},
        'Duplicate value: "SVM"',
        "spec.training.algorithms[1]",
    ),
    "no algorithm": (
        {"spec.training.algorithms": []},
        "spec.training.algorithms in body should have at least 1 items",
        "spec.training.algorithms",
    ),
    "a name of 41 characters": (
        {"metadata.name": "a" * 41},
        "metadata.name must have at most 40 characters",
        "metadata.name",
    ),
    "a name that begins with a digit": (
        {"metadata.name": "7eleven"},
        "metadata.name must be",
        "metadata.name",
    ),
    "the label excluded": (
        {f"{COLUMNS_PATH}.exclude": ["Churn"]},
        "the label column must not be in `exclude`",
        COLUMNS_PATH,
    ),
    "the id excluded": (
        {f"{COLUMNS_PATH}.id": "key", f"{COLUMNS_PATH}.exclude": ["key"]},
        "the `id` column must not be in `exclude`",
        COLUMNS_PATH,
    ),
    "the label as value": (
        {f"{COLUMNS_PATH}.value": "Churn"},
        "the `value` column must not be the label",
        COLUMNS_PATH,
    ),
    "no label": (
        {COLUMNS_PATH: {}},
        "spec.data.columns.label: Required value",
        f"{COLUMNS_PATH}.label",
    ),
    "a fraction above 1": (
        {"spec.serving.levels.high": "1.5"},
        "spec.serving.levels.high in body should match",
        "spec.serving.levels.high",
    ),
    "a fraction in percent": (
        {"spec.serving.levels.high": "60%"},
        "spec.serving.levels.high in body should match",
        "spec.serving.levels.high",
    ),
    "a fraction as number": (
        {"spec.serving.levels.high": 0.6},
        "spec.serving.levels.high in body must be of type string",
        "spec.serving.levels.high",
    ),
    "an insight without test": (
        insight(),
        "give either `equals`, or `atLeast`",
        "spec.serving.insights[0].when",
    ),
    "an insight with two tests": (
        insight(equals="a", atLeast="1"),
        "give either `equals`, or `atLeast`",
        "spec.serving.insights[0].when",
    ),
    "scale to zero by cpu": (
        {"spec.serving.replicas": {"min": 0}},
        "needs `autoscaling.metric: requestsPerSecond`",
        "spec.serving",
    ),
    "a pin of another model's revision": (
        {"spec.serving.revision": "other-r7"},
        "must be a revision of this model",
        "",
    ),
    "a pin that is no revision": (
        {"spec.serving.revision": "telco-7"},
        "spec.serving.revision in body should match",
        "spec.serving.revision",
    ),
    "a cron line of four fields": (
        {"spec.training.schedule": {"cron": "0 3 * *"}},
        "spec.training.schedule.cron in body should match",
        "spec.training.schedule.cron",
    ),
    "an unknown field": (
        {"spec.training.sede": 7},
        'unknown field "spec.training.sede"',
        "spec.training.sede",
    ),
    "a climbing path": (
        {"spec.store": {"uri": "pvc://claim/../other"}},
        "`uri` must not hold `..`",
        "spec.store",
    ),
}


@pytest.mark.parametrize(("changes", "says", "path"), REJECTED.values(), ids=REJECTED.keys())
def test_server_and_parser_reject_and_say_where(
    changes: Changes, says: str, path: str, churn_models: Any
) -> None:
    document = model(changes)
    assert says in churn_models.rejection(document)
    assert path in problem_paths(document)


POOLS: Final[dict[str, list[Any]]] = {
    "metadata.name": ["telco", "telco-eu", "a" * 40, "a" * 41, "telco-", "7eleven"],
    "spec.data.source": [{"simulator": {}}, {"simulator": None}, {"postgres": POSTGRES}, {}, None],
    "spec.data.source.file": [{"uri": "s3://b/a.csv"}, {"uri": "file:///a b.csv"}, {"uri": "pvc://c/a.txt"}],
    f"{COLUMNS_PATH}.id": ["Churn", "key", "", None, 7],
    f"{COLUMNS_PATH}.time": ["key", "asOf", "Churn"],
    f"{COLUMNS_PATH}.value": ["Paid", "key", "x" * 129, "\U0001f600" * 65],
    f"{COLUMNS_PATH}.exclude": [["key"], ["asOf"], [], None, ["a", "a"], "key"],
    f"{COLUMNS_PATH}.types": [{"tenure": "numeric"}, {"Churn": "boolean"}, {"": "numeric"}, {"a": "money"}],
    "spec.training": [None, {}, {"seed": 2**31}, {"seed": -1}, {"retries": 10}, {"search": {"trials": "9"}}],
    "spec.training.schedule": [{"cron": "0 3 * * 1\n"}, {"cron": "@daily"}, {"cron": "٣ 3 * * 1"}, {}],
    "spec.serving.replicas": [{"min": 0}, {"min": 4}, {"max": 0}, {"min": 2, "max": 1}, {"min": True}],
    "spec.serving.autoscaling": [{"metric": "requestsPerSecond"}, {"metric": "cpu"}, {"metric": "memory"}],
    "spec.serving.levels": [{"medium": "0.9"}, {"high": "0.3"}, {"medium": ".5"}, {"high": "1.000000"}],
    "spec.serving.revision": ["telco-r1", "telco-r0", "telco-eu-r12", "telco-r1-r1", None],
    "spec.gates": [
        [],
        [{"metric": "ece", "max": "-0"}],
        [{"metric": "ece", "min": "1", "max": "0.5"}],
        [None],
        [{"metric": "ece", "maxRegression": "1e-3"}],
    ],
    "spec.suspend": [True, "true", None],
}


CHANGES: Final = [(path, value) for path, pool in POOLS.items() for value in pool]


@settings(max_examples=300, deadline=None)
@given(changes=st.lists(st.sampled_from(CHANGES), min_size=1, max_size=3).map(dict))
def test_server_and_parser_agree_on_any_combination(changes: Changes, churn_models: Any) -> None:
    document = model(changes)
    rejection, paths = churn_models.rejection(document), problem_paths(document)
    assert bool(rejection) == bool(paths), (rejection, paths)
