"""The server of events: how long it drains, and what drains with it."""

from __future__ import annotations

import socket
from collections.abc import Callable

from churnguard_collector.http.protocol import EventProtocol
from churnguard_collector.service import Service
from churnguard_web.asgi import Application
from churnguard_web.server import Server


async def serve(
    app: Application,
    service: Service,
    *,
    listener: socket.socket,
    drain_seconds: float,
    ready: Callable[[], None],
) -> None:
    """Answer until a signal says to stop, then drain and finish; ``ready`` is called when a request can come."""

    def drain() -> None:
        service.draining = True

    server = Server(app, listener=listener, protocol=EventProtocol)
    server.drain_on_signals(seconds=drain_seconds, on_drain=drain)
    await server.serve(on_ready=ready)
