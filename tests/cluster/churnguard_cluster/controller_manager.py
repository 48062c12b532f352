"""kube-controller-manager: the real Job, Deployment, autoscaling, EndpointSlice and garbage collection controllers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from churnguard_cluster.apiserver import ApiServer
from churnguard_cluster.kubeconfig import write_kubeconfig
from churnguard_cluster.probe import answers, trusting
from churnguard_cluster.process import Process
from churnguard_cluster.tools import tool

# Kubernetes waits five minutes before it scales down; a test cannot.
DOWNSCALE_STABILIZATION: Final = "15s"
# Watches whether kubelets still report. Played nodes have none, and would be marked as lost.
NODE_LIFECYCLE: Final = "node-lifecycle-controller"


@dataclass(frozen=True, kw_only=True)
class ControllerManager:
    """A started controller manager."""

    api_server: ApiServer
    process: Process
    port: int

    @classmethod
    def start(cls, api_server: ApiServer, *, controllers: str = f"*,-{NODE_LIFECYCLE}") -> ControllerManager:
        rig, identities = api_server.rig, api_server.identities
        authority, port = identities.authority, rig.network.port(10257)
        login = authority.client("controller-manager", user="system:kube-controller-manager")
        kubeconfig = write_kubeconfig(
            rig.folder_of("kubeconfigs") / "controller-manager",
            url=api_server.url,
            authority=authority.certificate,
            login=login,
        )
        serving = authority.server("controller-manager-serving", hosts=("localhost", rig.network.address))
        command: list[str | Path] = [
            tool("kube-controller-manager"),
            f"--kubeconfig={kubeconfig}",
            f"--controllers={controllers}",
            "--use-service-account-credentials",
            f"--service-account-private-key-file={identities.service_accounts.key}",
            f"--root-ca-file={authority.certificate}",
            f"--cluster-signing-cert-file={authority.own.certificate}",
            f"--cluster-signing-key-file={authority.own.key}",
            f"--bind-address={rig.network.address}",
            f"--secure-port={port}",
            f"--tls-cert-file={serving.certificate}",
            f"--tls-private-key-file={serving.key}",
            f"--horizontal-pod-autoscaler-downscale-stabilization={DOWNSCALE_STABILIZATION}",
            "--leader-elect=false",
            # It logs in once per controller, and would wait for its own limit most of the time until it is up.
            "--kube-api-qps=200",
            "--kube-api-burst=400",
            "--profiling=false",
        ]
        process = rig.start(name="kube-controller-manager", command=command)
        return cls(api_server=api_server, process=process, port=port)

    def wait_until_ready(self) -> None:
        network = self.api_server.rig.network
        context = trusting(str(self.api_server.identities.authority.certificate))
        self.process.wait_until(lambda: answers(network, self.port, "/healthz", context=context))
