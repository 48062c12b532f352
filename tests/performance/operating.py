"""What ChurnModels by the thousand cost the operator, and how soon it acts, on a real API server.

The operator is a process of its own, and only its own processor time and memory are measured: they depend little on
what else the machine does.
"""

from __future__ import annotations

import math
import os
import secrets
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from churnguard_cluster import namespaces
from churnguard_cluster.cluster import Cluster, Level
from churnguard_cluster.crds import apply_crds
from churnguard_cluster.errors import MissingToolError, UnsupportedError
from churnguard_cluster.kserve import CRD_FOLDERS
from churnguard_cluster.objects import Objects
from churnguard_cluster.process import Process
from churnguard_cluster.tools import source, tool
from lean import lean_python
from rows import SMOKE, Row
from scale import sow

sys.path.append(str(Path(__file__).parents[1] / "tools"))

from creation_delay import creation_delays
from operator_rig import Operator
from operator_story import MODEL, STORE, Story

MODELS: Final = 100 if SMOKE else 5000
TRAININGS: Final = 5 if SMOKE else 200
RESYNC_SECONDS: Final = 3 if SMOKE else 300
NEEDED: Final = ("kubectl", "kserve-controller")
"""Beside what a rig itself begins with, which says what it lacks."""
MANY: Final = "many"
TRAINED: Final = "trained"
SETTLE_SECONDS: Final = 900.0
DELAY_SECONDS: Final = 600.0
ENDS_PER_SECOND: Final = 10
LOOK_SECONDS: Final = 1.0
QUIET_LOOKS: Final = 3
PAGES: Final = 5
QUIET_SHARE: Final = 0.1
PREFIX: Final = "churnguard_operator"
WRITES: Final = ("apply", "create", "update", "delete")


@dataclass(frozen=True, kw_only=True)
class Pass:
    """What the operator did from its start until nothing was left to do."""

    cpu_seconds: float
    peak_mebibytes: float
    statuses: int
    writes: int
    """Of all kinds, but of its Lease."""


class Measured(Operator):
    """The operator as its image runs it, in an environment of its own, and what it counts."""

    def counters(self, process: Process) -> list[Sample]:
        """What a process has counted, all at one moment."""
        _, page = self.ask(process, "/metrics")
        own = [line for line in page.splitlines() if line.startswith(f"{PREFIX}_")]
        families = text_string_to_metric_families("\n".join(own))
        return [sample for family in families for sample in family.samples]


def operator_rows() -> Iterator[Row]:
    """The table of the operator; empty where there is no real API server, or a process's time cannot be read."""
    if not Path("/proc/self/stat").exists():
        print("  the operator: skipped, its processor time is read from /proc (Linux)")
        return
    try:
        definitions = source("kserve") / "config"
        for name in NEEDED:
            tool(name)
        cluster = Cluster.start(name=f"bench-{os.getpid()}-{secrets.token_hex(2)}", level=Level.APISERVER)
    except (MissingToolError, UnsupportedError) as error:
        print(f"  the operator: skipped, {error}")
        return
    with tempfile.TemporaryDirectory(prefix="churnguard-bench-operator-") as folder:
        try:
            apply_crds(cluster.kube, *(definitions / each for each in CRD_FOLDERS))
            python = lean_python("churnguard-operator", folder=Path(folder))
            yield from _scale_rows(cluster, python=python)
            yield from _delay_rows(cluster, python=python)
        finally:
            cluster.stop()


def _scale_rows(cluster: Cluster, *, python: Path) -> Iterator[Row]:
    operator = _installed(cluster, namespace=MANY, python=python)
    sow(MODELS, template=MODEL, namespace=MANY, store=STORE, kubeconfig=cluster.kubeconfig)
    process = operator.start(resync_seconds=RESYNC_SECONDS)
    first = _pass(operator, process)
    process.stop()
    what = f"operator: {MODELS:,} suspended models, 2 Jobs each, first pass"
    yield Row(what=what, value=first.cpu_seconds, unit="CPU s", reach=25)
    yield Row(what="  statuses written per model", value=first.statuses / MODELS, unit="", reach=1)
    yield Row(what="  peak memory", value=first.peak_mebibytes, unit="MiB", reach=300)
    process = operator.start(resync_seconds=RESYNC_SECONDS)
    again = _pass(operator, process)
    yield Row(what="  restart when all is as it should be", value=again.cpu_seconds, unit="CPU s", reach=15)
    yield Row(what="  writes of that restart", value=again.writes, unit="", reach=0)
    yield Row(what="  peak memory", value=again.peak_mebibytes, unit="MiB", reach=300)
    yield Row(what="  a page of its metrics", value=_page_milliseconds(operator, process), unit="CPU ms")
    remark = f"over {RESYNC_SECONDS} s, all listed anew once"
    yield Row(what="  idle, of a core", value=_idle_percent(process), unit="%", reach=3, remark=remark)
    process.stop()


def _delay_rows(cluster: Cluster, *, python: Path) -> Iterator[Row]:
    cluster.require_kserve()
    operator = _installed(cluster, namespace=TRAINED, python=python)
    process = operator.start(resync_seconds=RESYNC_SECONDS)
    player = cluster.player(TRAINED)
    stories = {
        name: Story(objects=operator.objects, namespace=TRAINED, player=player, address="", name=name)
        for name in (f"m{number}" for number in range(TRAININGS))
    }
    delays = creation_delays(
        cluster.control_plane.api_server, stories, per_second=ENDS_PER_SECOND, seconds=DELAY_SECONDS
    )
    process.stop()
    yield Row(
        what=f"finished Job to InferenceService, p95 of {TRAININGS}",
        value=delays[math.ceil(0.95 * len(delays)) - 1],
        unit="s",
        reach=1,
        remark=f"median {delays[len(delays) // 2]:.2f}, {ENDS_PER_SECOND} end per second",
    )


def _installed(cluster: Cluster, *, namespace: str, python: Path) -> Measured:
    namespaces.create(cluster.kube, namespace, labels={})
    operator = Measured(cluster=cluster, objects=Objects(cluster.kube), namespace=namespace, python=python)
    operator.install()
    return operator


def _pass(operator: Measured, process: Process) -> Pass:
    """Waits until every model has been looked at and the process has come to rest."""
    pid, rest = process.identity.pid, _Rest(pid=process.identity.pid)

    def is_done() -> bool:
        # A page of metrics takes time of its own, so it is asked for when all seems done, and no sooner.
        return rest.has_come() and total(operator.counters(process), "reconcile", result="ok") >= MODELS

    process.wait_until(is_done, seconds=SETTLE_SECONDS)
    counters = operator.counters(process)
    writes = sum(total(counters, "api_requests", verb=verb) for verb in WRITES)
    of_lease = sum(total(counters, "api_requests", verb=verb, resource="leases") for verb in WRITES)
    return Pass(
        cpu_seconds=rest.cpu_seconds,
        peak_mebibytes=peak_mebibytes(pid),
        statuses=total(counters, "status_updates", result="written"),
        writes=writes - of_lease,
    )


def total(counters: Iterable[Sample], name: str, **labels: str) -> int:
    """Sum of a counter over all labels but these."""
    return round(
        sum(
            sample.value
            for sample in counters
            if sample.name == f"{PREFIX}_{name}_total" and labels.items() <= sample.labels.items()
        )
    )


@dataclass(kw_only=True)
class _Rest:
    """Whether a process has hardly used its processor for some looks in a row."""

    pid: int
    cpu_seconds: float = 0.0
    """What it had used when it came to rest."""
    quiet_looks: int = 0

    def has_come(self) -> bool:
        before = cpu_seconds(self.pid)
        time.sleep(LOOK_SECONDS)  # between two looks at its clock
        self.cpu_seconds = cpu_seconds(self.pid)
        is_quiet = self.cpu_seconds - before < QUIET_SHARE * LOOK_SECONDS
        self.quiet_looks = self.quiet_looks + 1 if is_quiet else 0
        return self.quiet_looks > 0 and self.quiet_looks % QUIET_LOOKS == 0


def _page_milliseconds(operator: Measured, process: Process) -> float:
    """Processor time of a page of metrics, when nothing has changed since the last."""
    before = cpu_seconds(process.identity.pid)
    for _ in range(PAGES):
        operator.ask(process, "/metrics")
    return (cpu_seconds(process.identity.pid) - before) / PAGES * 1000


def _idle_percent(process: Process) -> float:
    """Share of a core over the time between two resyncs, one of which is in it whenever it begins."""
    pid = process.identity.pid
    before, start = cpu_seconds(pid), time.monotonic()
    time.sleep(RESYNC_SECONDS)  # that is the measurement
    return (cpu_seconds(pid) - before) / (time.monotonic() - start) * 100


def cpu_seconds(pid: int) -> float:
    """Processor time that a process has used since it was started, threads that have ended included."""
    # The second field is the program's name in brackets and may hold anything, brackets and blanks too.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_mebibytes(pid: int) -> float:
    """The most resident memory that a process has had."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (peak,) = [line for line in lines if line.startswith("VmHWM:")]
    return int(peak.split()[1]) / 1024
