"""uvicorn around an application, with bounded connections and a drain.

SIGTERM: not ready, go on answering  ->  stop accepting  ->  answer what has begun  ->  end
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import Callable, Iterator
from typing import Final

import uvicorn

from churnguard_web.asgi import Application
from churnguard_web.connections import Connections, Limits, most_connections
from churnguard_web.protocol import BoundedProtocol

log = logging.getLogger("churnguard.web")

GRACE_SECONDS: Final = 30
"""How long requests that have begun may take after the drain."""
TICKS_BETWEEN_LOOKS: Final = 10
"""uvicorn's main loop turns ten times a second."""


class Server:
    """A server on one socket.

    Args:
        app: What answers.
        listener: A socket that listens; it is closed at the end.
        protocol: How HTTP is spoken.
        limits: What connections may take.
    """

    def __init__(
        self,
        app: Application,
        *,
        listener: socket.socket,
        protocol: type[BoundedProtocol] = BoundedProtocol,
        limits: Limits | None = None,
    ) -> None:
        self._listener = listener
        self._uvicorn = _Uvicorn(
            _configuration(app, protocol=protocol), limits=limits or Limits(connections=most_connections())
        )

    @property
    def connections(self) -> Connections:
        """All that are open."""
        return self._uvicorn.server_state

    async def serve(self, *, on_ready: Callable[[], None]) -> None:
        """Answer until it is stopped, and then what has begun; ``on_ready`` is called when a request can come."""
        await self._uvicorn.serve_from(self._listener, on_ready=on_ready)

    def stop(self) -> None:
        """Accept no more, and end when what has begun is answered; called again, end at once."""
        self._uvicorn.force_exit = self._uvicorn.should_exit
        self._uvicorn.should_exit = True

    def drain_on_signals(self, *, seconds: float, on_drain: Callable[[], None]) -> None:
        """Begin a drain with SIGTERM, end without one with SIGINT.

        Args:
            seconds: How long to go on answering after SIGTERM.
            on_drain: Called when no more requests should come, by the first signal and perhaps again by others.
        """
        loop = asyncio.get_running_loop()
        ends: list[asyncio.TimerHandle] = []

        def drain() -> None:
            if ends or self._uvicorn.should_exit:
                return
            on_drain()
            log.info("draining", extra={"seconds": seconds})
            ends.append(loop.call_later(seconds, stop))

        def stop() -> None:
            for end in ends:
                end.cancel()
            on_drain()
            self.stop()

        loop.add_signal_handler(signal.SIGTERM, drain)
        loop.add_signal_handler(signal.SIGINT, stop)


class _Uvicorn(uvicorn.Server):
    """uvicorn, without its signal handlers, and with an eye on its connections."""

    def __init__(self, config: uvicorn.Config, *, limits: Limits) -> None:
        super().__init__(config)
        self.server_state: Connections = Connections(limits)
        self._on_ready: Callable[[], None] = _nothing

    async def serve_from(self, listener: socket.socket, *, on_ready: Callable[[], None]) -> None:
        self._on_ready = on_ready
        await self.serve(sockets=[listener])

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self._on_ready()

    async def on_tick(self, counter: int) -> bool:
        if counter % TICKS_BETWEEN_LOOKS == 0:
            self.server_state.keep_deadlines(now=asyncio.get_running_loop().time())
        return await super().on_tick(counter)


def _nothing() -> None:
    return


def _configuration(app: Application, *, protocol: type[BoundedProtocol]) -> uvicorn.Config:
    # It warns of every request that is no HTTP, as often as a caller likes.
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    return uvicorn.Config(
        app,
        http=protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        # Nobody here asks for the caller's address: what is not known cannot be kept.
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
