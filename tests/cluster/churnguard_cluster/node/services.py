"""Services for what runs as a process of the rig instead of a pod: without selector, their endpoints written by us."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kubernetes import client


@dataclass(frozen=True, kw_only=True)
class Port:
    """A port of a Service, and the port of the process behind it."""

    name: str
    service: int
    target: int
    protocol: str = "TCP"


@dataclass(frozen=True, kw_only=True)
class ServiceOfProcess:
    """A Service in front of a process at an address of the rig."""

    namespace: str
    name: str
    address: str
    ports: tuple[Port, ...]
    cluster_address: str | None = None

    def create(self, kube: Any) -> None:
        """Makes the Service and its endpoints."""
        core = client.CoreV1Api(kube)
        core.create_namespaced_service(self.namespace, self.service())
        client.DiscoveryV1Api(kube).create_namespaced_endpoint_slice(self.namespace, self.endpoints())

    def service(self) -> dict[str, Any]:
        ports = [
            {"name": each.name, "port": each.service, "targetPort": each.target, "protocol": each.protocol}
            for each in self.ports
        ]
        spec = {"ports": ports} | ({"clusterIP": self.cluster_address} if self.cluster_address else {})
        return {"metadata": {"name": self.name}, "spec": spec}

    def endpoints(self) -> dict[str, Any]:
        labels = {"kubernetes.io/service-name": self.name}
        return {
            "metadata": {"name": f"{self.name}-process", "labels": labels},
            "addressType": "IPv4",
            "endpoints": [{"addresses": [self.address], "conditions": {"ready": True}}],
            "ports": [
                {"name": each.name, "port": each.target, "protocol": each.protocol} for each in self.ports
            ],
        }
