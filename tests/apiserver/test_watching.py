"""A watch that comes too late is told so, and a fresh list goes on from there."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from typing import Any

import pytest
from kubernetes import client, watch

from churnguard_cluster.cluster import Cluster
from churnguard_cluster.errors import UnsupportedError
from churnguard_cluster.etcd import Etcd
from churnguard_cluster.fixtures import or_skip
from churnguard_cluster.objects import Document, Objects, reference

pytestmark = pytest.mark.apiserver

SECONDS = 30


@pytest.fixture(scope="session")
def etcd(cluster: Any) -> Etcd:
    def found() -> Etcd:
        if not isinstance(cluster, Cluster):
            raise UnsupportedError("compacts the store, which only the rig's own may suffer")
        return cluster.control_plane.etcd

    return or_skip(found)


def event(name: str, *, namespace: str) -> Document:
    """An Event: of all kinds, the API server watches these in the store itself, without a cache between."""
    nobody = {"kind": "Pod", "name": "nobody", "namespace": namespace}
    return {**reference("v1", "Event", name), "involvedObject": nobody, "type": "Normal"}


def names_seen(kube: Any, namespace: str, *, since: str) -> Iterator[str]:
    stream = watch.Watch().stream(
        client.CoreV1Api(kube).list_namespaced_event,
        namespace,
        resource_version=since,
        timeout_seconds=SECONDS,
    )
    return (str(each["object"].metadata.name) for each in stream)


def test_a_watch_sees_what_happened_since_the_version_it_names(
    objects: Objects, namespace: str, kube: Any
) -> None:
    first = objects.create(event("first", namespace=namespace), namespace=namespace)
    objects.create(event("second", namespace=namespace), namespace=namespace)
    seen = names_seen(kube, namespace, since=first["metadata"]["resourceVersion"])
    assert next(seen) == "second"


def test_after_compaction_an_old_watch_is_gone_and_a_fresh_list_goes_on(
    objects: Objects, namespace: str, kube: Any, etcd: Etcd
) -> None:
    first = objects.create(event("first", namespace=namespace), namespace=namespace)
    objects.create(event("second", namespace=namespace), namespace=namespace)
    last = objects.create(event("third", namespace=namespace), namespace=namespace)
    etcd.compact(revision=int(last["metadata"]["resourceVersion"]))
    with pytest.raises(client.ApiException) as refused:
        next(names_seen(kube, namespace, since=first["metadata"]["resourceVersion"]))
    assert refused.value.status == http.client.GONE

    fresh = client.CoreV1Api(kube).list_namespaced_event(namespace)
    assert [each.metadata.name for each in fresh.items] == ["first", "second", "third"]
    objects.create(event("next", namespace=namespace), namespace=namespace)
    assert next(names_seen(kube, namespace, since=fresh.metadata.resource_version)) == "next"


def test_a_list_in_pieces_expires_with_the_compaction_and_says_so(
    objects: Objects, namespace: str, kube: Any, etcd: Etcd
) -> None:
    for name in ("first", "second"):
        objects.create(event(name, namespace=namespace), namespace=namespace)
    api = client.CoreV1Api(kube)
    piece = api.list_namespaced_event(namespace, limit=1)
    later = objects.create(event("later", namespace=namespace), namespace=namespace)
    etcd.compact(revision=int(later["metadata"]["resourceVersion"]))
    with pytest.raises(client.ApiException) as refused:
        api.list_namespaced_event(namespace, limit=1, _continue=piece.metadata._continue)
    assert refused.value.status == http.client.GONE


@pytest.mark.usefixtures("definitions")
def test_a_watch_of_models_from_before_the_cache_is_gone(
    kube: Any, namespace: str, churn_models: Any
) -> None:
    stream = watch.Watch().stream(
        churn_models.api.list_namespaced_custom_object,
        **churn_models.place | {"namespace": namespace},
        resource_version="1",
        timeout_seconds=SECONDS,
    )
    with pytest.raises(client.ApiException) as refused:
        next(stream)
    assert refused.value.status == http.client.GONE
