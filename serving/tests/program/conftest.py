"""The server as a process, and the plainest of clients."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from churnguard_servers.clients import Answer, exchange
from churnguard_servers.processes import PATIENCE, Log
from churnguard_servers.programs import Program


@dataclass(frozen=True, kw_only=True)
class Server(Program):
    """A server that runs, or ran."""

    grpc_port: int
    serving: Path | None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def raw(self, sent: bytes) -> bytes:
        """What comes back to these bytes, until the server hangs up or has answered."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as connection:
            connection.sendall(sent)
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            return b"%d " % answer.status + answer.read()

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """One request on a connection of its own; objects are sent as JSON."""
        connection = self.connect()
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            return exchange(connection, method, path, body, named)
        finally:
            connection.close()

    def post(self, path: str, body: Any, **headers: str) -> Answer:
        return self.ask("POST", path, body, **headers)

    def get(self, path: str) -> Answer:
        return self.ask("GET", path)

    def metrics(self) -> dict[tuple[str, ...], float]:
        """All samples of /metrics: (name, values of its labels but the model's...) to value."""
        families = text_string_to_metric_families(self.get("/metrics").body.decode())
        return {
            (sample.name, *(value for label, value in sorted(sample.labels.items()) if label != "model")): (
                sample.value
            )
            for family in families
            for sample in family.samples
        }


@pytest.fixture(scope="session")
def start(
    environment: dict[str, str],
    bundle_folder: Callable[[str], Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[..., Server]]:
    """``start(bundle, *arguments, serving=, grpc=, program=, **more of Popen)``: begin a server on a free port.

    ``bundle`` is a kind or a folder; ``serving`` are settings, written to a file.
    """
    begun: list[Server] = []

    def begin(
        bundle: str | Path = "boosting",
        *arguments: str,
        serving: dict[str, Any] | None = None,
        grpc: bool = False,
        program: Sequence[str] = ("-m", "churnguard_serving"),
        **more: Any,
    ) -> Server:
        folder = bundle_folder(bundle) if isinstance(bundle, str) else bundle
        command = [sys.executable, *program, "--bundle", folder.as_uri()]
        command += ["--name", "telco", "--host", "127.0.0.1", "--port", "0"]
        file = None
        if serving is not None:
            file = tmp_path_factory.mktemp("settings") / "serving.json"
            file.write_text(json.dumps(serving))
            command += ["--serving", str(file)]
        port = _free_port() if grpc else 0
        if grpc:
            command += ["--grpc-port", str(port)]
        options = {"cwd": "/", "env": environment, "text": True, **more}
        process = subprocess.Popen(
            [*command, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options
        )
        server = Server(process=process, log=Log(process.stderr), grpc_port=port, serving=file)
        begun.append(server)
        return server

    yield begin
    for server in begun:
        server.end()
        server.process.stdout.close()  # type: ignore[union-attr]


@pytest.fixture(scope="session")
def running(start: Callable[..., Server], serving_settings: dict[str, Any]) -> Callable[[str], Server]:
    """``running(kind)``: a server for all who only ask, with gRPC, levels and insights."""
    servers: dict[str, Server] = {}

    def of(kind: str) -> Server:
        if kind not in servers:
            servers[kind] = start(kind, serving=serving_settings, grpc=True)
        return servers[kind]

    return of


@pytest.fixture(scope="session")
def server(running: Callable[[str], Server]) -> Server:
    """The boosting model's server, for all who only ask."""
    return running("boosting")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
