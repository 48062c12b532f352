"""Connections that break in every moment of a model's life: the operator gets over it by itself."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from cutting_proxy import CuttingProxy
from operator_rig import Operator
from operator_story import NAME, Story

from churnguard_cluster.objects import reference
from churnguard_cluster.waiting import wait_for

pytestmark = [pytest.mark.apiserver, pytest.mark.slow]

PROXY_PORT = 17443


@pytest.fixture
def proxy(operator: Operator) -> Iterator[CuttingProxy]:
    """Stands between the operator and the API server."""
    rig = operator.cluster.rig
    port = rig.network.port(PROXY_PORT)
    with CuttingProxy(
        network=rig.network, port=port, to=operator.cluster.control_plane.api_server.port
    ) as found:
        operator.server = f"https://{rig.network.address}:{port}"
        yield found
        operator.stop()


def test_a_model_comes_to_serve_though_all_connections_break_again_and_again(
    operator: Operator, story: Story, proxy: CuttingProxy
) -> None:
    operator.start()
    story.create()
    story.wait_for_object("batch/v1", "Job", "telco-r1-train")
    assert proxy.cut() > 0
    story.finish_training(revision="telco-r1")
    proxy.cut()
    name = story.bring_up(revision="telco-r1")
    proxy.cut()
    story.wait_for_condition("Ready", "True", "RevisionServing")
    proxy.cut()
    story.wait_until_selected(name)
    assert len(story.children("batch/v1", "Job")) == 1
    assert all(process.popen.poll() is None for process in operator.started)


def test_what_is_deleted_while_no_watch_holds_comes_back(
    operator: Operator, story: Story, proxy: CuttingProxy
) -> None:
    operator.start(resync_seconds=2)
    story.serve()
    service = reference("v1", "Service", NAME)
    before = story.objects.get(service, namespace=story.namespace)["metadata"]["uid"]
    proxy.cut()
    story.delete(service)
    proxy.cut()

    def uid() -> str | None:
        found = story.objects.find(service, namespace=story.namespace)
        return found["metadata"]["uid"] if found else None

    wait_for(lambda: uid() not in (None, before), what="the Service to come back", seen=uid)
