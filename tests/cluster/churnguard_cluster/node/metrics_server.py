"""metrics-server: the CPU and memory of pods, which autoscaling asks for."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from kubernetes import client

from churnguard_cluster.control_plane import ControlPlane
from churnguard_cluster.node.services import Port, ServiceOfProcess
from churnguard_cluster.probe import answers, trusting
from churnguard_cluster.process import Process
from churnguard_cluster.tools import tool

NAMESPACE: Final = "kube-system"
NAME: Final = "metrics-server"
HOST: Final = f"{NAME}.{NAMESPACE}.svc"
API: Final = "v1beta1.metrics.k8s.io"
# Must be above the ten seconds that it gives a kubelet to answer.
RESOLUTION: Final = "15s"


@dataclass(frozen=True, kw_only=True)
class MetricsServer:
    """A started metrics-server."""

    control_plane: ControlPlane
    process: Process
    port: int

    @classmethod
    def start(cls, control_plane: ControlPlane) -> MetricsServer:
        rig, authority = control_plane.rig, control_plane.api_server.identities.authority
        kubeconfig = control_plane.log_in(NAME, user=NAME, group="system:masters")
        serving = authority.server(f"{NAME}-serving", hosts=(HOST, rig.network.address))
        port = rig.network.port(10350)  # the usual one is the kubelet's
        command: list[str | Path] = [
            tool(NAME),
            f"--kubeconfig={kubeconfig}",
            f"--authentication-kubeconfig={kubeconfig}",
            f"--authorization-kubeconfig={kubeconfig}",
            f"--bind-address={rig.network.address}",
            f"--secure-port={port}",
            f"--tls-cert-file={serving.certificate}",
            f"--tls-private-key-file={serving.key}",
            f"--kubelet-certificate-authority={authority.certificate}",
            "--kubelet-preferred-address-types=InternalIP",
            f"--metric-resolution={RESOLUTION}",
        ]
        process = rig.start(name=NAME, command=command)
        return cls(control_plane=control_plane, process=process, port=port)

    @property
    def service(self) -> ServiceOfProcess:
        """What leads the API server to it."""
        ports = (Port(name="https", service=443, target=self.port),)
        return ServiceOfProcess(
            namespace=NAMESPACE,
            name=NAME,
            address=self.control_plane.api_server.rig.network.address,
            ports=ports,
        )

    def wait_until_ready(self, kube: Any) -> None:
        """Registers its API when it answers, and returns when the API server has found that it does.

        Before, every list of all kinds fails, and no namespace can be deleted. Figures of pods come later, after two
        readings of the kubelet.
        """
        authority = self.control_plane.api_server.identities.authority.certificate
        context, network = trusting(str(authority)), self.control_plane.rig.network
        self.process.wait_until(lambda: answers(network, self.port, "/livez", context=context))
        self.service.create(kube)
        registration = client.ApiregistrationV1Api(kube)
        registration.create_api_service(_api_service(authority.read_bytes()))
        self.process.wait_until(lambda: _is_available(registration.read_api_service(API)))


def _is_available(service: Any) -> bool:
    conditions = (service.status and service.status.conditions) or []
    return any(each.type == "Available" and each.status == "True" for each in conditions)


def _api_service(authority: bytes) -> dict[str, Any]:
    return {
        "metadata": {"name": API},
        "spec": {
            "service": {"name": NAME, "namespace": NAMESPACE},
            "group": "metrics.k8s.io",
            "version": "v1beta1",
            "caBundle": base64.b64encode(authority).decode(),
            "groupPriorityMinimum": 100,
            "versionPriority": 100,
        },
    }
