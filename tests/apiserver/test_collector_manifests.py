"""What installs the collector is accepted as it is, at the restricted level, and fits the programs.

There are two sets: with Kafka and the landing, and the collector alone.
"""

from __future__ import annotations

import copy
import functools
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
import yaml
from kubernetes.client import ApiException

from churnguard_cluster.fixtures import or_skip
from churnguard_cluster.namespace import run
from churnguard_cluster.objects import Document, Objects
from churnguard_cluster.tools import tool
from churnguard_collector.choice import chosen_sink
from churnguard_collector.options import parse_options as collector_options
from churnguard_collector.program import WRITE_OUT_SECONDS
from churnguard_eventlog.connection import Login, connection_from
from churnguard_streaming.landing.options import parse_options as landing_options
from churnguard_web.server import GRACE_SECONDS

ROOT = Path(__file__).parents[2]
MANIFESTS = ROOT / "manifests"
PAGE = ROOT / "docs" / "collector.md"
NAME = "app.kubernetes.io/name"
COLLECTOR, LANDING = "churnguard-collector", "churnguard-landing"
KAFKA, POSTGRES = "collector", "collector-postgres"
PROGRAMS = {KAFKA: {COLLECTOR, LANDING}, POSTGRES: {COLLECTOR}}
PARSERS: Mapping[str, Callable[[list[str]], Any]] = {
    "churnguard-collector": collector_options,
    "churnguard-streaming": landing_options,
}
of_each_set = pytest.mark.parametrize("folder", [KAFKA, POSTGRES])


@functools.cache
def rendered(folder: str) -> str:
    """What `kubectl apply -k` would apply."""
    kubectl = or_skip(lambda: tool("kubectl"))
    return run(str(kubectl), "kustomize", str(MANIFESTS / folder))


def documents(folder: str) -> list[Document]:
    """Everything that a folder installs; where it patches nothing, its files are that, and no kubectl is needed."""
    if folder == POSTGRES:
        return list(yaml.safe_load_all(rendered(folder)))
    files = sorted((MANIFESTS / folder).glob("*.yaml"))
    found = [each for file in files for each in yaml.safe_load_all(file.read_text())]
    return [each for each in found if each["kind"] != "Kustomization"]


def of_kind(kind: str, *, folder: str) -> dict[str, Document]:
    return {each["metadata"]["name"]: each for each in documents(folder) if each["kind"] == kind}


def pods(folder: str) -> dict[str, Any]:
    """Templates of pods by the name of their Deployment."""
    return {name: each["spec"]["template"] for name, each in of_kind("Deployment", folder=folder).items()}


def containers(folder: str) -> Iterator[tuple[str, Any]]:
    """Every container with the name of its Deployment."""
    for name, template in pods(folder).items():
        spec = template["spec"]
        for container in [*spec.get("initContainers", []), *spec["containers"]]:
            yield name, container


def variables(container: Any) -> dict[str, str]:
    return {each["name"]: each["value"] for each in container.get("env", [])}


@pytest.mark.apiserver
@pytest.mark.restricted
@of_each_set
def test_all_of_it_is_accepted_and_its_pods_are_restricted(
    folder: str, objects: Objects, namespace: str
) -> None:
    installed = list(yaml.safe_load_all(rendered(folder)))
    kinds = [each["kind"] for each in installed]
    programs = len(PROGRAMS[folder])
    assert {kind: kinds.count(kind) for kind in kinds} == {
        "Deployment": programs,
        # One of each program, and one of where the collector writes to.
        "NetworkPolicy": programs + 1,
        "PodDisruptionBudget": programs,
        "Service": 1,
        "ServiceAccount": programs,
    }
    for document in installed:
        assert document["metadata"].pop("namespace") == "churnguard"
        objects.create(document, namespace=namespace)
    for name, template in pods(folder).items():
        pod = {"apiVersion": "v1", "kind": "Pod", **template, "metadata": {"name": name}}
        objects.create(pod, namespace=namespace)
        rooted = copy.deepcopy(pod)
        rooted["metadata"]["name"] = f"{name}-as-root"
        rooted["spec"]["securityContext"] = {}
        with pytest.raises(ApiException, match="restricted"):
            objects.create(rooted, namespace=namespace)


@pytest.mark.apiserver
@of_each_set
def test_a_misspelt_field_is_refused(folder: str, objects: Objects, namespace: str) -> None:
    for document in documents(folder):
        document["metadata"].pop("namespace", None)
        document.get("spec", document)["misspelt"] = 1
        with pytest.raises(ApiException, match="misspelt"):
            objects.create(document, namespace=namespace)


@pytest.mark.apiserver
@pytest.mark.parametrize(("before", "after"), [(KAFKA, POSTGRES), (POSTGRES, KAFKA)])
def test_one_set_takes_the_place_of_the_other_by_the_commands_of_the_page(
    before: str, after: str, cluster: Any, objects: Objects, namespace: str, tmp_path: Path
) -> None:
    def kubectl(*arguments: str) -> None:
        places = ("--kubeconfig", str(cluster.kubeconfig), "--cache-dir", str(tmp_path / "cache"))
        run(str(tool("kubectl")), *places, "--namespace", namespace, *arguments)

    def apply(folder: str) -> list[Document]:
        text = rendered(folder).replace("namespace: churnguard\n", f"namespace: {namespace}\n")
        (tmp_path / "all.yaml").write_text(text)
        kubectl("apply", "--filename", str(tmp_path / "all.yaml"))
        return list(yaml.safe_load_all(text))

    first = apply(before)
    second = apply(after)
    begun = rf"^```sh\nkubectl apply -k manifests/{after}\n"
    (block,) = re.findall(rf"{begun}(.*?)^```$", PAGE.read_text(), re.M | re.S)
    for arguments in re.findall(r"^kubectl --namespace churnguard (delete .*)$", block, re.M):
        kubectl(*arguments.split())
    kinds = {(each["apiVersion"], each["kind"]) for each in first + second}
    left = [each for kind in kinds for each in objects.list(*kind, namespace=namespace)]
    names = sorted(each["metadata"]["name"] for each in left if each["metadata"]["name"] != "default")
    assert names == sorted(each["metadata"]["name"] for each in second)
    # What was applied over something else is what it would be where there was nothing.
    for document in second:
        if document["kind"] != "Service":
            now = objects.get(document, namespace=namespace)
            document["metadata"]["name"] += "-anew"
            anew = objects.create(document, namespace=namespace)
            assert now.get("spec") == anew.get("spec")


@of_each_set
def test_every_container_starts_its_program_with_arguments_that_it_knows(folder: str) -> None:
    started = {}
    for name, container in containers(folder):
        options = PARSERS[container["image"]](container["args"])
        started[name, container["name"]] = options.command
        if "ports" in container:
            assert options.port == container["ports"][0]["containerPort"]
    assert (
        started
        == {
            KAFKA: {
                (COLLECTOR, "collector"): "serve",
                (LANDING, "migrate"): "migrate",
                (LANDING, "landing"): "run",
            },
            POSTGRES: {(COLLECTOR, "migrate"): "migrate", (COLLECTOR, "collector"): "serve"},
        }[folder]
    )


@pytest.mark.parametrize(("folder", "sink"), [(KAFKA, "kafka"), (POSTGRES, "postgres")])
def test_a_collector_writes_to_what_its_set_is_for(folder: str, sink: str) -> None:
    (container,) = pods(folder)[COLLECTOR]["spec"]["containers"]
    options, environ = collector_options(container["args"]), variables(container)
    chosen = chosen_sink(
        named=options.sink,
        has_bootstrap=options.bootstrap is not None,
        has_database=options.database is not None,
        environ=environ,
    )
    assert chosen == sink
    # Nothing is left of the other.
    assert (
        (options.database is None) is (sink == "kafka") is any(each.startswith("KAFKA_") for each in environ)
    )


@of_each_set
def test_every_file_that_is_named_comes_from_a_secret_that_the_set_says_to_make(folder: str) -> None:
    named = set()
    for name, container in containers(folder):
        mounts = {each["mountPath"]: each["name"] for each in container["volumeMounts"]}
        secrets = {
            each["name"]: each["secret"]["secretName"]
            for each in pods(folder)[name]["spec"]["volumes"]
            if "secret" in each
        }
        for argument in container["args"]:
            _, _, value = argument.partition("=")
            if value.startswith("/"):
                file = PurePosixPath(value)
                named.add((secrets[mounts[str(file.parent)]], file.name))
    said = (MANIFESTS / folder / "kustomization.yaml").read_text()
    assert named == set(re.findall(r"create secret generic (\S+) --from-file=(\S+)$", said, re.M))
    assert len(named) == 2


@pytest.mark.parametrize("name", sorted(PROGRAMS[KAFKA]))
def test_a_program_logs_in_as_the_user_that_kafka_has_for_it(name: str, tmp_path: Path) -> None:
    (container,) = pods(KAFKA)[name]["spec"]["containers"]
    assert name in of_kind("KafkaUser", folder="kafka")
    (cluster,) = of_kind("Kafka", folder="kafka")
    (volume,) = [each for each in pods(KAFKA)[name]["spec"]["volumes"] if each["name"] == "kafka"]
    # Strimzi's Secrets of that user and of that cluster, as the keys that the program looks for.
    mounted = {
        item["path"]: (source["secret"]["name"], item["key"])
        for source in volume["projected"]["sources"]
        for item in source["secret"]["items"]
    }
    assert mounted == {"password": (name, "password"), "ca.crt": (f"{cluster}-cluster-ca-cert", "ca.crt")}
    for file in mounted:
        (tmp_path / file).write_text(file)
    environ = variables(container)
    (mount,) = [each for each in container["volumeMounts"] if each["name"] == "kafka"]
    assert environ["KAFKA_CREDENTIALS"] == mount["mountPath"]
    connection = connection_from({**environ, "KAFKA_CREDENTIALS": str(tmp_path)})
    (listener,) = of_kind("Kafka", folder="kafka")[cluster]["spec"]["kafka"]["listeners"]
    assert connection.bootstrap == f"{cluster}-kafka-bootstrap:{listener['port']}"
    assert (connection.protocol, connection.authority) == ("SASL_SSL", tmp_path / "ca.crt")
    assert connection.login == Login(user=name, password="password")


@of_each_set
def test_no_pod_has_a_token_and_every_root_is_read_only(folder: str) -> None:
    accounts = of_kind("ServiceAccount", folder=folder)
    assert pods(folder).keys() == accounts.keys() == PROGRAMS[folder]
    for name, template in pods(folder).items():
        assert template["spec"]["serviceAccountName"] == name
        for each in (template["spec"], accounts[name]):
            assert each["automountServiceAccountToken"] is False
    for _, container in containers(folder):
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert {*container["resources"]} == {"requests", "limits"}
        assert "cpu" not in container["resources"]["limits"]
        assert all(mount["readOnly"] for mount in container["volumeMounts"])
        # What is secret comes as a file.
        assert all("valueFrom" not in each for each in container.get("env", []))


@of_each_set
def test_a_pod_is_given_the_time_that_its_program_takes_to_end(folder: str) -> None:
    takes = {COLLECTOR: GRACE_SECONDS + WRITE_OUT_SECONDS, LANDING: 10}
    for name, template in pods(folder).items():
        (container,) = template["spec"]["containers"]
        drains = PARSERS[container["image"]](container["args"]).drain_seconds
        assert drains + takes[name] < template["spec"]["terminationGracePeriodSeconds"]


@of_each_set
def test_the_network_denies_all_but_named_edges(folder: str) -> None:
    directions: dict[str, set[str]] = defaultdict(set)
    ports: dict[str, set[int]] = defaultdict(set)
    for policy in of_kind("NetworkPolicy", folder=folder).values():
        program = policy["spec"]["podSelector"]["matchLabels"][NAME]
        directions[program] |= {*policy["spec"]["policyTypes"]}
        # No rule is empty, which would allow all.
        assert all(rule["ports"] for way in ("ingress", "egress") for rule in policy["spec"].get(way, []))
        ports[program] |= {each["port"] for rule in policy["spec"]["egress"] for each in rule["ports"]}
    assert directions == {name: {"Ingress", "Egress"} for name in PROGRAMS[folder]}
    names, kafka, database = 53, 9093, 5432
    assert (
        ports
        == {
            KAFKA: {COLLECTOR: {names, kafka}, LANDING: {names, kafka, database}},
            POSTGRES: {COLLECTOR: {names, database}},
        }[folder]
    )


def test_kafka_lets_in_those_programs_that_ask_it() -> None:
    kafka = of_kind("Kafka", folder="kafka")["churnguard"]["spec"]["kafka"]["listeners"][0]
    ((expression,),) = [peer["podSelector"]["matchExpressions"] for peer in kafka["networkPolicyPeers"]]
    assert (expression["key"], set(expression["values"])) == (NAME, PROGRAMS[KAFKA])
    assert kafka["port"] == 9093


@pytest.mark.parametrize("folder", [KAFKA, POSTGRES, "kafka"])
def test_every_manifest_is_part_of_the_installation(folder: str) -> None:
    (kustomization,) = yaml.safe_load_all((MANIFESTS / folder / "kustomization.yaml").read_text())
    others = {path.name for path in (MANIFESTS / folder).glob("*.yaml")} - {"kustomization.yaml"}
    patches = {each["path"] for each in kustomization.get("patches", []) if "path" in each}
    assert {each for each in kustomization["resources"] if not each.startswith("../")} | patches == others


@of_each_set
def test_what_selects_pods_selects_those_that_there_are(folder: str) -> None:
    for name, template in pods(folder).items():
        assert template["metadata"]["labels"] == {NAME: name}
    budgets = of_kind("PodDisruptionBudget", folder=folder).values()
    selected = {each["spec"]["selector"]["matchLabels"][NAME] for each in budgets}
    assert selected == PROGRAMS[folder]
    (service,) = of_kind("Service", folder=folder).values()
    assert service["spec"]["selector"] == {NAME: COLLECTOR}
