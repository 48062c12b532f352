"""What a request costs the server's processor, ours and its peers', in one run.

Processor time per request hardly depends on what else a machine does, requests per second very much; so the former is
measured. Each server has one core for itself, the load another.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from load import Load, http_request, measure, resident_mebibytes
from pinned import free_port, pinned
from rows import SMOKE, Row

HERE: Final = Path(__file__).parent
SECONDS: Final = 0.5
WINDOWS: Final = 2 if SMOKE else 30
STARTS: Final = 3 if SMOKE else 7
CONNECTIONS: Final = 32
MANY_REQUESTS: Final = 2_000 if SMOKE else 100_000


@dataclass(frozen=True, kw_only=True)
class Server:
    """A running server."""

    pid: int
    port: int
    seconds_to_ready: float

    def load(self, records: Sequence[Any], *, verb: str = "predict", connections: int = CONNECTIONS) -> Load:
        """The best window of the same request."""
        windows = self.windows(records, verb=verb, connections=connections)
        return min(windows, key=lambda load: load.cpu_microseconds)

    def windows(self, records: Sequence[Any], *, verb: str, connections: int) -> Sequence[Load]:
        """Windows of the same request."""
        body = msgspec.json.encode({"instances": records})
        request = http_request(f"/v1/models/telco:{verb}", body, port=self.port)
        return measure(
            port=self.port,
            pid=self.pid,
            request=request,
            connections=connections,
            seconds=SECONDS,
            windows=WINDOWS,
        )


def our_command(bundle: Path, port: int) -> list[str]:
    """Our server, as a pod starts it."""
    arguments = ["--bundle", bundle.as_uri(), "--name", "telco", "--host", "127.0.0.1", "--port", str(port)]
    return [sys.executable, "-m", "churnguard_serving", *arguments, "--drain-seconds", "0"]


def peer_command(kind: str, bundle: Path, port: int) -> list[str]:
    """A peer."""
    return [sys.executable, str(HERE / "peer_server.py"), kind, str(port), str(bundle)]


@contextlib.contextmanager
def running(kind: str, *, bundle: Path) -> Iterator[Server]:
    """A server on a core of its own, from its first ready answer on."""
    port = free_port()
    command = our_command(bundle, port) if kind == "ours" else peer_command(kind, bundle, port)
    with pinned(command, port=port, ready="/v2/health/ready") as found:
        yield Server(pid=found.pid, port=found.port, seconds_to_ready=found.seconds_to_ready)


def serving_rows(bundle: Path, *, records: Sequence[Any]) -> Iterator[Row]:
    """The table of the server; empty where a process's time cannot be read."""
    if not Path("/proc/self/stat").exists():
        print("  the server: skipped, its processor time is read from /proc (Linux)")
        return
    yield from _start_rows(bundle)
    one, hundred = records[:1], records[:100]
    many = [records[at % len(records)] for at in range(10_000)]
    with running("ours", bundle=bundle) as server:
        idle = resident_mebibytes(server.pid)
        predict = server.load(one)
        explain = server.load(one, verb="explain")
        batches = server.load(hundred), server.load(many, connections=2)
        explained = server.load(hundred, verb="explain"), server.load(many, verb="explain", connections=2)
        before, answered = resident_mebibytes(server.pid), 0
        while answered < MANY_REQUESTS:
            found = server.windows(one, verb="predict", connections=CONNECTIONS)
            answered += sum(window.answers for window in found)
        after = resident_mebibytes(server.pid)
    ours = predict.cpu_microseconds
    yield Row(what="predict, 1 row, CPU of the server", value=ours, unit="us", reach=60)
    yield Row(what="explain, 1 row, exact", value=explain.cpu_microseconds, unit="us", reach=150)
    for what, loads in (("predict", batches), ("explain", explained)):
        reach = (650.0, 60.0) if what == "predict" else (None, None)
        yield Row(what=f"{what}, 100 rows", value=loads[0].cpu_microseconds, unit="us", reach=reach[0])
        yield Row(
            what=f"{what}, 10,000 rows", value=loads[1].cpu_microseconds / 1000, unit="ms", reach=reach[1]
        )
    yield Row(what="resident memory, idle", value=idle, unit="MB", reach=250)
    yield Row(what="resident memory after all of these", value=before, unit="MB", reach=250)
    yield Row(what=f"  and after {answered:,} requests more", value=after, unit="MB", reach=250)
    peers = (
        ("floor", "floor: a constant from plain uvicorn, same request", None),
        ("pipeline", "peer: KServe around a scikit-learn pipeline, 1 row", 80.0),
        ("kserve", "peer: KServe's handlers with our scoring, 1 row", 5.0),
        ("fastapi", "peer: FastAPI with our scoring, 1 row", None),
    )
    for kind, what, least in peers:
        with running(kind, bundle=bundle) as server:
            cost = server.load(one).cpu_microseconds
        yield Row(what=what, value=cost, unit="us")
        yield Row(what="  as a multiple of ours", value=cost / ours, unit="x", least=least)


def _start_rows(bundle: Path) -> Iterator[Row]:
    taken: dict[str, list[float]] = {"bare": [], "ours": []}
    for _ in range(STARTS):
        for kind, found in taken.items():
            with running(kind, bundle=bundle) as server:
                found.append(server.seconds_to_ready)
    ours, bare = min(taken["ours"]), min(taken["bare"])
    yield Row(what="start to ready", value=ours, unit="s")
    yield Row(what="  as a multiple of a bare kserve.ModelServer", value=ours / bare, unit="x", reach=1.5)
