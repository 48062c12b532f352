"""Who may write which field: server-side apply between managers, and resourceVersion between writers."""

from __future__ import annotations

import http.client
from typing import Any

import pytest
from kubernetes.client import ApiException

from churnguard_cluster.objects import Document, Objects
from churnguard_core.names import API_VERSION, KIND

pytestmark = [pytest.mark.apiserver, pytest.mark.usefixtures("definitions")]

OURS, THEIRS = "churnguard", "kubectl"


def model(**training: Any) -> Document:
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {"name": "telco"},
        "spec": {
            "data": {"source": {"simulator": {}}, "columns": {"label": {"name": "Churn"}}},
            "training": training,
        },
    }


def only(**training: Any) -> Document:
    """The part of a model that one manager cares for."""
    return {**model(), "spec": {"training": training}}


def owners(found: Document) -> set[str]:
    return {entry["manager"] for entry in found["metadata"]["managedFields"]}


def conflict(error: ApiException) -> str:
    assert error.status == http.client.CONFLICT
    return str(error.body)


def test_an_applied_object_is_created_and_applying_it_again_changes_nothing(
    objects: Objects, namespace: str
) -> None:
    first = objects.apply(model(seed=1), manager=OURS, namespace=namespace)
    again = objects.apply(model(seed=1), manager=OURS, namespace=namespace)
    assert again["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]


def test_managers_of_different_fields_do_not_disturb_each_other(objects: Objects, namespace: str) -> None:
    objects.apply(model(seed=1), manager=OURS, namespace=namespace)
    found = objects.apply(only(retries=5), manager=THEIRS, namespace=namespace)
    assert (found["spec"]["training"]["seed"], found["spec"]["training"]["retries"]) == (1, 5)
    assert {OURS, THEIRS} <= owners(found)


def test_a_field_of_another_manager_is_a_conflict_that_names_him(objects: Objects, namespace: str) -> None:
    objects.apply(model(seed=1), manager=OURS, namespace=namespace)
    with pytest.raises(ApiException) as refused:
        objects.apply(only(seed=2), manager=THEIRS, namespace=namespace)
    message = conflict(refused.value)
    assert OURS in message
    assert ".spec.training.seed" in message


def test_force_takes_the_field_and_then_its_first_manager_is_refused(
    objects: Objects, namespace: str
) -> None:
    objects.apply(model(seed=1), manager=OURS, namespace=namespace)
    taken = objects.apply(only(seed=2), manager=THEIRS, namespace=namespace, force="true")
    assert taken["spec"]["training"]["seed"] == 2
    with pytest.raises(ApiException) as refused:
        objects.apply(model(seed=1), manager=OURS, namespace=namespace)
    assert THEIRS in conflict(refused.value)


def test_a_field_that_its_only_manager_no_longer_applies_goes_back_to_its_default(
    objects: Objects, namespace: str
) -> None:
    objects.apply(model(seed=1, retries=5), manager=OURS, namespace=namespace)
    found = objects.apply(model(seed=1), manager=OURS, namespace=namespace)
    assert found["spec"]["training"]["retries"] == 2


def test_of_two_writers_who_read_the_same_version_the_second_is_refused(
    objects: Objects, namespace: str
) -> None:
    read = objects.create(model(seed=1), namespace=namespace)
    objects.replace({**read, "spec": model(seed=2)["spec"]}, namespace=namespace)
    with pytest.raises(ApiException) as refused:
        objects.replace({**read, "spec": model(seed=3)["spec"]}, namespace=namespace)
    assert "the object has been modified" in conflict(refused.value)
    assert objects.get(read, namespace=namespace)["spec"]["training"]["seed"] == 2


def test_status_is_written_apart_from_spec(objects: Objects, namespace: str) -> None:
    read = objects.create(model(seed=1), namespace=namespace)
    change = {**model(seed=9), "status": {"observedGeneration": 1}}
    written = objects.merge(change, namespace=namespace, part="status")
    assert written["status"] == {"observedGeneration": 1}
    assert written["spec"]["training"]["seed"] == 1
    assert written["metadata"]["generation"] == read["metadata"]["generation"]
