"""A whole cluster: its pieces composed, in a rig of their own."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from churnguard_cluster import leftovers
from churnguard_cluster.addresses import Addresses
from churnguard_cluster.control_plane import ControlPlane
from churnguard_cluster.controller_manager import NODE_LIFECYCLE
from churnguard_cluster.doors import Door, open_door
from churnguard_cluster.errors import UnsupportedError
from churnguard_cluster.kserve import KServe
from churnguard_cluster.kubeconfig import logged_in
from churnguard_cluster.player import Player
from churnguard_cluster.rig import Rig
from churnguard_cluster.state import State

if TYPE_CHECKING:
    from churnguard_cluster.node.node import Node


class Level(StrEnum):
    """How much of a cluster is real."""

    APISERVER = "apiserver"
    """The API server and the controllers; pods are played."""
    NODE = "node"
    """A node too, which runs pods."""


OWN_DEFINITIONS: Final = (Path(__file__).parents[3] / "manifests" / "crds",)
CONTROLLERS: Final = {Level.APISERVER: f"*,-{NODE_LIFECYCLE}", Level.NODE: "*"}


@dataclass(kw_only=True)
class Cluster:
    """A started cluster, empty but for what Kubernetes makes itself and our definitions."""

    level: Level
    control_plane: ControlPlane
    kube: Any
    """The official client (``kubernetes.client.ApiClient``), logged in as administrator."""
    node: Node | None
    addresses: Addresses = field(init=False)
    kserve: KServe | None = None

    def __post_init__(self) -> None:
        self.addresses = Addresses(self.rig.network)

    @classmethod
    def start(cls, *, name: str, level: Level) -> Cluster:
        """Starts a cluster that belongs to this process; when it cannot, nothing of it is left."""
        state = State.of_user()
        with state.locked():
            leftovers.remove_abandoned(state)
            folder = state.create(name)
        with contextlib.ExitStack() as undo:
            undo.callback(leftovers.remove, folder)
            rig = Rig.create(folder)
            undo.callback(rig.kill_processes)
            control_plane = ControlPlane.start(
                rig, controllers=CONTROLLERS[level], definitions=OWN_DEFINITIONS
            )
            kube = undo.enter_context(logged_in(control_plane.kubeconfig))
            node = _start_node(control_plane, kube=kube) if level is Level.NODE else None
            undo.pop_all()
        return cls(level=level, control_plane=control_plane, kube=kube, node=node)

    @property
    def rig(self) -> Rig:
        return self.control_plane.rig

    @property
    def kubeconfig(self) -> Path:
        """The administrator's way in from the host."""
        return self.control_plane.kubeconfig

    @property
    def logs(self) -> Path | None:
        """Folder of the logs of all pieces."""
        return self.rig.logs

    def require_kserve(self) -> None:
        """Starts the KServe controller on first use."""
        if self.kserve is None:
            with self.rig.timed("kserve-controller"):
                self.kserve = KServe.start(self.control_plane, kube=self.kube)

    def player(self, namespace: str) -> Player:
        """Who decides the fate of pods in this namespace; UnsupportedError where a node does."""
        if self.level is not Level.APISERVER:
            raise UnsupportedError("pods are played at level apiserver only: here a real node runs them")
        return Player(kube=self.kube, namespace=namespace, addresses=self.addresses)

    def open_door(self, *, address: str, port: int) -> Door:
        """Where on the host an address of the cluster is reached: of a Service or pod, at level node."""
        return open_door(self.rig, address=address, port=port)

    def stop(self) -> None:
        """Ends the cluster and leaves nothing of it."""
        self.kube.close()
        self.rig.kill_processes()
        leftovers.remove(self.rig.folder)


def _start_node(control_plane: ControlPlane, *, kube: Any) -> Node:
    # A cluster without a node has no use for all that it takes to have one.
    from churnguard_cluster.node.node import Node

    return Node.start(control_plane, kube=kube)
