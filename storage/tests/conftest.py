"""Stores of every kind, and a proxy in front of the S3 server (of the root's conftest) that breaks connections."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from churnguard_storage import BundleStore, Credentials, open_store


@pytest.fixture
def credentials() -> Credentials:
    """None at all: what files and claims need."""
    return Credentials()


@pytest.fixture(params=["file", "pvc", pytest.param("s3", marks=pytest.mark.servers)])
def store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> BundleStore:
    """An empty store of each kind."""
    if request.param == "file":
        return open_store((tmp_path / "not made yet").as_uri(), credentials=Credentials())
    if request.param == "pvc":
        (tmp_path / "claim").mkdir()
        monkeypatch.setenv("CHURNGUARD_CLAIM_ROOT", str(tmp_path))
        return open_store("pvc://claim/bundles", credentials=Credentials())
    server: Any = request.getfixturevalue("s3")
    name = f"store-{len(list(server.root.iterdir()))}"
    server.bucket(name)
    return open_store(f"s3://{name}/some/prefix", credentials=server.credentials())


@dataclass
class Proxy:
    """A TCP proxy; ``decide`` sees what a client sends and says how the connection goes on.

    ``None`` passes everything on. A number cuts the connection after so many bytes of the answer.
    ``"hang"`` passes nothing on any more, and sets ``hanging``.
    """

    port: int
    decide: Callable[[bytes], int | str | None]
    hanging: threading.Event


@pytest.fixture
def proxy(s3: Any) -> Iterator[Proxy]:
    released = threading.Event()
    state = Proxy(port=0, decide=lambda _: None, hanging=threading.Event())

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with socket.create_connection(("127.0.0.1", s3.port)) as server:
                self.left: float = float("inf")
                back = threading.Thread(target=self.pass_back, args=(server,))
                back.start()
                self.pass_on(server)
                server.shutdown(socket.SHUT_RDWR)
                back.join()

        def pass_on(self, server: socket.socket) -> None:
            while data := _received(self.request):
                verdict = state.decide(data)
                if verdict == "hang":
                    state.hanging.set()
                    released.wait()
                    return
                self.left = float("inf") if verdict is None else float(verdict)
                server.sendall(data)

        def pass_back(self, server: socket.socket) -> None:
            while data := _received(server):
                try:
                    self.request.sendall(data[: int(min(self.left, len(data)))])
                except OSError:
                    return
                self.left -= len(data)
                if self.left <= 0:
                    self.request.shutdown(socket.SHUT_RDWR)
                    return

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as listener:
        state.port = listener.server_address[1]
        thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield state
        released.set()
        listener.shutdown()
        thread.join()


def _received(connection: socket.socket) -> bytes:
    try:
        return connection.recv(65536)
    except OSError:
        return b""
