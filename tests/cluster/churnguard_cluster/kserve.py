"""The real KServe controller, with its own definitions, roles, configuration and webhooks, as a process of the rig.

All manifests are read from the sources of KServe's module. What they leave to a deployment is decided here: the
webhooks are called by URL, because no pod stands behind their Service, and Standard mode is the default.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from churnguard_cluster.control_plane import ControlPlane
from churnguard_cluster.crds import apply_crds
from churnguard_cluster.objects import Document, Objects
from churnguard_cluster.probe import answers
from churnguard_cluster.process import Process
from churnguard_cluster.tools import source, tool

NAMESPACE: Final = "kserve"
ACCOUNT: Final = "kserve-controller-manager"
# The controller asks whether this kind exists, and needs it as soon as a model is to be fetched from somewhere.
CRD_FOLDERS: Final = ("crd/full", "crd/full/clusterstoragecontainer")
ROLES: Final = (
    "role.yaml",
    "role_binding.yaml",
    "leader_election_role.yaml",
    "leader_election_role_binding.yaml",
    "service_account.yaml",
)
CONFIGURATION: Final[dict[str, Document]] = {
    "deploy": {"defaultDeploymentMode": "Standard"},
    # Without these each reconcile complains that Istio is missing, or makes an Ingress that nobody serves.
    "ingress": {"disableIstioVirtualHost": True, "disableIngressCreation": True},
}


@dataclass(frozen=True, kw_only=True)
class KServe:
    """A started KServe controller."""

    control_plane: ControlPlane
    process: Process
    health_port: int

    @classmethod
    def start(cls, control_plane: ControlPlane, *, kube: Any) -> KServe:
        """Installs KServe, starts its controller and returns when it is ready."""
        rig, config = control_plane.rig, source("kserve") / "config"
        program = tool("kserve-controller")
        network = rig.network
        # The controller exits when a definition that it watches is not established.
        apply_crds(kube, *(config / folder for folder in CRD_FOLDERS))
        objects = Objects(kube)
        for document in _manifests(config):
            objects.ensure(document, namespace=NAMESPACE)
        # One of its own for each rig: where the controller looks for its certificate hangs on it.
        temporary = rig.folder_of("kserve")
        webhook_port, metrics_port, health_port = (network.port(each) for each in (9443, 8080, 8081))
        authority = control_plane.api_server.identities.authority
        serving = authority.server("kserve-webhook", hosts=(network.address,))
        certificates = temporary / "k8s-webhook-server" / "serving-certs"
        certificates.mkdir(parents=True)
        (certificates / "tls.crt").symlink_to(serving.certificate)
        (certificates / "tls.key").symlink_to(serving.key)
        user = f"system:serviceaccount:{NAMESPACE}:{ACCOUNT}"
        process = rig.start(
            name="kserve-controller",
            command=[
                program,
                f"--kubeconfig={control_plane.log_in('kserve', user=user)}",
                f"--webhook-port={webhook_port}",
                f"--metrics-addr={network.address}:{metrics_port}",
                f"--health-probe-addr={network.address}:{health_port}",
            ],
            environment={"POD_NAMESPACE": NAMESPACE, "TMPDIR": str(temporary)},
        )
        started = cls(control_plane=control_plane, process=process, health_port=health_port)
        process.wait_until(lambda: answers(network, health_port, "/readyz"))
        # Only now: a webhook without its server refuses every InferenceService.
        url = f"https://{network.address}:{webhook_port}"
        for document in webhooks(
            config / "webhook" / "manifests.yaml", url=url, authority=authority.certificate
        ):
            objects.ensure(document)
        return started


def _manifests(config: Path) -> Iterator[Document]:
    yield {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    for name in ROLES:
        for document in read(config / "rbac" / name):
            yield bound(document)
    (configuration,) = read(config / "configmap" / "inferenceservice.yaml")
    yield configured(configuration)


def read(path: Path) -> list[Document]:
    """The documents of a YAML file."""
    return [each for each in yaml.safe_load_all(path.read_text()) if each]


def bound(document: Document) -> Document:
    """A role binding whose service accounts are KServe's; anything else as it is."""
    subjects = [{**each, "namespace": NAMESPACE} for each in document.get("subjects", [])]
    return {**document, **({"subjects": subjects} if subjects else {})}


def configured(config_map: Document) -> Document:
    """KServe's configuration with ours in it."""
    data = {key: value for key, value in config_map["data"].items() if key != "_example"}
    for key, ours in CONFIGURATION.items():
        data[key] = json.dumps({**json.loads(data[key]), **ours})
    return {**config_map, "data": data}


def webhooks(path: Path, *, url: str, authority: Path) -> Iterator[Document]:
    """The webhook configurations of a file, called by URL instead of by Service."""
    bundle = base64.b64encode(authority.read_bytes()).decode()
    for document in read(path):
        for webhook in document["webhooks"]:
            route = webhook["clientConfig"]["service"]["path"]
            webhook["clientConfig"] = {"url": url + route, "caBundle": bundle}
        document["metadata"].pop("creationTimestamp", None)
        yield document
