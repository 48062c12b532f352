"""The server as a process, and the plainest of clients."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

PATIENCE = 60.0
"""Seconds until a test gives a process up."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A status, headers in lower case, and the body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Log:
    """A process's lines on standard error, read as they come."""

    def __init__(self, stream: Any) -> None:
        self.lines: list[str] = []
        self._news = threading.Condition()
        self._ended = False
        self._reader = threading.Thread(target=self._read, args=(stream,), daemon=True)
        self._reader.start()

    def wait_for(self, message: str) -> dict[str, Any]:
        """The line with this message; fails when the process ends without it."""
        with self._news:
            assert self._news.wait_for(lambda: self._ended or self.find(message), PATIENCE), self.lines
        found = self.find(message)
        assert found, f"no {message!r} in {self.lines}"
        return found[0]

    def find(self, message: str) -> list[dict[str, Any]]:
        """All lines with this message."""
        entries = [json.loads(line) for line in self.lines if line.startswith("{")]
        return [entry for entry in entries if entry["message"] == message]

    def to_the_end(self) -> list[str]:
        """All lines, when the process has ended."""
        self._reader.join(PATIENCE)
        return self.lines

    def _read(self, stream: Any) -> None:
        for line in stream:
            with self._news:
                self.lines.append(line.rstrip("\n"))
                self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()
        stream.close()


@dataclass(frozen=True, kw_only=True)
class Server:
    """A server that runs, or ran."""

    process: subprocess.Popen[str]
    log: Log
    grpc_port: int
    serving: Path | None
    _ready: list[dict[str, Any]] = field(default_factory=list)

    @property
    def port(self) -> int:
        if not self._ready:
            self._ready.append(self.log.wait_for("ready"))
        port: int = self._ready[0]["port"]
        return port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)

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
            return exchange(connection, method, path, body, **headers)
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

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)


def exchange(
    connection: http.client.HTTPConnection, method: str, path: str, body: Any = None, **headers: str
) -> Answer:
    """One request on a connection that may be kept."""
    sent = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    connection.request(method, path, sent, {name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    content = answer.read()
    names = {name.lower(): value for name, value in answer.getheaders()}
    return Answer(status=answer.status, headers=names, body=content)


@pytest.fixture(scope="session")
def environment(pytestconfig: pytest.Config) -> dict[str, str]:
    """Nothing of the developer's settings; and bytecode is kept, else every process compiles its libraries."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("CHURNGUARD_")}
    if inherited.pop("PYTHONDONTWRITEBYTECODE", ""):
        inherited["PYTHONPYCACHEPREFIX"] = str(pytestconfig.cache.mkdir("bytecode"))
    return inherited


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
        server.process.kill()
        server.process.wait()
        server.log.to_the_end()
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
