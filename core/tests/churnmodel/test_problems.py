"""Messages as people read them: a golden table."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import pytest

from churnguard_core.churnmodel.parse import parse_churnmodel
from churnguard_core.churnmodel.problems import SHOWN_PROBLEMS, InvalidChurnModel, Problem

Document = dict[str, Any]

KNOWN = "known here: data, store, training, gates, serving, history, suspend"
QUOTE = 'write it in quotes as it stands in the data, such as "Yes", "TRUE" or "1"'


def columns(**fields: object) -> Document:
    return {"spec": {"data": {"columns": fields}}}


def training(**fields: object) -> Document:
    return {"spec": {"training": fields}}


BAD: list[tuple[Document, list[str]]] = [
    # Unknown fields
    (
        training(algoritms=["XGBoost"]),
        ["spec.training.algoritms: unknown field `algoritms`; did you mean `algorithms`?"],
    ),
    (
        {"spec": {"zzz": 1}},
        [
            f"spec.zzz: unknown field `zzz`; {KNOWN}",
        ],
    ),
    (
        {"spec": {True: 1}},
        [
            f"spec[true]: unknown field true; {KNOWN}",
        ],
    ),
    (
        {"specs": {}},
        ["specs: unknown field `specs`; did you mean `spec`?"],
    ),
    (
        {"spec": {"history": {"a b\x1b": 1}}},
        ['spec.history["a b\\u001b"]: unknown field "a b\\u001b"; known here: revisions'],
    ),
    # Texts that YAML reads as something else
    (
        columns(label={"positive": True}),
        [f"spec.data.columns.label.positive: expected a string, got a boolean; {QUOTE}"],
    ),
    (
        columns(label={"positive": 1}),
        ['spec.data.columns.label.positive: expected a string, got a number; write it as a string: "1"'],
    ),
    (
        columns(time=datetime.date(2024, 5, 1)),
        ['spec.data.columns.time: expected a string, got a date; write it as a string: "2024-05-01"'],
    ),
    (
        {"spec": {"gates": [{"metric": "rocAuc", "min": "0.5"}, {"metric": "rocAuc", "min": 0.8}]}},
        ['spec.gates[1].min: expected a string, got a number; write it as a string: "0.80"'],
    ),
    (
        {"spec": {"serving": {"levels": {"high": 0.625}}}},
        ['spec.serving.levels.high: expected a string, got a number; write it as a string: "0.625"'],
    ),
    # Texts that do not fit
    (
        {"spec": {"serving": {"levels": {"high": "60%"}}}},
        [
            "spec.serving.levels.high: expected a fraction from 0 to 1 with at most 6 decimals, such as "
            '"0.80"; got "60%"'
        ],
    ),
    (
        {"spec": {"serving": {"levels": {"high": "0.60\n"}}}},
        [
            "spec.serving.levels.high: expected a fraction from 0 to 1 with at most 6 decimals, such as "
            '"0.80"; got "0.60\\n"'
        ],
    ),
    (
        training(schedule={"cron": "@daily"}),
        [
            "spec.training.schedule.cron: expected five cron fields (minute, hour, day of month, month, day "
            'of week) with one blank between them, such as "0 3 * * 1"; got "@daily"'
        ],
    ),
    (
        {"spec": {"store": {"uri": "gs://bucket"}}},
        [
            "spec.store.uri: expected `pvc://claim/path`, `s3://bucket/prefix` or `file:///path`, without "
            'blanks; got "gs://bucket"'
        ],
    ),
    (
        {"metadata": {"name": "My_Model"}},
        [
            "metadata.name: expected a name of lower-case letters, digits and `-` that begins with a letter "
            'and does not end in `-`; got "My_Model"'
        ],
    ),
    ({"metadata": {"name": "a" * 41}}, ["metadata.name: must have at most 40 characters, has 41"]),
    (columns(id=""), ["spec.data.columns.id: must not be empty"]),
    # Numbers and choices
    (training(retries=True), ["spec.training.retries: expected a whole number, got true"]),
    (training(retries="2"), ['spec.training.retries: expected a whole number, got "2"']),
    (training(retries=2.5), ["spec.training.retries: expected a whole number, got 2.50"]),
    (training(retries=11), ["spec.training.retries: must be at most 10, got 11"]),
    (training(deadlineSeconds=59), ["spec.training.deadlineSeconds: must be at least 60, got 59"]),
    (training(seed=10**5000), ["spec.training.seed: must be at most 2147483647, got a very large number"]),
    ({"spec": {"suspend": "yes"}}, ['spec.suspend: expected true or false, got "yes"']),
    (
        training(algorithms=["xgboost"]),
        [
            "spec.training.algorithms[0]: expected one of LogisticRegression, RandomForest, SVM, XGBoost; "
            'got "xgboost"; did you mean XGBoost?'
        ],
    ),
    (
        training(balancing=None) | training(balancing=3),
        ["spec.training.balancing: expected one of ClassWeight, None, SMOTE; got 3"],
    ),
    # Lists and maps
    (
        columns(protected="gender"),
        ['spec.data.columns.protected: expected a list, got a string; write ["gender"]'],
    ),
    (columns(protected=["a", None]), ["spec.data.columns.protected[1]: expected a string, got nothing"]),
    (columns(exclude=["a", "b", "a"]), ['spec.data.columns.exclude[2]: "a" is in the list already']),
    (
        columns(exclude=[str(n) for n in range(501)]),
        ["spec.data.columns.exclude: must have at most 500 entries, has 501"],
    ),
    (training(algorithms=[]), ["spec.training.algorithms: must not be empty"]),
    (
        columns(types={"plan": "text"}),
        ['spec.data.columns.types["plan"]: expected one of boolean, categorical, numeric; got "text"'],
    ),
    (
        columns(types={4: "numeric"}),
        ['spec.data.columns.types[4]: expected a string, got a number; write it as a string: "4"'],
    ),
    (columns(types=["plan"]), ["spec.data.columns.types: expected a mapping, got a list"]),
    (training(schedule="0 3 * * 1"), ["spec.training.schedule: expected a mapping, got a string"]),
    # Required fields
    (columns(label={"name": None}), ["spec.data.columns.label.name: required"]),
    ({"metadata": {"name": None}}, ["metadata.name: required"]),
    ({"spec": None}, ["spec: required"]),
    # Another kind of object
    ({"kind": "Deployment", "spec": None}, ['kind: expected ChurnModel, got "Deployment"']),
    ({"apiVersion": None}, ["apiVersion: required: churnguard.dev/v1alpha1"]),
]


@pytest.mark.parametrize(
    ("patch", "expected"), BAD, ids=lambda value: value[0][:60] if isinstance(value, list) else ""
)
def test_what_is_wrong_is_said_in_words_with_its_path(
    patch: Document,
    expected: list[str],
    patched: Callable[[Document], Document],
    problems_of: Callable[[object], list[str]],
) -> None:
    assert problems_of(patched(patch)) == expected


@pytest.mark.parametrize(
    ("document", "what"),
    [(None, "nothing"), ([], "a list"), ("apiVersion", "a string"), (b"{}", "binary data"), (1, "a number")],
)
def test_something_else_than_a_mapping_is_named(
    document: object, what: str, problems_of: Callable[[object], list[str]]
) -> None:
    assert problems_of(document) == [
        f"expected a ChurnModel with apiVersion, kind, metadata and spec; got {what}"
    ]


def test_all_problems_come_at_once(
    patched: Callable[[Document], Document], problems_of: Callable[[object], list[str]]
) -> None:
    patch = {
        "metadata": {"name": "Telco"},
        "spec": {
            "data": {
                "source": {"simulator": {"rows": 0}},
                "columns": {"label": {"positive": True}, "id": "Churn"},
            },
            "training": {"algoritms": [], "retries": -1},
            "gates": [{"metric": "auc"}],
            "serving": {"levels": {"medium": "0.7"}},
        },
    }
    paths = [problem.partition(": ")[0] for problem in problems_of(patched(patch))]
    assert paths == [
        "metadata.name",
        "spec.data.source.simulator.rows",
        "spec.data.columns.label.positive",
        "spec.training.algoritms",
        "spec.training.retries",
        "spec.gates[0].metric",
        "spec.gates[0]",
        "spec.serving.levels",
    ]


def test_the_error_is_one_problem_a_line_and_at_most_a_screen_or_two() -> None:
    error = InvalidChurnModel([Problem("spec", str(number)) for number in range(SHOWN_PROBLEMS + 3)])
    lines = str(error).splitlines()
    assert lines[0] == "spec: 0"
    assert lines[-1] == "and 3 more"
    assert len(lines) == SHOWN_PROBLEMS + 1


def test_thousands_of_unknown_fields_are_counted(patched: Callable[[Document], Document]) -> None:
    with pytest.raises(InvalidChurnModel) as caught:
        parse_churnmodel(patched({"spec": {f"field{number}": 1 for number in range(5000)}}))
    assert len(caught.value.problems) == 21
    assert str(caught.value.problems[-1]) == "spec: and 4980 more unknown fields"


def test_a_document_that_contains_itself_is_refused_not_followed(
    patched: Callable[[Document], Document], problems_of: Callable[[object], list[str]]
) -> None:
    loop: list[object] = []
    loop.append(loop)
    document = patched({"spec": {"gates": [], "suspend": False}})
    document["spec"]["gates"] = loop
    document["spec"]["suspend"] = document
    assert problems_of(document) == [
        "spec.gates[0]: expected a mapping, got a list",
        "spec.suspend: expected true or false, got a mapping",
    ]


def test_what_the_cluster_adds_is_ignored(
    patched: Callable[[Document], Document], problems_of: Callable[[object], list[str]]
) -> None:
    document = patched({"metadata": {"uid": "x", "generation": 3}, "status": {"anything": [1]}})
    document["metadata"]["managedFields"] = [document]
    assert problems_of(document) == []
