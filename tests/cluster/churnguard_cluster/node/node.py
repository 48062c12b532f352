"""The node of a rig: its pieces, started side by side, and how to end what they leave outside the rig's folder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from kubernetes import client

from churnguard_cluster.control_plane import ControlPlane
from churnguard_cluster.node import requirements
from churnguard_cluster.node.containerd import Containerd
from churnguard_cluster.node.dns import Dns
from churnguard_cluster.node.images.image import Image
from churnguard_cluster.node.images.providing import provide
from churnguard_cluster.node.kube_proxy import KubeProxy
from churnguard_cluster.node.kubelet import NODE_NAME, Kubelet
from churnguard_cluster.node.metrics_server import MetricsServer
from churnguard_cluster.node.scheduler import Scheduler
from churnguard_cluster.node.volumes import StaticVolume

READY_SECONDS: Final = 90.0


@dataclass(frozen=True, kw_only=True)
class Node:
    """A started node that runs pods."""

    control_plane: ControlPlane
    containerd: Containerd
    kubelet: Kubelet
    scheduler: Scheduler
    kube_proxy: KubeProxy
    dns: Dns
    metrics_server: MetricsServer

    @classmethod
    def start(cls, control_plane: ControlPlane, *, kube: Any) -> Node:
        """Starts all pieces and returns when pods can run; ``kube`` is the administrator's client.

        Raises:
            UnsupportedError: this user is not root.
            MissingToolError: the machine lacks programs; the message names what brings them.
            PieceFailedError: a piece ended, or the node was not ready in time.
        """
        requirements.check_node()
        requirements.check_tools()
        rig = control_plane.rig
        with rig.timed("containerd"):
            containerd = Containerd.start(rig)
            # They need the control plane only, and start while containerd does.
            scheduler, dns = Scheduler.start(control_plane), Dns.start(control_plane)
            metrics_server = MetricsServer.start(control_plane)
            containerd.wait_until_ready()
        with rig.timed("kubelet"):
            kubelet = Kubelet.start(control_plane, containerd=containerd)
            kubelet.process.wait_until(lambda: _node(kube) is not None, seconds=READY_SECONDS)
            # It asks for the node's address when it starts, and waits long before it asks again.
            kube_proxy = KubeProxy.start(control_plane)
            kubelet.process.wait_until(lambda: _is_ready(_node(kube)), seconds=READY_SECONDS)
        node = cls(
            control_plane=control_plane,
            containerd=containerd,
            kubelet=kubelet,
            scheduler=scheduler,
            kube_proxy=kube_proxy,
            dns=dns,
            metrics_server=metrics_server,
        )
        node._wait_for_the_rest(kube)
        return node

    def load(self, *components: str) -> dict[str, Image]:
        """Images of our components by name, built when they are not, and known to pods."""
        with self.control_plane.rig.timed("images"):
            images = provide(components)
            for image in images:
                self.containerd.load(image)
        return {image.component: image for image in images}

    def volume(self, *, namespace: str, claim: str) -> StaticVolume:
        """A volume in a folder of the rig; ``create`` makes it."""
        folder = self.control_plane.rig.folder_of("volumes") / namespace / claim
        return StaticVolume(namespace=namespace, claim=claim, folder=folder)

    def _wait_for_the_rest(self, kube: Any) -> None:
        rig = self.control_plane.rig
        with rig.timed("kube-scheduler"):
            self.scheduler.wait_until_ready()
        with rig.timed("kube-proxy"):
            self.kube_proxy.wait_until_ready()
        with rig.timed("coredns"):
            self.dns.service.create(kube)
            self.dns.wait_until_ready()
        with rig.timed("metrics-server"):
            self.metrics_server.wait_until_ready(kube)


def _node(kube: Any) -> Any:
    try:
        return client.CoreV1Api(kube).read_node(NODE_NAME)
    except client.ApiException as error:
        if error.status != 404:
            raise
        return None


def _is_ready(node: Any) -> bool:
    conditions = {each.type: each.status for each in node.status.conditions or []}
    # The taint goes a moment after the condition comes, and until then nothing is scheduled.
    return conditions.get("Ready") == "True" and not node.spec.taints
