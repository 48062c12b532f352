"""etcd, the API server and the controller manager of a rig, and the ways in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from churnguard_cluster.apiserver import ApiServer, Identities
from churnguard_cluster.controller_manager import ControllerManager
from churnguard_cluster.crds import apply_crds
from churnguard_cluster.doors import open_door
from churnguard_cluster.etcd import Etcd
from churnguard_cluster.kubeconfig import logged_in, write_kubeconfig
from churnguard_cluster.rig import Rig


@dataclass(frozen=True, kw_only=True)
class ControlPlane:
    """A started control plane that answers."""

    rig: Rig
    etcd: Etcd
    api_server: ApiServer
    controller_manager: ControllerManager
    kubeconfig: Path
    """The administrator's way in from the host."""

    @classmethod
    def start(cls, rig: Rig, *, controllers: str, definitions: Sequence[Path]) -> ControlPlane:
        """Starts all pieces, with these custom resource definitions, and returns when they are ready."""
        with rig.timed("certificates"):
            identities = Identities.create(rig)
        # The API server tries until it finds its store, so the two start side by side.
        with rig.timed("etcd"):
            etcd = Etcd.start(rig)
            api_server = ApiServer.start(rig, etcd_url=etcd.url, identities=identities)
            etcd.wait_until_ready()
        kubeconfig = _kubeconfig_from_host(api_server)
        with rig.timed("kube-apiserver"):
            api_server.wait_until_ready()
        # The garbage collector knows the kinds that it finds when it starts, and looks for others twice a minute.
        with rig.timed("custom resource definitions"), logged_in(kubeconfig) as kube:
            apply_crds(kube, *definitions)
        with rig.timed("kube-controller-manager"):
            manager = ControllerManager.start(api_server, controllers=controllers)
            manager.wait_until_ready()
        return cls(
            rig=rig,
            etcd=etcd,
            api_server=api_server,
            controller_manager=manager,
            kubeconfig=kubeconfig,
        )

    def log_in(self, name: str, *, user: str, group: str = "churnguard") -> Path:
        """A kubeconfig called ``name`` that logs in as this user, for a program inside the rig's network."""
        authority = self.api_server.identities.authority
        return write_kubeconfig(
            self.rig.folder_of("kubeconfigs") / name,
            url=self.api_server.url,
            authority=authority.certificate,
            login=authority.client(name, user=user, group=group),
        )


def _kubeconfig_from_host(api_server: ApiServer) -> Path:
    rig, identities = api_server.rig, api_server.identities
    door = open_door(rig, address=rig.network.address, port=api_server.port)
    return write_kubeconfig(
        rig.folder.kubeconfig,
        url=f"https://{door.address}:{door.port}",
        authority=identities.authority.certificate,
        login=identities.administrator,
    )
