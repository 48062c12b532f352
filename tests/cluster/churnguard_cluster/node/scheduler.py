"""kube-scheduler."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from churnguard_cluster.control_plane import ControlPlane
from churnguard_cluster.probe import answers, trusting
from churnguard_cluster.process import Process
from churnguard_cluster.tools import tool


@dataclass(frozen=True, kw_only=True)
class Scheduler:
    """A started scheduler."""

    control_plane: ControlPlane
    process: Process
    port: int

    @classmethod
    def start(cls, control_plane: ControlPlane) -> Scheduler:
        rig, authority = control_plane.rig, control_plane.api_server.identities.authority
        kubeconfig = control_plane.log_in("scheduler", user="system:kube-scheduler")
        serving = authority.server("scheduler-serving", hosts=("localhost", rig.network.address))
        port = rig.network.port(10259)
        command: list[str | Path] = [
            tool("kube-scheduler"),
            f"--kubeconfig={kubeconfig}",
            f"--bind-address={rig.network.address}",
            f"--secure-port={port}",
            f"--tls-cert-file={serving.certificate}",
            f"--tls-private-key-file={serving.key}",
            "--leader-elect=false",
            "--profiling=false",
        ]
        process = rig.start(name="kube-scheduler", command=command)
        return cls(control_plane=control_plane, process=process, port=port)

    def wait_until_ready(self) -> None:
        network = self.control_plane.rig.network
        context = trusting(str(self.control_plane.api_server.identities.authority.certificate))
        self.process.wait_until(lambda: answers(network, self.port, "/healthz", context=context))
