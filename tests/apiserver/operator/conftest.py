from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import HTTPServer
from typing import Any

import pytest
from audit import asked_by
from fault_proxy import FaultProxy
from operator_rig import ACCOUNT, CLUSTERWIDE, Operator
from operator_story import PORT, Predictor, Story
from rig_world import World

from churnguard_cluster.existing import ExistingCluster
from churnguard_cluster.fixtures import or_skip
from churnguard_cluster.objects import Objects
from churnguard_cluster.player import Player

NAMES = ("telco", "shop", "bank", "power", "water", "radio", "rail", "gas")
MODELS = int(os.environ.get("CHURNGUARD_WALK_MODELS", "3"))


@pytest.fixture
def operator(cluster: Any, objects: Objects, namespace: str, definitions: list[str]) -> Iterator[Operator]:
    """The operator, installed in the test's namespace and not yet started; nothing that it does may be forbidden."""
    if isinstance(cluster, ExistingCluster):
        pytest.skip("starts the operator as a process of the rig")
    yield from running(Operator(cluster=cluster, objects=objects, namespace=namespace))


@pytest.fixture
def operator_of_all(
    cluster: Any, objects: Objects, namespace: str, definitions: list[str]
) -> Iterator[Operator]:
    """The operator with rights in all namespaces."""
    if isinstance(cluster, ExistingCluster):
        pytest.skip("starts the operator as a process of the rig")
    yield from running(Operator(cluster=cluster, objects=objects, namespace=namespace, manifest=CLUSTERWIDE))


def running(found: Operator) -> Iterator[Operator]:
    found.install()
    yield found
    found.stop()
    found.uninstall()
    log = found.cluster.control_plane.api_server.audit_log
    asked = list(asked_by(ACCOUNT, namespace=found.namespace, log=log))
    assert [each for each in asked if each.is_forbidden] == []
    assert asked or not found.started, "the audit log has nothing of what the operator did"
    assert [line for line in found.logs if "traceback" in line] == []


@pytest.fixture
def story(cluster: Any, objects: Objects, namespace: str, player: Player, kserve: None) -> Iterator[Story]:
    """A ChurnModel's life, with an address of the rig at which this test answers for its pods."""
    address = or_skip(player.addresses.answering)
    server = HTTPServer((address, PORT), Predictor, bind_and_activate=False)
    server.socket.close()
    server.socket = cluster.rig.network.listen(address, PORT)
    thread = threading.Thread(target=server.serve_forever, name="predictor")
    thread.start()
    yield Story(objects=objects, namespace=namespace, player=player, address=address)
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def proxy(operator: Operator) -> Iterator[FaultProxy]:
    """Stands between the operator and the API server."""
    with FaultProxy(operator.cluster.control_plane.api_server) as found:
        operator.server = found.url
        yield found
        operator.stop()


@pytest.fixture
def world(operator: Operator, proxy: FaultProxy, story: Story) -> World:
    """A namespace for a few models and whatever may happen to them."""
    stories = {name: replace(story, name=name) for name in NAMES[:MODELS]}
    return World(operator=operator, proxy=proxy, player=story.player, stories=stories)
