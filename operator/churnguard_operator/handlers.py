"""kopf's part: it logs in, watches ChurnModels, and reconnects. What it sees is noted, and nothing is done here.

Handlers of single events write nothing to objects: no annotations, no finalizers. What belongs to models is watched by
informers (see runtime/informer.py): kopf has a task and a queue for every object that it sees, which is what a handled
object needs, and ten times what a cached one does.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

import kopf

from churnguard_operator.cluster.resources import CHURN_MODEL
from churnguard_operator.memoryless import NoDiffBase, NoProgress
from churnguard_operator.runtime.watcher import Watcher
from churnguard_operator.sessions import Meter, log_in_metered

CHUNK: Final = 500
EXIT_SECONDS: Final = 30.0


@dataclass(frozen=True, kw_only=True)
class Watching:
    """How to watch models: as who, where, who takes notice, and what a signal sets."""

    identity: str
    watcher: Watcher
    meter: Meter
    namespaces: Sequence[str]
    stop: asyncio.Event


def registry_of(watching: Watching) -> kopf.OperatorRegistry:
    """A handler that notes every event of a ChurnModel."""
    registry = kopf.OperatorRegistry()
    group, _, version = CHURN_MODEL.api_version.rpartition("/")

    @kopf.on.login(registry=registry)
    async def log_in(**_: Any) -> kopf.AiohttpSession:
        return log_in_metered(watching.meter)

    @kopf.on.event(group=group, version=version, plural=CHURN_MODEL.plural, registry=registry)
    async def note(event: Any, **_: Any) -> None:
        # Objects in a list do not say what they are.
        identity = {"apiVersion": CHURN_MODEL.api_version, "kind": CHURN_MODEL.kind}
        watching.watcher.note(event["type"], {**event["object"], **identity})

    return registry


def settings() -> kopf.OperatorSettings:
    """How kopf behaves."""
    settings = kopf.OperatorSettings()
    settings.watching.chunk_size = CHUNK
    settings.networking.request_timeout = 30.0
    settings.networking.connect_timeout = 5.0
    # There is a task for each object that was seen this recently: thousands at the beginning.
    settings.queueing.idle_timeout = 0.1
    # Events are ours to write, and one of several replicas works by our own Lease.
    settings.posting.enabled = False
    settings.peering.standalone = True
    # What kinds there are is looked up at each resync: it takes no right to see definitions.
    settings.scanning.disabled = True
    settings.process.ultimate_exiting_timeout = EXIT_SECONDS
    settings.persistence.progress_storage = NoProgress()
    settings.persistence.diffbase_storage = NoDiffBase()
    return settings


async def watch(watching: Watching, *, until: asyncio.Event) -> None:
    """Watch ChurnModels until ``until`` is set; raises what ends the watch before."""
    before = asyncio.all_tasks()
    tasks = await kopf.spawn_tasks(
        registry=registry_of(watching),
        settings=settings(),
        # By itself it asks for the user's name, and the user of our images has none.
        identity=cast("Any", watching.identity),
        standalone=True,
        clusterwide=not watching.namespaces,
        namespaces=watching.namespaces,
        stop_flag=until,
    )
    # kopf has made them its own by now, and would end before what stands on it.
    take_signals(watching.stop)
    await kopf.run_tasks(tasks, ignored=before)


def take_signals(stop: asyncio.Event) -> None:
    """From now on a signal to end sets ``stop``."""
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
