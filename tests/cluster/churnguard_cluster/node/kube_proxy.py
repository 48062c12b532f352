"""kube-proxy, which makes Services reachable from pods and from the rig's own processes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import yaml

from churnguard_cluster.apiserver import SERVICE_RANGE
from churnguard_cluster.control_plane import ControlPlane
from churnguard_cluster.namespace import run
from churnguard_cluster.node.containerd import POD_RANGE
from churnguard_cluster.node.kubelet import NODE_NAME
from churnguard_cluster.node.requirements import search_path
from churnguard_cluster.probe import answers
from churnguard_cluster.process import Process
from churnguard_cluster.rig import Rig
from churnguard_cluster.tools import tool

HEALTH_PORT: Final = 10256


@dataclass(frozen=True, kw_only=True)
class KubeProxy:
    """A started kube-proxy."""

    rig: Rig
    process: Process

    @classmethod
    def start(cls, control_plane: ControlPlane) -> KubeProxy:
        rig = control_plane.rig
        kubeconfig = control_plane.log_in("kube-proxy", user="system:kube-proxy")
        configuration = rig.folder_of("kube-proxy") / "config.yaml"
        configuration.write_text(
            yaml.safe_dump(_configuration(kubeconfig=str(kubeconfig), address=rig.network.address))
        )
        # A packet is translated after a route was found, and the rig has none to Services: any will do.
        route = ["ip", "route", "replace", SERVICE_RANGE, "dev", "lo", "src", rig.network.address]
        run(*rig.network.command(route))
        command = [str(tool("kube-proxy")), f"--config={configuration}"]
        process = rig.start(name="kube-proxy", command=command, environment={"PATH": search_path()})
        return cls(rig=rig, process=process)

    def wait_until_ready(self) -> None:
        self.process.wait_until(lambda: answers(self.rig.network, HEALTH_PORT, "/livez"))


def _configuration(*, kubeconfig: str, address: str) -> dict[str, Any]:
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "clientConnection": {"kubeconfig": kubeconfig},
        "bindAddress": address,
        "clusterCIDR": POD_RANGE,
        "healthzBindAddress": f"{address}:{HEALTH_PORT}",
        "metricsBindAddress": f"{address}:10249",
        "hostnameOverride": NODE_NAME,
        "mode": "iptables",
        # Where the kernel cannot filter bridged packets, an answer from one pod to another would not pass the
        # translation that its request passed. With the bridge's own address as sender it must.
        "iptables": {"masqueradeAll": True, "localhostNodePorts": False, "minSyncPeriod": "0s"},
        # These settings are the machine's, not the namespace's: leave them.
        "conntrack": {
            "maxPerCore": 0,
            "min": 0,
            "tcpEstablishedTimeout": "0s",
            "tcpCloseWaitTimeout": "0s",
        },
        "oomScoreAdj": 0,
    }
