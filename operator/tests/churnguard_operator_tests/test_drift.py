"""Applying is needed when something of ours is missing or was changed, and never else."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from churnguard_operator.drift import has_drifted
from churnguard_operator.observed import Document

WANTED: Document = {
    "kind": "Service",
    "metadata": {"name": "telco", "labels": {"ours": "yes"}, "ownerReferences": [{"uid": "a"}]},
    "spec": {
        "selector": {"app": "telco"},
        "ports": [{"name": "http", "port": 80}, {"name": "grpc", "port": 8081}],
        "containers": [
            {"name": "train", "args": ["--a", "--b"], "resources": {"limits": {"memory": "1024Mi"}}}
        ],
        "hostnames": ["a.example.com"],
        "empty": {},
    },
}


def changed(*path: Any, to: Any) -> Document:
    found = copy.deepcopy(WANTED)
    part: Any = found
    for name in path[:-1]:
        part = part[name]
    part[path[-1]] = to
    return found


@pytest.mark.parametrize(
    "found",
    [
        WANTED,
        changed("metadata", "labels", to={"ours": "yes", "theirs": "too"}),
        changed("metadata", "uid", to="1"),
        changed("spec", "clusterIP", to="10.96.0.7"),
        changed("spec", "ports", 0, "targetPort", to=80),
        changed("spec", "ports", to=[*reversed(WANTED["spec"]["ports"]), {"name": "theirs"}]),
        changed("spec", "containers", 0, "resources", "limits", "memory", to="1Gi"),
    ],
)
def test_defaults_and_fields_of_others_are_no_drift(found: Document) -> None:
    assert not has_drifted(WANTED, found=found)


def test_an_empty_map_may_be_left_away() -> None:
    found = copy.deepcopy(WANTED)
    del found["spec"]["empty"]
    assert not has_drifted(WANTED, found=found)


@pytest.mark.parametrize(
    "found",
    [
        {},
        changed("metadata", "labels", to={}),
        changed("spec", "selector", to={"app": "other"}),
        changed("spec", "selector", to={"app": "telco", "theirs": "too"}),
        changed("spec", "ports", to=WANTED["spec"]["ports"][:1]),
        changed("spec", "containers", 0, "args", to=["--a", "--b", "--c"]),
        changed("spec", "containers", 0, "args", to=["--b", "--a"]),
        changed("spec", "containers", 0, "resources", "limits", "memory", to="2Gi"),
        changed("spec", "containers", 0, "resources", "limits", "memory", to="much"),
        changed("spec", "containers", 0, "resources", "limits", to={}),
        changed("spec", "hostnames", to=["a.example.com", "b.example.com"]),
        changed("spec", "ports", 0, "port", to="80"),
    ],
)
def test_what_is_ours_and_differs_is_drift(found: Document) -> None:
    assert has_drifted(WANTED, found=found)
