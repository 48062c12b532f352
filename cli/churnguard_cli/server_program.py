"""Running the server as a pod would: same program, same arguments, its log read, signals passed on."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Final

import msgspec

from churnguard_cli.ports import reachable
from churnguard_cli.server_log import Entry, read_entry
from churnguard_cli.signals import Stopping, forwarded_signals
from churnguard_cli.store import Stored
from churnguard_core.churnmodel.serving import Serving

MOST_LINE_BYTES: Final = 64 * 1024
STOP_SECONDS: Final = 40.0
"""The server lets requests that have begun take 30 s after it was asked to stop."""
PROBE_SECONDS: Final = 10.0


@dataclass(frozen=True, kw_only=True)
class Service:
    """What is served, and where. Port 0 takes a free one."""

    name: str
    bundle: Stored
    serving: Serving
    host: str
    port: int
    grpc_port: int | None


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How the server ended.

    ``was_ready`` tells whether it ever answered; ``problem`` is what its log said last, or what it was ended for;
    ``stopped_by`` is the signal that this process received and passed on.
    """

    code: int
    was_ready: bool
    problem: str
    stopped_by: int | None


def run_server(
    service: Service, *, on_ready: Callable[[int], None], on_entry: Callable[[Entry], None]
) -> Ended:
    """Run ``churnguard-serve`` until it ends, by itself or by a signal to this process.

    Args:
        service: What to serve.
        on_ready: Called with the port once the server is ready.
        on_entry: Called with what its log holds besides the course of things.
    """
    with (
        tempfile.TemporaryDirectory(prefix="churnguard-") as folder,
        forwarded_signals(sent=signal.SIGINT, seconds=STOP_SECONDS) as stopping,
    ):
        settings = Path(folder, "serving.json")
        settings.write_bytes(serving_settings(service.serving))
        process = subprocess.Popen(
            _command(service, settings=settings),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            process_group=0,  # see signals
        )
        stopping.attach(process)
        with process:
            watch = _Watch(service, process=process, stopping=stopping, on_ready=on_ready, on_entry=on_entry)
            watch.to_the_end()
    return Ended(
        code=process.returncode,
        was_ready=watch.was_ready,
        problem=watch.problem,
        stopped_by=stopping.signum,
    )


def serving_settings(serving: Serving) -> bytes:
    """The file that the server reads: what of ``spec.serving`` is applied to scores. Limits are the server's own."""
    return msgspec.json.encode({"levels": serving.levels, "insights": serving.insights})


def _command(service: Service, *, settings: Path) -> list[str]:
    # -P: nothing in the current folder may stand in for a library.
    command = [sys.executable, "-P", "-m", "churnguard_serving"]
    command += [f"--bundle={service.bundle.path.as_uri()}", f"--digest={service.bundle.digest}"]
    command += [f"--name={service.name}", f"--serving={settings}"]
    command += [f"--host={service.host}", f"--port={service.port}"]
    return command if service.grpc_port is None else [*command, f"--grpc-port={service.grpc_port}"]


class _Watch:
    """Follows a server's log: what it says is what is known about it."""

    def __init__(
        self,
        service: Service,
        *,
        process: subprocess.Popen[bytes],
        stopping: Stopping,
        on_ready: Callable[[int], None],
        on_entry: Callable[[Entry], None],
    ) -> None:
        self.was_ready = False
        self.problem = ""
        self._service = service
        self._process = process
        self._stopping = stopping
        self._on_ready = on_ready
        self._on_entry = on_entry

    def to_the_end(self) -> None:
        """Read the log until its end, which is the server's."""
        assert self._process.stderr is not None  # noqa: S101 - for the type checker
        while line := self._process.stderr.readline(MOST_LINE_BYTES):
            entry = read_entry(line)
            if (port := entry.ready_port) is not None:
                self._prove_ready(port)
            elif entry.worth_showing:
                self.problem = entry.problem or self.problem
                self._on_entry(entry)

    def _prove_ready(self, port: int) -> None:
        problem = probe(reachable(self._service.host), port)
        if problem is None:
            self.was_ready = True
            self._on_ready(port)
        elif self._stopping.signum is None:
            self.problem = problem
            self._process.kill()


def probe(host: str, port: int) -> str | None:
    """Ask a server whether it is ready; None when it is, what is wrong otherwise."""
    connection = HTTPConnection(host, port, timeout=PROBE_SECONDS)
    try:
        connection.request("GET", "/v2/health/ready")
        status = connection.getresponse().status
    except (OSError, HTTPException) as error:
        return f"it says that it is ready, but does not answer on port {port}: {error}"
    finally:
        connection.close()
    return None if status == 200 else f"it says that it is ready, but answers {status} when asked"
