"""kopf's part: it logs in, watches, and reconnects. Everything that it sees is noted, and nothing is done here.

Handlers of single events write nothing to objects: no annotations, no finalizers.
"""

from __future__ import annotations

import asyncio
import http
import logging
import signal
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

import kopf

from churnguard_operator.memoryless import NoDiffBase, NoProgress
from churnguard_operator.runtime.kinds import Watched
from churnguard_operator.runtime.watcher import Watcher
from churnguard_operator.sessions import Meter, log_in_metered

CHUNK: Final = 500
EXIT_SECONDS: Final = 30.0


@dataclass(frozen=True, kw_only=True)
class Watching:
    """How to watch: as who, where, who takes notice, and what a signal sets."""

    identity: str
    watcher: Watcher
    meter: Meter
    namespaces: Sequence[str]
    stop: asyncio.Event


def registry_of(watching: Watching, *, watched: Iterable[Watched]) -> kopf.OperatorRegistry:
    """Handlers that note every event of these objects."""
    registry = kopf.OperatorRegistry()
    kopf.on.login(registry=registry)(_logging_in(watching.meter))
    for each in watched:
        group, _, version = each.resource.api_version.rpartition("/")
        kopf.on.event(
            group=group,
            version=version,
            plural=each.resource.plural,
            id=each.resource.plural,
            registry=registry,
        )(_noting(watching.watcher, each))
    return registry


def _noting(watcher: Watcher, watched: Watched) -> Callable[..., Any]:
    identity = {"apiVersion": watched.resource.api_version, "kind": watched.resource.kind}

    async def note(event: Any, **_: Any) -> None:
        watcher.note(event["type"], {**event["object"], **identity})

    return note


def _logging_in(meter: Meter) -> Callable[..., Any]:
    async def log_in(**_: Any) -> kopf.AiohttpSession:
        return log_in_metered(meter)

    return log_in


def settings_of(watched: Iterable[Watched]) -> kopf.OperatorSettings:
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
    # What kinds there are is looked up at each resync: it takes no right to see definitions.
    settings.scanning.disabled = True
    settings.process.ultimate_exiting_timeout = EXIT_SECONDS
    settings.persistence.progress_storage = NoProgress()
    settings.persistence.diffbase_storage = NoDiffBase()
    return settings


async def watch(watching: Watching, *, watched: Sequence[Watched], until: asyncio.Event) -> None:
    """Watch objects until ``until`` is set; raises what ends the watch before."""
    before = asyncio.all_tasks()
    tasks = await _spawn(watching, watched=watched, until=until, settings=settings_of(watched))
    await kopf.run_tasks(tasks, ignored=before)


async def watch_for_a_while(watching: Watching, *, watched: Watched, until: asyncio.Event) -> None:
    """The same while everything else goes on: kopf's own way to end takes along all that began after it."""
    settings = settings_of([watched])
    # It would kill the process that goes on.
    settings.process.ultimate_exiting_timeout = None
    tasks = await _spawn(watching, watched=[watched], until=until, settings=settings)
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()


async def _spawn(
    watching: Watching, *, watched: Sequence[Watched], until: asyncio.Event, settings: kopf.OperatorSettings
) -> Collection[asyncio.Task[Any]]:
    for name in _TELLERS:
        logging.getLogger(name).addFilter(_UNKNOWN_KINDS)
    tasks = await kopf.spawn_tasks(
        registry=registry_of(watching, watched=watched),
        settings=settings,
        # By itself it asks for the user's name, and the user of our images has none.
        identity=cast("Any", watching.identity),
        standalone=True,
        clusterwide=not watching.namespaces,
        namespaces=watching.namespaces,
        stop_flag=until,
    )
    # kopf has made them its own by now, and would end before what stands on it.
    take_signals(watching.stop)
    return tasks


class _UnknownKinds(logging.Filter):
    """Keeps back what kopf tells of a watch whose kind is unknown: whoever watches is told, and knows why."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        return getattr(error, "status", None) != http.HTTPStatus.NOT_FOUND


_UNKNOWN_KINDS: Final = _UnknownKinds()
_TELLERS: Final = ("kopf._core.reactor.orchestration", "kopf._core.reactor.running")


def take_signals(stop: asyncio.Event) -> None:
    """From now on a signal to end sets ``stop``."""
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
