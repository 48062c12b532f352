"""Children of a ChurnModel go with it, and only with it: the real garbage collector."""

from __future__ import annotations

import pytest

from churnguard_cluster.objects import Document, Objects
from churnguard_cluster.waiting import wait_for
from churnguard_core.names import API_VERSION, KIND

pytestmark = [pytest.mark.apiserver, pytest.mark.usefixtures("definitions")]

MODEL: Document = {
    "apiVersion": API_VERSION,
    "kind": KIND,
    "metadata": {"name": "telco"},
    "spec": {"data": {"source": {"simulator": {}}, "columns": {"label": {"name": "Churn"}}}},
}


def child_of(owner: Document, *, name: str) -> Document:
    reference = {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "ownerReferences": [reference]},
    }


def wait_until_gone(objects: Objects, document: Document, *, namespace: str) -> None:
    name = document["metadata"]["name"]
    wait_for(lambda: objects.find(document, namespace=namespace) is None, what=f"{name} to be gone")


def test_children_and_their_children_are_collected_with_their_owner(objects: Objects, namespace: str) -> None:
    owner = objects.create(MODEL, namespace=namespace)
    child = objects.create(child_of(owner, name="child"), namespace=namespace)
    grandchild = objects.create(child_of(child, name="grandchild"), namespace=namespace)
    stranger = {**child_of(owner, name="stranger"), "metadata": {"name": "stranger"}}
    objects.create(stranger, namespace=namespace)
    objects.delete(owner, namespace=namespace)
    for each in (child, grandchild):
        wait_until_gone(objects, each, namespace=namespace)
    assert objects.find(stranger, namespace=namespace)


def test_a_child_of_an_earlier_owner_of_the_same_name_is_collected(objects: Objects, namespace: str) -> None:
    first = objects.create(MODEL, namespace=namespace)
    objects.delete(first, namespace=namespace)
    second = objects.create(MODEL, namespace=namespace)
    orphan = objects.create(child_of(first, name="orphan"), namespace=namespace)
    child = objects.create(child_of(second, name="child"), namespace=namespace)
    wait_until_gone(objects, orphan, namespace=namespace)
    assert objects.find(child, namespace=namespace)


def test_deletion_in_the_foreground_ends_with_the_owner(objects: Objects, namespace: str) -> None:
    owner = objects.create(MODEL, namespace=namespace)
    child = objects.create(child_of(owner, name="child"), namespace=namespace)
    objects.delete(owner, namespace=namespace, propagationPolicy="Foreground")
    wait_until_gone(objects, owner, namespace=namespace)
    assert objects.find(child, namespace=namespace) is None
