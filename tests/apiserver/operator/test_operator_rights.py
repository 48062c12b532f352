"""The operator's rights, held against what the API server wrote down of a life in which everything happens."""

from __future__ import annotations

import functools
import http.client
from collections.abc import Iterator

import pytest
from audit import Right, asked_by, rights_granted, rights_used
from fault_proxy import FaultProxy
from faults import Freeze
from operator_rig import ACCOUNT, Operator
from operator_story import Story

from churnguard_cluster.crds import apply_crds
from churnguard_cluster.fixtures import or_skip
from churnguard_cluster.objects import Document, Objects, reference
from churnguard_cluster.probe import trusting
from churnguard_cluster.tools import source
from churnguard_cluster.waiting import wait_for

pytestmark = [pytest.mark.apiserver, pytest.mark.slow, pytest.mark.restricted]

DEFINITION = ("apiextensions.k8s.io/v1", "CustomResourceDefinition")


@pytest.fixture
def others_definitions(kube: object, objects: Objects) -> Iterator[None]:
    """The cluster serves KEDA's ScaledObjects and the Gateway API's HTTPRoutes, and afterwards what it did before."""
    before = {each["metadata"]["name"] for each in objects.list(*DEFINITION)}
    keda, gateway = or_skip(lambda: source("keda")), or_skip(lambda: source("gateway-api"))
    folder = gateway / "config" / "crd" / "standard"
    names = apply_crds(
        kube,
        keda / "config" / "crd" / "bases" / "keda.sh_scaledobjects.yaml",
        *sorted(folder.glob("*_httproutes.yaml")),
    )
    yield
    for name in set(names) - before:
        definition = reference(*DEFINITION, name)
        objects.delete(definition)
        wait_for(functools.partial(is_gone, objects, definition), what=f"{name} to go")


def is_gone(objects: Objects, document: Document) -> bool:
    return objects.find(document) is None


def test_every_right_is_used_and_none_is_missing(
    others_definitions: None, operator: Operator, story: Story, proxy: FaultProxy
) -> None:
    operator.prometheus_address = "http://prometheus.monitoring.svc:9090"
    operator.start()
    scaling = {"autoscaling": {"metric": "requestsPerSecond", "target": 50}}
    story.create(serving={**scaling, "route": {"gateway": "public", "hostname": "telco.example"}})
    story.wait_for_object("batch/v1", "Job", "telco-r1-train")
    # Superseded while it runs: the first Job goes, with its file.
    story.edit(lambda spec: spec["training"].update(seed=8))
    story.finish_training(revision="telco-r2")
    old = story.bring_up(revision="telco-r2")
    wait_for(lambda: serving(story) == old, what="the first to serve", seen=lambda: story.status)
    story.wait_for_object("gateway.networking.k8s.io/v1", "HTTPRoute", "telco")
    story.edit(lambda spec: spec["serving"].update(levels={"high": "0.70"}, route=None))
    new = wait_for(lambda: candidate(story), what="a candidate")
    assert new != old
    story.player.make_ready(deployment=f"{new}-predictor", addresses=[story.address])
    story.wait_until_selected(new)
    wait_for(lambda: routes(story) == [] and scaled(story) == [new], what="what was to go")
    # Looked at too late: the model is another than the one that is known.
    with proxy.afflicted(Freeze(which=lambda asked: asked.is_watch and asked.resource == "churnmodels")):
        story.edit(lambda spec: spec["training"].update(seed=9))
        story.player.make_unready(deployment=f"{new}-predictor")
        story.wait_for_object("batch/v1", "Job", "telco-r3-train")

    log = operator.cluster.control_plane.api_server.audit_log

    def unused() -> list[Right]:
        asked = asked_by(ACCOUNT, namespace=operator.namespace, log=log)
        return sorted(rights_granted(operator.manifests()) - rights_used(asked))

    wait_for(lambda: not unused(), what="every right to be used", seen=unused)


def serving(story: Story) -> str | None:
    found: str | None = story.status.get("serving", {}).get("inferenceService")
    return found


def candidate(story: Story) -> str | None:
    found: str | None = story.status.get("candidate", {}).get("inferenceService")
    return found


def routes(story: Story) -> list[str]:
    found = story.children("gateway.networking.k8s.io/v1", "HTTPRoute")
    return [each["metadata"]["name"] for each in found]


def scaled(story: Story) -> list[str]:
    return [each["metadata"]["name"] for each in story.children("keda.sh/v1alpha1", "ScaledObject")]


def test_what_an_account_has_no_right_to_is_written_down_as_forbidden(operator: Operator) -> None:
    """Else a log that says nothing of it would prove nothing."""
    server, own = operator.cluster.control_plane.api_server, operator.namespace
    network, account = server.rig.network, "default"
    context = trusting(str(server.identities.authority.certificate))
    plain = network.connect(network.address, server.port, seconds=10)
    connection = http.client.HTTPConnection(network.address, server.port)
    connection.sock = context.wrap_socket(plain, server_hostname=network.address)
    login = {"Authorization": f"Bearer {operator.token(account)}"}
    connection.request("GET", f"/api/v1/namespaces/{own}/secrets", headers=login)
    assert connection.getresponse().status == http.HTTPStatus.FORBIDDEN
    connection.close()

    def forbidden() -> list[Right]:
        asked = asked_by(account, namespace=own, log=server.audit_log)
        return [each.right for each in asked if each.is_forbidden]

    wait_for(lambda: forbidden() == [Right("list", "", "secrets")], what="the refusal", seen=forbidden)
