"""Kafka's resources are accepted as they are by a real API server, with Strimzi's definitions; wrong ones are not."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes.client import ApiException

from churnguard_cluster.crds import apply_crds
from churnguard_cluster.fixtures import or_skip
from churnguard_cluster.namespace import run
from churnguard_cluster.objects import Document, Objects
from churnguard_cluster.tools import source, tool

pytestmark = [pytest.mark.apiserver, pytest.mark.slow]

MANIFESTS = Path(__file__).parents[2] / "manifests" / "kafka"


@pytest.fixture(scope="module")
def rendered() -> dict[tuple[str, str], Document]:
    """What `kubectl apply -k` would apply, by kind and name."""
    kubectl = or_skip(lambda: tool("kubectl"))
    found = list(yaml.safe_load_all(run(str(kubectl), "kustomize", str(MANIFESTS))))
    assert {each["metadata"].pop("namespace") for each in found} == {"churnguard"}
    return {(each["kind"], each["metadata"]["name"]): each for each in found}


@pytest.fixture(scope="module")
def strimzi(kube: Any) -> None:
    """The API server knows Strimzi's kinds."""
    apply_crds(kube, or_skip(lambda: source("strimzi")))


def test_every_resource_is_accepted_with_all_its_fields(
    objects: Objects, namespace: str, strimzi: None, rendered: Mapping[tuple[str, str], Document]
) -> None:
    assert {kind for kind, _ in rendered} == {"Kafka", "KafkaNodePool", "KafkaTopic", "KafkaUser"}
    for document in rendered.values():
        made = objects.create(document, namespace=namespace)
        # What is not in the definition would have been left out.
        assert made["spec"] == document["spec"]


def changed(document: Document, change: Callable[[Any], object]) -> Document:
    copied = copy.deepcopy(document)
    change(copied["spec"])
    return copied


@pytest.mark.parametrize(
    ("kind", "name", "change", "complaint"),
    [
        ("Kafka", "churnguard", lambda spec: spec["kafka"].update(listner=[]), "listner"),
        ("Kafka", "churnguard", lambda spec: spec["kafka"].pop("listeners"), "listeners"),
        ("Kafka", "churnguard", lambda spec: spec.update(zookeeper={"replicas": 3}), "zookeeper"),
        (
            "Kafka",
            "churnguard",
            lambda spec: spec["kafka"]["listeners"][0]["authentication"].update(type="scram-sha-256"),
            "scram-sha-256",
        ),
        ("KafkaNodePool", "brokers", lambda spec: spec.update(roles=["zookeeper"]), "roles"),
        ("KafkaNodePool", "brokers", lambda spec: spec.pop("storage"), "storage"),
        ("KafkaTopic", "churnguard.events.v1", lambda spec: spec.update(partitions=0), "partitions"),
        ("KafkaTopic", "churnguard.events.v1", lambda spec: spec.update(partition=12), "partition"),
        (
            "KafkaUser",
            "churnguard-landing",
            lambda spec: spec["authorization"]["acls"][0].update(operation="Read"),
            "operation",
        ),
        (
            "KafkaUser",
            "churnguard-landing",
            lambda spec: spec["authorization"]["acls"][0].update(operations=["Consume"]),
            "Consume",
        ),
        (
            "KafkaUser",
            "churnguard-collector",
            lambda spec: spec["authentication"].update(validityDays=1),
            "only with 'type: tls'",
        ),
    ],
)
def test_what_strimzi_does_not_know_is_refused(
    kind: str,
    name: str,
    change: Callable[[Any], object],
    complaint: str,
    objects: Objects,
    namespace: str,
    strimzi: None,
    rendered: Mapping[tuple[str, str], Document],
) -> None:
    with pytest.raises(ApiException) as refused:
        objects.create(changed(rendered[kind, name], change), namespace=namespace)
    assert refused.value.status in (400, 422)
    assert complaint in str(refused.value.body)
