"""A server on a core of its own, while the load and everything else has the others."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

MOST_SECONDS_TO_START: Final = 120.0


@dataclass(frozen=True, kw_only=True)
class Pinned:
    """A process, the port of loopback that it listens on, and how long it took to be ready."""

    pid: int
    port: int
    seconds_to_ready: float


def free_port() -> int:
    """A port of loopback on which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@contextlib.contextmanager
def pinned(
    command: Sequence[str], *, port: int, ready: str, environment: Mapping[str, str] | None = None
) -> Iterator[Pinned]:
    """A server that runs on the first core, from its first good answer on; this process keeps to the others.

    Args:
        command: What starts it.
        port: On which it will listen.
        ready: The path that answers 200 when it is ready.
        environment: Its variables; None for those of this process.
    """
    cores = sorted(os.sched_getaffinity(0))
    start = time.monotonic()
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            ["taskset", "--cpu-list", str(cores[0]), *command],
            stdout=log,
            stderr=subprocess.STDOUT,
            env=None if environment is None else dict(environment),
        )
        try:
            if not _becomes_ready(process, url=f"http://127.0.0.1:{port}{ready}", start=start):
                log.seek(0)
                said = log.read()[-3000:].decode(errors="replace")
                raise SystemExit(f"{command[1:3]} did not become ready:\n{said}")
            taken = time.monotonic() - start
            os.sched_setaffinity(0, cores[1:] or cores)
            yield Pinned(pid=process.pid, port=port, seconds_to_ready=taken)
        finally:
            os.sched_setaffinity(0, cores)
            process.terminate()
            process.wait()


def _becomes_ready(process: subprocess.Popen[bytes], *, url: str, start: float) -> bool:
    while time.monotonic() - start < MOST_SECONDS_TO_START and process.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=1) as answer:
            if answer.status == 200:
                return True
        time.sleep(0.01)  # between two questions
    return False
