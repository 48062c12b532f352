"""The operator as a process of the rig, with the account and the rights that it ships with."""

from __future__ import annotations

import http.client
import itertools
import json
import os
import re
import socket
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import yaml
from operator_story import STORE

from churnguard_cluster.cluster import Cluster
from churnguard_cluster.namespace import run
from churnguard_cluster.objects import Document, Objects, reference
from churnguard_cluster.process import Process
from churnguard_cluster.tools import tool

PORTS: Final = itertools.count()
MANIFESTS: Final = Path(__file__).parents[2] / "manifests"
INSTALLED: Final = "namespace: churnguard"
CLUSTERWIDE: Final = "operator-cluster-wide"
ACCOUNT: Final = "churnguard-operator"


@dataclass(kw_only=True)
class Operator:
    """The operator in one namespace: started, killed and started again at will."""

    cluster: Cluster
    objects: Objects
    namespace: str
    manifest: str = "operator"
    python: Path = Path(sys.executable)
    """What runs it: by default the tests' own."""
    started: list[Process] = field(default_factory=list)
    ports: dict[str, int] = field(default_factory=dict)
    accounts: dict[str, Process] = field(default_factory=dict)
    """Processes by what they log in with."""
    server: str = ""
    """Where the API server is for it; the API server itself when this is empty."""
    prometheus_address: str = ""

    def install(self) -> None:
        """Its account and rights, as the manifests have them, in this namespace."""
        for document in self.manifests():
            if document["kind"] != "Deployment":
                is_clusterwide = document["kind"].startswith("Cluster")
                self.objects.create(document, namespace=None if is_clusterwide else self.namespace)

    def uninstall(self) -> None:
        """Removes what does not go with the namespace."""
        for document in self.manifests():
            if document["kind"].startswith("Cluster"):
                self.objects.delete(document)

    def manifests(self) -> list[Document]:
        """What `kubectl apply -k` would apply."""
        folder = MANIFESTS / self.manifest
        text = run(str(tool("kubectl")), "kustomize", str(folder))
        found = list(yaml.safe_load_all(text.replace(INSTALLED, f"namespace: {self.namespace}")))
        for document in found:
            document["metadata"].pop("namespace", None)
        return found

    def start(self, *, resync_seconds: int = 300) -> Process:
        """One more replica."""
        name = f"operator-{self.namespace}-{len(self.started)}"
        network = self.cluster.rig.network
        port = network.port(18080 + next(PORTS))
        token = self.token()
        process = self.cluster.rig.start(
            name=name,
            command=[
                self.python,
                "-m",
                "churnguard_operator",
                "--training-image=churnguard-training",
                "--serving-image=churnguard-serving",
                f"--store={STORE}",
                *([] if self.manifest == CLUSTERWIDE else [f"--namespaces={self.namespace}"]),
                f"--lease-namespace={self.namespace}",
                "--drain-seconds=1",
                f"--resync-seconds={resync_seconds}",
                *([f"--prometheus-address={self.prometheus_address}"] if self.prometheus_address else []),
                f"--host={network.address}",
                f"--port={port}",
            ],
            environment={
                "KUBECONFIG": str(self._log_in(self.cluster.rig.folder_of(name) / "kubeconfig", token=token)),
                # Its lines count where the tests' are counted.
                **{key: value for key, value in os.environ.items() if key.startswith("COVERAGE_")},
            },
        )
        self.started.append(process)
        self.ports[process.name] = port
        self.accounts[f"Bearer {token}"] = process
        return process

    @property
    def living(self) -> list[Process]:
        """The replicas that run."""
        return [process for process in self.started if process.popen.poll() is None]

    def identity(self, process: Process) -> str:
        """What a replica calls itself in the Lease."""
        return f"{socket.gethostname()}_{process.popen.pid}"

    def free_lease_of_the_dead(self) -> None:
        """What a killed replica held it holds for 15 s yet, which another test waits for."""
        holder = self.holder()
        if holder and holder not in map(self.identity, self.living):
            self.give_lease_to("")

    def ask(self, process: Process, path: str) -> tuple[int, str]:
        """Status and text that a replica answers at a path; 0 when it does not listen."""
        network = self.cluster.rig.network
        connection = http.client.HTTPConnection(network.address, self.ports[process.name], timeout=10)
        try:
            connection.sock = network.connect(network.address, self.ports[process.name], seconds=10)
        except ConnectionRefusedError:
            return 0, ""
        connection.request("GET", path)
        answer = connection.getresponse()
        found = answer.status, answer.read().decode()
        connection.close()
        return found

    def metric(self, process: Process, name: str, **labels: str) -> float:
        """Sum of a metric's values over all labels but these."""
        status, page = self.ask(process, "/metrics")
        if status == 0:
            return 0.0
        wanted = {f'{key}="{value}"' for key, value in labels.items()}
        lines = [line for line in page.splitlines() if re.match(rf"{name}[ {{]", line)]
        return sum(
            float(line.rpartition(" ")[2])
            for line in lines
            if wanted <= set(line.partition("{")[2].partition("}")[0].split(","))
        )

    def holder(self) -> str:
        """Who holds the Lease; empty when nobody does."""
        lease = reference("coordination.k8s.io/v1", "Lease", ACCOUNT)
        found = self.objects.find(lease, namespace=self.namespace)
        return str(found["spec"].get("holderIdentity", "")) if found else ""

    def token(self, account: str = ACCOUNT) -> str:
        """A token of a ServiceAccount, the operator's own unless another is named."""
        asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
        whose = reference("v1", "ServiceAccount", account)
        answer = self.objects.create_part(whose, part="token", body=asked, namespace=self.namespace)
        return str(answer["status"]["token"])

    def _log_in(self, path: Path, *, token: str) -> Path:
        """A kubeconfig with this token."""
        server = self.cluster.control_plane.api_server
        place = {
            "server": self.server or server.url,
            "certificate-authority": str(server.identities.authority.certificate),
        }
        content = {
            "current-context": ACCOUNT,
            "clusters": [{"name": ACCOUNT, "cluster": place}],
            "users": [{"name": ACCOUNT, "user": {"token": token}}],
            "contexts": [{"name": ACCOUNT, "context": {"cluster": ACCOUNT, "user": ACCOUNT}}],
        }
        path.write_text(json.dumps(content))
        return path

    def give_lease_to(self, identity: str) -> None:
        """Somebody else takes the Lease."""
        lease = reference("coordination.k8s.io/v1", "Lease", ACCOUNT)
        self.objects.merge({**lease, "spec": {"holderIdentity": identity}}, namespace=self.namespace)

    @property
    def logs(self) -> list[Document]:
        """All that it has said."""
        lines = [line for each in self.started for line in each.log.read_text().splitlines()]
        return [json.loads(line) for line in lines if line.startswith("{")]

    def stop(self) -> None:
        for process in self.started:
            process.stop()
