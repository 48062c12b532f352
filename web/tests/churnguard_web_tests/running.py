"""A server of a test's own, in a thread, and the plainest of callers."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.client import HTTPResponse
from typing import Any

import uvloop

from churnguard_web.asgi import Application, Receive, Scope, Send
from churnguard_web.bodies import ClientGone, UnfinishedBodies, UnreadBody, read_body, send_unread
from churnguard_web.connections import Connections, Limits
from churnguard_web.listening import listen
from churnguard_web.server import Server

PATIENCE = 120.0
"""Seconds until a test gives a server up."""


@dataclass(kw_only=True)
class Echo:
    """An application that answers with the body that came, ``times`` over, and keeps the heads of all requests."""

    times: int = 1
    scopes: list[Scope] = field(default_factory=list)
    unfinished: UnfinishedBodies = field(default_factory=UnfinishedBodies)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scopes.append(scope)
        length = dict(scope["headers"]).get(b"content-length")
        try:
            body = await read_body(
                receive, length=length, most=1_000_000, unit="pieces", unfinished=self.unfinished
            )
        except UnreadBody as bad:
            await send_unread(send, receive, status=bad.status, headers=_length(b""), body=b"")
        except ClientGone:
            pass
        else:
            answer = body * self.times
            start = {"type": "http.response.start", "status": 200, "headers": _length(answer)}
            await send(start)
            await send({"type": "http.response.body", "body": answer})


@dataclass(kw_only=True)
class Gated:
    """An application that echoes when the gate is open."""

    begun: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.begun.release()
        await self.gate.wait()
        await Echo()(scope, receive, send)


def _length(body: bytes) -> tuple[tuple[bytes, bytes], ...]:
    return ((b"content-length", b"%d" % len(body)),)


@dataclass(frozen=True, kw_only=True)
class Running:
    """A server that runs."""

    address: tuple[str, int]
    server: Server
    loop: asyncio.AbstractEventLoop

    @property
    def connections(self) -> Connections:
        return self.server.connections

    def connect(self, *, receive_buffer: int | None = None) -> socket.socket:
        made = socket.socket()
        made.settimeout(PATIENCE)
        if receive_buffer is not None:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        made.connect(self.address)
        return made

    def say(self, sent: bytes) -> bytes:
        """All that comes back to these bytes until the server hangs up."""
        with self.connect() as caller:
            caller.sendall(sent)
            return to_the_end(caller)

    def is_answering(self) -> bool:
        """Whether somebody who comes now is served."""
        with self.connect() as caller:
            caller.sendall(request(b"hello"))
            return answer(caller)[0] == 200

    def look(self, *, later: float = 0.0) -> None:
        """Let it look at all deadlines, as if so many seconds had passed."""

        async def keep_deadlines() -> None:
            self.connections.keep_deadlines(now=self.loop.time() + later)
            for _ in range(3):
                await asyncio.sleep(0)  # who is hung up on is gone in the next turn of the loop

        asyncio.run_coroutine_threadsafe(keep_deadlines(), self.loop).result(PATIENCE)


@contextlib.contextmanager
def running(app: Application, *, limits: Limits | None = None) -> Iterator[Running]:
    """A server in a thread of its own; at the end it finishes what has begun."""
    listener = listen(host="127.0.0.1", port=0)
    address = listener.getsockname()
    ready = threading.Event()
    made: list[Any] = []

    async def serve() -> None:
        server = Server(app, listener=listener, limits=limits)
        made[:] = [server, asyncio.get_running_loop()]
        await server.serve(on_ready=ready.set)

    def run() -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve())

    thread = threading.Thread(target=run)
    thread.start()
    assert ready.wait(PATIENCE)
    server, loop = made
    try:
        yield Running(address=address, server=server, loop=loop)
    finally:
        for _ in range(2):
            loop.call_soon_threadsafe(server.stop)
        thread.join(PATIENCE)


def request(body: bytes, *headers: bytes) -> bytes:
    lines = b"".join(b"%b\r\n" % line for line in headers)
    return b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n%b\r\n%b" % (len(body), lines, body)


def answer(caller: socket.socket) -> tuple[int, bytes]:
    """The next answer on a connection that nothing else is waiting on."""
    found = HTTPResponse(caller)
    found.begin()
    return found.status, found.read()


def to_the_end(caller: socket.socket) -> bytes:
    """All that comes until the server hangs up, in whatever way."""
    parts = []
    with contextlib.suppress(ConnectionResetError):
        while part := caller.recv(65536):
            parts.append(part)
    return b"".join(parts)
