"""CoreDNS as a process of the rig, behind the Service where pods ask for names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from churnguard_cluster.control_plane import ControlPlane
from churnguard_cluster.node.services import Port, ServiceOfProcess
from churnguard_cluster.probe import answers
from churnguard_cluster.process import Process
from churnguard_cluster.rig import Rig
from churnguard_cluster.tools import tool

DNS_ADDRESS: Final = "10.96.0.10"
DOMAIN: Final = "cluster.local"
READY_PORT: Final = 8181

# Names of the cluster and nothing else: the world cannot be reached from the rig's network.
COREFILE: Final = """\
.:53 {{
  bind {address}
  errors
  ready {address}:{ready}
  kubernetes {domain} in-addr.arpa {{
    kubeconfig {kubeconfig}
    ttl 1
  }}
}}
"""


@dataclass(frozen=True, kw_only=True)
class Dns:
    """A started CoreDNS."""

    rig: Rig
    process: Process

    @classmethod
    def start(cls, control_plane: ControlPlane) -> Dns:
        rig = control_plane.rig
        kubeconfig = control_plane.log_in("coredns", user="coredns", group="system:masters")
        corefile = rig.folder_of("coredns") / "Corefile"
        corefile.write_text(
            COREFILE.format(
                address=rig.network.address, ready=READY_PORT, domain=DOMAIN, kubeconfig=kubeconfig
            )
        )
        process = rig.start(name="coredns", command=[tool("coredns"), f"-conf={corefile}"])
        return cls(rig=rig, process=process)

    @property
    def service(self) -> ServiceOfProcess:
        """What leads pods to it."""
        ports = (
            Port(name="dns", protocol="UDP", service=53, target=53),
            Port(name="dns-tcp", protocol="TCP", service=53, target=53),
        )
        return ServiceOfProcess(
            namespace="kube-system",
            name="kube-dns",
            cluster_address=DNS_ADDRESS,
            address=self.rig.network.address,
            ports=ports,
        )

    def wait_until_ready(self) -> None:
        self.process.wait_until(lambda: answers(self.rig.network, READY_PORT, "/ready"))
