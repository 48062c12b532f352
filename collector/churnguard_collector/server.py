"""uvicorn around the application, with a drain.

SIGTERM: not ready, go on answering  ->  stop accepting  ->  answer what has begun  ->  end
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import Callable, Iterator
from typing import Any, Final

import uvicorn

from churnguard_collector.http.asgi import Application
from churnguard_collector.service import Service

log = logging.getLogger("churnguard.collector")

GRACE_SECONDS: Final = 30
"""How long requests that have begun may take after the drain."""
KEEP_ALIVE_SECONDS: Final = 75
"""Longer than the usual 60 s of load balancers: the one who sends should be the first to hang up."""


async def serve(
    app: Application,
    service: Service,
    *,
    listener: socket.socket,
    drain_seconds: float,
    ready: Callable[[], None],
) -> None:
    """Answer until a signal says to stop, then drain and finish; ``ready`` is called when a request can come."""
    server = _HttpServer(_configuration(app), on_started=ready)
    _stop_on_signals(server, service, drain_seconds=drain_seconds)
    await server.serve(sockets=[listener])


def _stop_on_signals(server: uvicorn.Server, service: Service, *, drain_seconds: float) -> None:
    loop = asyncio.get_running_loop()

    def drain() -> None:
        if service.draining:
            return
        service.draining = True
        log.info("draining", extra={"seconds": drain_seconds})
        loop.call_later(drain_seconds, stop)

    def stop() -> None:
        service.draining = True
        # A second signal does not wait for requests that have begun.
        server.force_exit = server.should_exit
        server.should_exit = True

    loop.add_signal_handler(signal.SIGTERM, drain)
    loop.add_signal_handler(signal.SIGINT, stop)


class _HttpServer(uvicorn.Server):
    """uvicorn, without its signal handlers: SIGTERM begins a drain here."""

    def __init__(self, config: uvicorn.Config, *, on_started: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_started = on_started

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self._on_started()


def _configuration(app: Any) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        # Nobody here asks for the caller's address: what is not known cannot be kept.
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
