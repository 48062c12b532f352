"""What installs the collector and the landing is accepted as it is, at the restricted level, and fits the programs."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes.client import ApiException

from churnguard_cluster.fixtures import or_skip
from churnguard_cluster.namespace import run
from churnguard_cluster.objects import Document, Objects
from churnguard_cluster.tools import tool
from churnguard_collector.options import parse_options as collector_options
from churnguard_collector.program import WRITE_OUT_SECONDS
from churnguard_eventlog.connection import Login, connection_from
from churnguard_streaming.landing.options import parse_options as landing_options
from churnguard_web.server import GRACE_SECONDS

MANIFESTS = Path(__file__).parents[2] / "manifests"
NAME = "app.kubernetes.io/name"
PROGRAMS = {"churnguard-collector", "churnguard-landing"}
PARSERS: Mapping[str, Callable[[list[str]], Any]] = {
    "churnguard-collector": collector_options,
    "churnguard-streaming": landing_options,
}


def documents(folder: str) -> list[Document]:
    """Everything that a folder of manifests holds."""
    files = sorted((MANIFESTS / folder).glob("*.yaml"))
    return [each for file in files for each in yaml.safe_load_all(file.read_text())]


def of_kind(kind: str, *, folder: str = "collector") -> dict[str, Document]:
    return {each["metadata"]["name"]: each for each in documents(folder) if each["kind"] == kind}


def pods() -> dict[str, Any]:
    """Templates of pods by the name of their Deployment."""
    return {name: each["spec"]["template"] for name, each in of_kind("Deployment").items()}


def containers() -> Iterator[tuple[str, Any]]:
    """Every container with the name of its Deployment."""
    for name, template in pods().items():
        spec = template["spec"]
        for container in [*spec.get("initContainers", []), *spec["containers"]]:
            yield name, container


@pytest.mark.apiserver
@pytest.mark.restricted
def test_all_of_it_is_accepted_and_its_pods_are_restricted(objects: Objects, namespace: str) -> None:
    kubectl = or_skip(lambda: tool("kubectl"))
    rendered = list(yaml.safe_load_all(run(str(kubectl), "kustomize", str(MANIFESTS / "collector"))))
    kinds = [each["kind"] for each in rendered]
    assert {kind: kinds.count(kind) for kind in kinds} == {
        "Deployment": 2,
        "NetworkPolicy": 2,
        "PodDisruptionBudget": 2,
        "Service": 1,
    }
    for document in rendered:
        document["metadata"].pop("namespace")
        objects.create(document, namespace=namespace)
    for name, template in pods().items():
        pod = {"apiVersion": "v1", "kind": "Pod", **template, "metadata": {"name": name}}
        objects.create(pod, namespace=namespace)
        rooted = copy.deepcopy(pod)
        rooted["metadata"]["name"] = f"{name}-as-root"
        rooted["spec"]["securityContext"] = {}
        with pytest.raises(ApiException, match="restricted"):
            objects.create(rooted, namespace=namespace)


@pytest.mark.apiserver
def test_a_misspelt_field_is_refused(objects: Objects, namespace: str) -> None:
    for document in [each for each in documents("collector") if each["kind"] != "Kustomization"]:
        wrong = {**document, "spec": {**document["spec"], "misspelt": 1}}
        with pytest.raises(ApiException, match="misspelt"):
            objects.create(wrong, namespace=namespace)


def test_every_container_starts_its_program_with_arguments_that_it_knows() -> None:
    started = {}
    for _, container in containers():
        options = PARSERS[container["image"]](container["args"])
        started[container["name"]] = options.command
        if "ports" in container:
            assert options.port == container["ports"][0]["containerPort"]
    assert started == {"collector": "serve", "migrate": "migrate", "landing": "run"}


@pytest.mark.parametrize("name", sorted(PROGRAMS))
def test_a_program_logs_in_as_the_user_that_kafka_has_for_it(name: str, tmp_path: Path) -> None:
    (container,) = pods()[name]["spec"]["containers"]
    assert name in of_kind("KafkaUser", folder="kafka")
    (cluster,) = of_kind("Kafka", folder="kafka")
    (volume,) = [each for each in pods()[name]["spec"]["volumes"] if each["name"] == "kafka"]
    # Strimzi's Secrets of that user and of that cluster, as the keys that the program looks for.
    mounted = {
        item["path"]: (source["secret"]["name"], item["key"])
        for source in volume["projected"]["sources"]
        for item in source["secret"]["items"]
    }
    assert mounted == {"password": (name, "password"), "ca.crt": (f"{cluster}-cluster-ca-cert", "ca.crt")}
    for file in mounted:
        (tmp_path / file).write_text(file)
    environ = {each["name"]: each["value"] for each in container["env"]}
    (mount,) = [each for each in container["volumeMounts"] if each["name"] == "kafka"]
    assert environ["KAFKA_CREDENTIALS"] == mount["mountPath"]
    connection = connection_from({**environ, "KAFKA_CREDENTIALS": str(tmp_path)})
    (listener,) = of_kind("Kafka", folder="kafka")[cluster]["spec"]["kafka"]["listeners"]
    assert connection.bootstrap == f"{cluster}-kafka-bootstrap:{listener['port']}"
    assert (connection.protocol, connection.authority) == ("SASL_SSL", tmp_path / "ca.crt")
    assert connection.login == Login(user=name, password="password")


def test_no_pod_has_a_token_and_every_root_is_read_only() -> None:
    assert {
        name: each["spec"]["automountServiceAccountToken"] for name, each in pods().items()
    } == dict.fromkeys(PROGRAMS, False)
    for _, container in containers():
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert {*container["resources"]} == {"requests", "limits"}
        assert "cpu" not in container["resources"]["limits"]
        assert all(mount["readOnly"] for mount in container["volumeMounts"])
        # What is secret comes as a file.
        assert all("valueFrom" not in each for each in container.get("env", []))


def test_a_pod_is_given_the_time_that_its_program_takes_to_end() -> None:
    (collector,) = pods()["churnguard-collector"]["spec"]["containers"]
    drains = collector_options(collector["args"]).drain_seconds
    grace = pods()["churnguard-collector"]["spec"]["terminationGracePeriodSeconds"]
    assert drains + GRACE_SECONDS + WRITE_OUT_SECONDS < grace
    (landing,) = pods()["churnguard-landing"]["spec"]["containers"]
    drains = landing_options(landing["args"]).drain_seconds
    assert drains + 10 < pods()["churnguard-landing"]["spec"]["terminationGracePeriodSeconds"]


def test_the_network_denies_all_but_named_edges() -> None:
    policies = {
        each["spec"]["podSelector"]["matchLabels"][NAME]: each for each in of_kind("NetworkPolicy").values()
    }
    assert policies.keys() == PROGRAMS
    for policy in policies.values():
        assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"]
        # No rule is empty, which would allow all.
        assert all(rule["ports"] for way in ("ingress", "egress") for rule in policy["spec"][way])
    kafka = of_kind("Kafka", folder="kafka")["churnguard"]["spec"]["kafka"]["listeners"][0]
    ((expression,),) = [peer["podSelector"]["matchExpressions"] for peer in kafka["networkPolicyPeers"]]
    assert (expression["key"], set(expression["values"])) == (NAME, PROGRAMS)


def test_every_manifest_is_part_of_the_installation() -> None:
    for folder in ("collector", "kafka"):
        (kustomization,) = yaml.safe_load_all((MANIFESTS / folder / "kustomization.yaml").read_text())
        others = {path.name for path in (MANIFESTS / folder).glob("*.yaml")} - {"kustomization.yaml"}
        assert set(kustomization["resources"]) == others


def test_what_selects_pods_selects_those_that_there_are() -> None:
    for name, template in pods().items():
        assert template["metadata"]["labels"] == {NAME: name}
    selectors = [each["spec"]["selector"]["matchLabels"] for each in of_kind("PodDisruptionBudget").values()]
    selectors += [each["spec"]["selector"] for each in of_kind("Service").values()]
    assert {each[NAME] for each in selectors} == PROGRAMS
