"""etcd, the store of the API server."""

from __future__ import annotations

import contextlib
import http.client
import json
from dataclasses import dataclass
from pathlib import Path

from churnguard_cluster.errors import ClusterError
from churnguard_cluster.probe import REQUEST_SECONDS, answers
from churnguard_cluster.process import Process
from churnguard_cluster.rig import Rig
from churnguard_cluster.tools import tool


@dataclass(frozen=True, kw_only=True)
class Etcd:
    """A started etcd with one member."""

    rig: Rig
    process: Process
    port: int

    @classmethod
    def start(cls, rig: Rig) -> Etcd:
        port, peer_port = rig.network.port(2379), rig.network.port(2380)
        url, peer_url = (f"http://{rig.network.address}:{each}" for each in (port, peer_port))
        command: list[str | Path] = [
            tool("etcd"),
            f"--data-dir={rig.folder_of('etcd')}",
            f"--listen-client-urls={url}",
            f"--advertise-client-urls={url}",
            f"--listen-peer-urls={peer_url}",
            f"--initial-advertise-peer-urls={peer_url}",
            f"--initial-cluster=default={peer_url}",
            "--unsafe-no-fsync",  # nothing of it has to outlive the machine
            "--log-level=warn",
        ]
        return cls(rig=rig, process=rig.start(name="etcd", command=command), port=port)

    @property
    def url(self) -> str:
        return f"http://{self.rig.network.address}:{self.port}"

    def wait_until_ready(self) -> None:
        self.process.wait_until(lambda: answers(self.rig.network, self.port, "/readyz"))

    def compact(self, *, revision: int) -> None:
        """Forgets all revisions before this one: who asks for them is told that they are gone."""
        network = self.rig.network
        body = json.dumps({"revision": str(revision), "physical": True})
        connection = http.client.HTTPConnection(network.address, self.port)
        with contextlib.closing(connection):
            connection.sock = network.connect(network.address, self.port, seconds=REQUEST_SECONDS)
            connection.request("POST", "/v3/kv/compaction", body=body)
            answer = connection.getresponse()
            if answer.status != http.client.OK:
                raise ClusterError(f"etcd did not compact to revision {revision}: {answer.read().decode()}")
