"""A real S3 server on loopback over a folder, and a proxy in front of it that breaks connections."""

from __future__ import annotations

import os
import socket
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from churnguard_storage import BundleStore, Credentials, open_store

TOOLS = Path(__file__).parents[2] / "tests" / "tools" / "build"
ACCESS_KEY, SECRET_KEY = "test-access-key", "test-secret-key"
START_SECONDS = 30


@dataclass(frozen=True, kw_only=True)
class S3Server:
    """A running server; each folder below ``root`` is a bucket, and its files are objects."""

    root: Path
    port: int

    def credentials(
        self,
        *,
        access_key: str | None = ACCESS_KEY,
        secret_key: str | None = SECRET_KEY,
        port: int | None = None,
    ) -> Credentials:
        endpoint = f"http://127.0.0.1:{port or self.port}"
        return Credentials(access_key=access_key, secret_key=secret_key, endpoint=endpoint)

    def bucket(self, name: str) -> Path:
        folder = self.root / name
        folder.mkdir(exist_ok=True)
        return folder


@pytest.fixture(scope="session")
def free_port() -> Callable[[], int]:
    """Ports of loopback on which nothing listens."""

    def find() -> int:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            return int(probe.getsockname()[1])

    return find


def _wait_for(process: subprocess.Popen[bytes], *, port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.02)  # between two looks; the loop ends by what it sees
        else:
            return
    pytest.fail(f"versitygw did not start:\n{log.read_text(errors='replace')[-3000:]}")


StartS3 = Callable[..., S3Server]


@pytest.fixture(scope="session")
def start_s3(tmp_path_factory: pytest.TempPathFactory, free_port: Callable[[], int]) -> Iterator[StartS3]:
    """Starts servers over a folder; they end with the session."""
    found = subprocess.run([sys.executable, TOOLS, "--path", "versitygw"], capture_output=True, text=True)
    if found.returncode != 0:
        pytest.skip(found.stderr.strip() or found.stdout.strip())
    processes: list[subprocess.Popen[bytes]] = []

    def start(*options: str, root: Path) -> S3Server:
        port, folder = free_port(), tmp_path_factory.mktemp("versitygw")
        log = folder / "log"
        # Metadata go to a folder of their own: not every file system has extended attributes.
        command = [found.stdout.strip(), "--port", f"127.0.0.1:{port}", *options, "posix"]
        sidecar = root.with_name(f"metadata-of-{root.name}")
        sidecar.mkdir(exist_ok=True)
        environment = {**os.environ, "ROOT_ACCESS_KEY": ACCESS_KEY, "ROOT_SECRET_KEY": SECRET_KEY}
        with log.open("wb") as output:
            process = subprocess.Popen(
                [*command, "--sidecar", str(sidecar), str(root)],
                env=environment,
                stdout=output,
                stderr=output,
            )
        processes.append(process)
        _wait_for(process, port=port, log=log)
        return S3Server(root=root, port=port)

    yield start
    for process in processes:
        process.kill()
        process.wait()


@pytest.fixture(scope="session")
def s3(start_s3: StartS3, tmp_path_factory: pytest.TempPathFactory) -> S3Server:
    return start_s3(root=tmp_path_factory.mktemp("buckets"))


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
    server: S3Server = request.getfixturevalue("s3")
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
def proxy(s3: S3Server) -> Iterator[Proxy]:
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
