"""kopf's part: it logs in, watches, and reconnects. Everything that it sees is noted, and nothing is done here.

Handlers of single events write nothing to objects: no annotations, no finalizers.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import kopf

from churnguard_operator.cluster.client import log_in
from churnguard_operator.memoryless import NoDiffBase, NoProgress
from churnguard_operator.runtime.kinds import Watched
from churnguard_operator.runtime.watcher import Watcher

CHUNK: Final = 500
EXIT_SECONDS: Final = 30.0


def registry_of(watcher: Watcher, *, watched: Iterable[Watched]) -> kopf.OperatorRegistry:
    """Handlers that note every event of these objects."""
    registry = kopf.OperatorRegistry()
    kopf.on.login(registry=registry)(_log_in)
    for each in watched:
        group, _, version = each.resource.api_version.rpartition("/")
        kopf.on.event(
            group=group,
            version=version,
            plural=each.resource.plural,
            id=each.resource.plural,
            registry=registry,
        )(_noting(watcher, each))
    return registry


def _noting(watcher: Watcher, watched: Watched) -> Callable[..., Any]:
    identity = {"apiVersion": watched.resource.api_version, "kind": watched.resource.kind}

    async def note(event: Any, **_: Any) -> None:
        watcher.note(event["type"], {**event["object"], **identity})

    return note


async def _log_in(**_: Any) -> kopf.ConnectionInfo:
    return log_in()


def settings_of(watched: Iterable[Watched], *, is_clusterwide: bool) -> kopf.OperatorSettings:
    """How kopf behaves."""
    settings = kopf.OperatorSettings()
    for each in watched:
        if each.selector:
            key = (
                f"{each.resource.plural}.{each.resource.group}"
                if each.resource.group
                else each.resource.plural
            )
            settings.watching.label_selectors[key] = each.selector
    settings.watching.chunk_size = CHUNK
    settings.networking.request_timeout = 30.0
    settings.networking.connect_timeout = 5.0
    # Events are ours to write, and one of several replicas works by our own Lease.
    settings.posting.enabled = False
    settings.peering.standalone = True
    # Without rights in all of the cluster, kopf cannot watch for new kinds and namespaces.
    settings.scanning.disabled = not is_clusterwide
    settings.process.ultimate_exiting_timeout = EXIT_SECONDS
    settings.persistence.progress_storage = NoProgress()
    settings.persistence.diffbase_storage = NoDiffBase()
    return settings


async def watch(
    watcher: Watcher,
    *,
    watched: Sequence[Watched],
    namespaces: Sequence[str],
    stop: asyncio.Event,
    until: asyncio.Event,
) -> None:
    """Watch objects until ``until`` is set; without namespaces in all of them. A signal sets ``stop``."""
    before = asyncio.all_tasks()
    tasks = await kopf.spawn_tasks(
        registry=registry_of(watcher, watched=watched),
        settings=settings_of(watched, is_clusterwide=not namespaces),
        standalone=True,
        clusterwide=not namespaces,
        namespaces=namespaces,
        stop_flag=until,
    )
    # kopf has made them its own by now, and would end before what stands on it.
    take_signals(stop)
    await kopf.run_tasks(tasks, ignored=before)


def take_signals(stop: asyncio.Event) -> None:
    """From now on a signal to end sets ``stop``."""
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
