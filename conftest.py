"""A real S3 server on loopback over a folder, for the components that read or write bundles and data there."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from churnguard_storage import Credentials

pytest_plugins = ["churnguard_cluster.fixtures", "churnguard_servers.fixtures"]

TOOLS = Path(__file__).parent / "tests" / "tools" / "build"
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
