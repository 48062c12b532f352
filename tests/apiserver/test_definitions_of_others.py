"""Custom resource definitions of the projects that ours stands on, from their own sources, on request."""

from __future__ import annotations

from typing import Any

import pytest

from churnguard_cluster.crds import apply_crds
from churnguard_cluster.fixtures import or_skip
from churnguard_cluster.tools import source

pytestmark = pytest.mark.apiserver


@pytest.mark.slow
@pytest.mark.parametrize(
    ("project", "folder", "name"),
    [
        ("strimzi", ".", "kafkatopics.kafka.strimzi.io"),
        ("gateway-api", "config/crd/standard", "httproutes.gateway.networking.k8s.io"),
        ("keda", "config/crd/bases", "scaledobjects.keda.sh"),
        ("prometheus-operator", "example/prometheus-operator-crd", "podmonitors.monitoring.coreos.com"),
    ],
)
def test_definitions_are_served_when_a_test_asks_for_them(
    project: str, folder: str, name: str, kube: Any
) -> None:
    sources = or_skip(lambda: source(project))
    assert name in apply_crds(kube, sources / folder)
