"""kubelet, the node's agent."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from churnguard_cluster.control_plane import ControlPlane
from churnguard_cluster.kubeconfig import write_kubeconfig
from churnguard_cluster.node import cgroups
from churnguard_cluster.node.containerd import Containerd
from churnguard_cluster.node.ctr import SOCKET
from churnguard_cluster.node.dns import DNS_ADDRESS, DOMAIN
from churnguard_cluster.node.requirements import search_path
from churnguard_cluster.process import Process
from churnguard_cluster.rig import Rig
from churnguard_cluster.tools import tool

NODE_NAME: Final = "node"


@dataclass(frozen=True, kw_only=True)
class Kubelet:
    """A started kubelet."""

    rig: Rig
    process: Process

    @classmethod
    def start(cls, control_plane: ControlPlane, *, containerd: Containerd) -> Kubelet:
        rig, authority = control_plane.rig, control_plane.api_server.identities.authority
        folder = rig.folder_of("kubelet")
        address = rig.network.address
        pair = authority.node("kubelet", host=NODE_NAME, hosts=(NODE_NAME, address))
        kubeconfig = write_kubeconfig(
            rig.folder_of("kubeconfigs") / "kubelet",
            url=control_plane.api_server.url,
            authority=authority.certificate,
            login=pair,
        )
        # The machine's resolver cannot be reached from the rig's network.
        resolver = folder / "resolv.conf"
        resolver.write_text("")
        configuration = folder / "config.yaml"
        values = _configuration(cgroup=rig.id, address=address, resolver=resolver) | {
            "tlsCertFile": str(pair.certificate),
            "tlsPrivateKeyFile": str(pair.key),
            "authentication": {
                "anonymous": {"enabled": False},
                "webhook": {"enabled": True},
                "x509": {"clientCAFile": str(authority.certificate)},
            },
            "authorization": {"mode": "Webhook"},
        }
        configuration.write_text(yaml.safe_dump(values))
        cgroups.create(rig.id)
        command = containerd.command(
            str(tool("kubelet")),
            f"--config={configuration}",
            f"--kubeconfig={kubeconfig}",
            f"--hostname-override={NODE_NAME}",
            f"--node-ip={address}",
        )
        process = rig.start(name="kubelet", command=command, environment={"PATH": search_path()})
        return cls(rig=rig, process=process)


def _configuration(*, cgroup: str, address: str, resolver: Path) -> dict[str, Any]:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": address,
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{cgroup}",
        "clusterDNS": [DNS_ADDRESS],
        "clusterDomain": DOMAIN,
        "containerRuntimeEndpoint": f"unix://{SOCKET}",
        "resolvConf": str(resolver),
        "volumePluginDir": "/var/lib/kubelet/volume-plugins",
        "failCgroupV1": False,
        "failSwapOn": False,
        # A developer's disk is often nearly full, and an image that was loaded cannot be pulled again.
        "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
        "imageGCHighThresholdPercent": 100,
        "imageMaximumGCAge": "0s",
        "oomScoreAdj": 0,
        "readOnlyPort": 0,
    }
