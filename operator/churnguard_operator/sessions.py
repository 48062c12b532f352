"""How kopf reaches the API server: logged in as the client is, and with its watches counted."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Final, Protocol

import aiohttp
import kopf

from churnguard_operator.cluster.client import log_in
from churnguard_operator.cluster.resources import RESOURCES
from churnguard_operator.runtime.watermarks import Stream

_KINDS: Final = {each.collection(None): kind for kind, each in RESOURCES.items()}


class Meter(Protocol):
    """Who counts watches."""

    def watch_opened(self, stream: Stream) -> None:
        """A watch is being opened, for the first time or again."""


class Opened:
    """Passes on what it is told of watches, and knows when all of these have been opened: all is listed by then.

    Args:
        wanted: The watches.
        meter: Who counts.
    """

    def __init__(self, *, wanted: Iterable[Stream], meter: Meter) -> None:
        self._wanted = set(wanted)
        self._meter = meter
        self.all = asyncio.Event()

    def watch_opened(self, stream: Stream) -> None:
        """A watch is being opened, for the first time or again."""
        self._meter.watch_opened(stream)
        self._wanted.discard(stream)
        if not self._wanted:
            self.all.set()


@dataclass(frozen=True, kw_only=True)
class MeteredSession(kopf.AiohttpSession):
    """A session, equal to any other with the same way in: kopf must see when a login brings nothing new."""

    aiohttp_session: aiohttp.ClientSession = field(compare=False)
    info: kopf.ConnectionInfo


def log_in_metered(meter: Meter) -> MeteredSession:
    """A session as kopf would make it; LoginError when there is no way in."""
    info = log_in()
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, ssl=info.as_ssl_context()),
        headers=info.as_http_headers(),
        proxy=info.proxy_url,
        trust_env=info.trust_env,
        trace_configs=[_watches_told_to(meter)],
    )
    return MeteredSession(
        server=info.server,
        priority=info.priority,
        default_namespace=info.default_namespace,
        expiration=info.expiration,
        aiohttp_session=session,
        info=info,
    )


def _watches_told_to(meter: Meter) -> aiohttp.TraceConfig:
    async def note(
        _: aiohttp.ClientSession, __: SimpleNamespace, request: aiohttp.TraceRequestStartParams
    ) -> None:
        if (stream := stream_of(request.url.path, query=request.url.query)) is not None:
            meter.watch_opened(stream)

    trace = aiohttp.TraceConfig()
    trace.on_request_start.append(note)
    return trace


def stream_of(path: str, *, query: Mapping[str, str]) -> Stream | None:
    """What a request watches; None when it watches nothing that we know."""
    if query.get("watch") != "true":
        return None
    before, found, after = path.partition("/namespaces/")
    namespace, _, plural = after.partition("/")
    collection = f"{before}/{plural}" if found else before
    # A proxy may put something before it.
    kind = next((kind for root, kind in _KINDS.items() if collection.endswith(root)), None)
    return Stream(kind, namespace if found else None) if kind is not None else None
