"""What installs the operator is accepted as it is, at the restricted level, and gives no more than it needs."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from kubernetes.client import ApiException
from operator_rig import MANIFESTS, Operator
from operator_story import Story

from churnguard_cluster.objects import Objects
from churnguard_operator.options import parse_options

pytestmark = [pytest.mark.apiserver, pytest.mark.restricted]


def documents(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((MANIFESTS / "operator" / name).read_text()))


def test_every_manifest_is_part_of_the_installation() -> None:
    (kustomization,) = documents("kustomization.yaml")
    others = {path.name for path in (MANIFESTS / "operator").glob("*.yaml")} - {"kustomization.yaml"}
    assert set(kustomization["resources"]) == others


def test_the_deployment_is_accepted_and_its_pods_are_restricted(objects: Objects, namespace: str) -> None:
    (deployment,) = documents("deployment.yaml")
    made = objects.create(deployment, namespace=namespace)
    assert made["spec"]["replicas"] == 2
    pod = {"apiVersion": "v1", "kind": "Pod", **deployment["spec"]["template"]}
    pod["metadata"] = {"name": "operator"}
    # The account is made by the other manifest.
    pod["spec"] = {**pod["spec"], "serviceAccountName": "default"}
    objects.create(pod, namespace=namespace)
    rooted = {**pod, "metadata": {"name": "root"}, "spec": {**pod["spec"], "securityContext": {}}}
    with pytest.raises(ApiException, match="restricted"):
        objects.create(rooted, namespace=namespace)


def test_the_deployment_starts_the_program_with_arguments_that_it_knows() -> None:
    (deployment,) = documents("deployment.yaml")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    arguments = [each.replace("$(POD_NAMESPACE)", "churnguard") for each in container["args"]]
    options = parse_options(arguments)
    assert options.namespaces == ("churnguard",)
    assert options.port == container["ports"][0]["containerPort"]


def test_no_right_is_a_wildcard_and_no_secret_is_read() -> None:
    (role,) = [each for each in documents("rights.yaml") if each["kind"] == "Role"]
    for rule in role["rules"]:
        granted = {*rule["apiGroups"], *rule["resources"], *rule["verbs"]}
        assert not granted & {"*", "secrets"}


def test_with_rights_in_all_namespaces_it_works_in_all(operator_of_all: Operator, story: Story) -> None:
    operator_of_all.start()
    story.serve()
