"""Two servers behind a balancer that follows readiness: one after the other is stopped and started again."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

Server = Any
Start = Callable[..., Server]

CLIENTS = 20
REQUESTS_PER_SECOND = 500
RESTARTS = 6
DRAIN_SECONDS = "2"
BODY = json.dumps({"instances": [{"tenure": 1, "contract": "One year"}]}).encode()
REQUEST = b"POST /v1/models/telco:predict HTTP/1.1\r\nHost: telco\r\nContent-Length: %d\r\n\r\n%b" % (
    len(BODY),
    BODY,
)
PROBE = b"GET /v2/health/ready HTTP/1.1\r\nHost: telco\r\nConnection: close\r\n\r\n"


@dataclass
class Balancer:
    """Hands every new connection to the next server that was ready when it was asked last."""

    ports: set[int]
    ready: list[int] = field(default_factory=list)
    given: Counter[int] = field(default_factory=Counter)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[int]:
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        follower = asyncio.create_task(self._follow())
        try:
            await self.until(lambda: len(self.ready) == len(self.ports))
            yield server.sockets[0].getsockname()[1]
        finally:
            follower.cancel()
            server.close()
            # The clients have hung up, so these come to their end.
            await asyncio.gather(follower, *self._tasks, return_exceptions=True)

    async def until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            await asyncio.sleep(0.01)

    async def _follow(self) -> None:
        while True:
            asked = {port: await _is_ready(port) for port in sorted(self.ports)}
            self.ready = [port for port, ready in asked.items() if ready]
            await asyncio.sleep(0.1)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        port = min(self.ready, key=self.given.__getitem__)
        self.given[port] += 1
        back_reader, back_writer = await asyncio.open_connection("127.0.0.1", port)
        pipes = [
            asyncio.create_task(_pipe(reader, back_writer)),
            asyncio.create_task(_pipe(back_reader, writer)),
        ]
        await asyncio.wait(pipes, return_when=asyncio.FIRST_COMPLETED)
        for pipe in pipes:
            pipe.cancel()
        await asyncio.gather(*pipes, return_exceptions=True)
        writer.close()
        back_writer.close()


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
        await writer.drain()


async def _is_ready(port: int) -> bool:
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    try:
        writer.write(PROBE)
        return (await reader.read()).startswith(b"HTTP/1.1 200")
    finally:
        writer.close()


@dataclass
class Clients:
    """Keep-alive clients that never try anything twice."""

    port: int
    answered: int = 0
    reconnected: int = 0
    failed: list[str] = field(default_factory=list)
    stopping: bool = False

    async def run(self) -> None:
        await asyncio.gather(*[self._client(number) for number in range(CLIENTS)])

    async def _client(self, number: int) -> None:
        loop = asyncio.get_running_loop()
        apart = CLIENTS / REQUESTS_PER_SECOND
        at = loop.time() + number / REQUESTS_PER_SECOND
        connection = None
        while not self.stopping:
            await asyncio.sleep(at - loop.time())
            at = max(at + apart, loop.time())
            try:
                if connection is None:
                    connection = await asyncio.open_connection("127.0.0.1", self.port)
                    self.reconnected += 1
                if not await self._ask(*connection):
                    connection[1].close()
                    connection = None
            except (OSError, EOFError) as error:
                self.failed.append(f"{type(error).__name__}: {error}")
                connection = None
        if connection is not None:
            connection[1].close()

    async def _ask(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Whether the connection may be used again."""
        writer.write(REQUEST)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
        body = await reader.readexactly(length)
        if head.startswith(b"http/1.1 200") and b"risk_score" in body:
            self.answered += 1
        else:
            self.failed.append((head + body).decode())
        return b"connection: close" not in head


async def restart_one_after_the_other(start: Start) -> tuple[Clients, Balancer]:
    def begin() -> Server:
        server = start("boosting", "--drain-seconds", DRAIN_SECONDS)
        assert server.port
        return server

    servers = [begin(), begin()]
    balancer = Balancer({server.port for server in servers})
    async with balancer.listening() as port:
        clients = Clients(port)
        load = asyncio.create_task(clients.run())
        for number in range(RESTARTS):
            old = servers[number % 2]
            old.process.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(old.process.wait, 60) == 0
            balancer.ports.discard(old.port)
            new = await asyncio.to_thread(begin)
            servers[number % 2] = new
            balancer.ports.add(new.port)
            before = clients.answered
            await balancer.until(lambda new=new: new.port in balancer.ready)  # type: ignore[misc]
            await balancer.until(lambda before=before: clients.answered > before + 200)  # type: ignore[misc]
        clients.stopping = True
        await load
    return clients, balancer


@pytest.mark.slow
def test_rolling_restarts_under_load_lose_no_request(start: Start) -> None:
    with contextlib.closing(asyncio.new_event_loop()) as loop:
        clients, balancer = loop.run_until_complete(restart_one_after_the_other(start))
    print(f"{clients.answered} answered, {clients.reconnected} connections: {dict(balancer.given)}")
    assert clients.failed == []
    assert clients.answered > RESTARTS * REQUESTS_PER_SECOND
    # Each had its part: the first two, and all that came later but the last, for which nobody had to move.
    assert len(balancer.given) >= 1 + RESTARTS
