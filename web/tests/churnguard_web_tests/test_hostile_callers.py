"""Callers that say nothing, say it slowly, say too much or never listen: they go, and others are served."""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import churnguard_web.server
from churnguard_web.asgi import Receive, Scope, Send
from churnguard_web.connections import Limits
from churnguard_web.protocol import MOST_HEAD, MOST_PIPELINED, BoundedProtocol
from churnguard_web_tests.running import (
    PATIENCE,
    Echo,
    Gated,
    Running,
    answer,
    request,
    running,
    to_the_end,
)

HEAD = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n"
READ, IDLE, UNREAD = 60, 75, 60


@pytest.fixture(autouse=True)
def looks_only_when_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(churnguard_web.server, "TICKS_BETWEEN_LOOKS", 10**9)


@pytest.fixture
def server() -> Iterator[Running]:
    """A server that echoes."""
    with running(Echo()) as found:
        yield found


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it does not happen"
        time.sleep(0.01)  # between two looks


def only(server: Running) -> BoundedProtocol:
    """The one connection that is open."""
    (found,) = server.connections.connections
    assert isinstance(found, BoundedProtocol)
    return found


def open_and_begun(server: Running) -> tuple[int, int]:
    """How many connections are open, and on how many a request has begun."""
    found = [each for each in server.connections.connections.copy() if isinstance(each, BoundedProtocol)]
    return len(found), sum(each.is_receiving for each in found)


@pytest.mark.parametrize("sent", [HEAD[:1], HEAD[:20], HEAD[:-1]])
def test_a_head_that_does_not_come_is_given_up(sent: bytes, server: Running) -> None:
    with server.connect() as caller:
        caller.sendall(sent)
        until(lambda: bool(server.connections.connections) and only(server).is_receiving)
        server.look(later=READ - 5)
        assert len(server.connections.connections) == 1
        server.look(later=READ + 1)
        head, _, body = to_the_end(caller).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
    assert b"connection: close" in head
    assert body == b'{"error":"the request did not come in 60 s"}'


def test_a_body_that_nobody_reads_to_its_end_is_given_up() -> None:
    """Applications give up bodies that they read; this one answers before, and the rest does not come."""

    async def hasty(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 405, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    with running(hasty) as server, server.connect() as caller:
        caller.sendall(HEAD + b"1234")
        assert answer(caller) == (405, b"")
        server.look(later=READ - 5)
        assert len(server.connections.connections) == 1
        server.look(later=READ + 1)
        assert to_the_end(caller).startswith(b"HTTP/1.1 408 ")


def test_the_body_of_a_request_under_way_has_a_deadline_too() -> None:
    begun = threading.Event()

    async def waiting(scope: Scope, receive: Receive, send: Send) -> None:
        begun.set()
        while (await receive())["type"] != "http.disconnect":
            pass

    with running(waiting) as server, server.connect() as caller:
        caller.sendall(HEAD + b"1234")
        assert begun.wait(PATIENCE)
        # An application that reads it answers first.
        server.look(later=2 * READ)
        assert len(server.connections.connections) == 1
        server.look(later=2 * READ + 10)
        assert to_the_end(caller) == b""


def test_a_caller_who_says_nothing_is_hung_up_on(server: Running) -> None:
    with server.connect() as caller:
        until(lambda: len(server.connections.connections) == 1)
        server.look(later=IDLE - 5)
        assert len(server.connections.connections) == 1
        server.look(later=IDLE + 1)
        assert to_the_end(caller) == b""


def test_the_server_looks_at_its_deadlines_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    with running(Echo(), limits=Limits(idle=0.1)) as server:
        assert server.say(b"") == b""


def test_a_connection_is_quiet_from_its_last_answer_on(server: Running) -> None:
    with server.connect() as caller:
        for said in (b"first", b"second"):
            caller.sendall(request(said))
            assert answer(caller) == (200, said)
            until(lambda: not only(server).is_answering)
            server.look(later=IDLE - 30)
            assert len(server.connections.connections) == 1
            only(server).since -= 1000
        server.look()
        assert to_the_end(caller) == b""


def test_a_request_may_take_long_to_be_answered() -> None:
    gated = Gated()
    with running(gated) as server, server.connect() as caller:
        caller.sendall(request(b"first"))
        assert gated.begun.acquire(timeout=PATIENCE)
        server.look(later=IDLE + 1)
        only(server).since -= 1000
        server.loop.call_soon_threadsafe(gated.gate.set)
        assert answer(caller) == (200, b"first")
        until(lambda: not only(server).is_answering)
        server.look(later=IDLE - 30)
        assert len(server.connections.connections) == 1


def test_a_head_without_an_end_is_cut_off(server: Running) -> None:
    with server.connect() as caller:
        line = b"X-Filler: " + b"x" * 1000 + b"\r\n"
        sent = 0
        caller.sendall(HEAD[:-2])
        with contextlib.suppress(ConnectionError):
            while sent < 100 * MOST_HEAD:
                caller.sendall(line)
                sent += len(line)
        # What the kernel holds of both sides comes on top of what the server has read.
        assert sent < 100 * MOST_HEAD
    assert server.is_answering()


def test_large_heads_within_the_bound_are_read(server: Running) -> None:
    with server.connect() as caller:
        sent = request(b"x", *(b"X-%d: %b" % (number, b"y" * 1000) for number in range(60)))
        caller.sendall(sent[:1])
        until(lambda: bool(server.connections.connections) and only(server).is_receiving)
        caller.sendall(sent[1:])
        assert answer(caller) == (200, b"x")


def test_headers_that_follow_a_body_are_not_kept() -> None:
    echo = Echo()
    chunked = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n"
    with running(echo) as server, server.connect() as caller:
        caller.sendall(chunked + b"Authorization: late\r\n" * 5 + b"\r\n")
        assert answer(caller) == (200, b"x")
    names = [name for name, _ in echo.scopes[0]["headers"]]
    assert names == [b"host", b"transfer-encoding"]


def test_only_so_many_requests_wait_for_the_answers_of_others(server: Running) -> None:
    allowed = request(b"x") * MOST_PIPELINED
    with server.connect() as caller:
        caller.sendall(allowed)
        stream = caller.makefile("rb")
        for _ in range(MOST_PIPELINED):
            assert stream.readline() == b"HTTP/1.1 200 OK\r\n"
            while stream.readline() != b"\r\n":
                pass
            assert stream.read(1) == b"x"
        stream.close()
    said = server.say(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 10 * MOST_PIPELINED)
    assert said.count(b"HTTP/1.1 200") <= 2 * MOST_PIPELINED
    assert b"HTTP/1.1 400 " in said


@pytest.mark.parametrize("last", [False, True], ids=["kept", "closed"])
def test_an_answer_that_is_never_read_is_given_up(last: bool) -> None:
    with running(Echo(times=100)) as server, server.connect(receive_buffer=4096) as caller:
        caller.sendall(request(b"x" * 500_000, *([b"Connection: close"] if last else [])))
        until(lambda: len(server.connections.connections) == 1)
        until(lambda: only(server).transport.get_write_buffer_size() > 0)
        server.look()
        server.look(later=UNREAD - 5)
        assert len(server.connections.connections) == 1
        server.look(later=UNREAD + 1)
        until(lambda: not server.connections.connections)
        assert server.is_answering()
        assert len(to_the_end(caller)) < 50_000_000


def test_a_caller_that_is_cut_off_with_requests_ahead_of_their_answers_is_no_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with running(Echo(times=100)) as server, server.connect(receive_buffer=4096) as caller:
        caller.sendall(request(b"x" * 500_000) + request(b"y" * 10) * 3)
        until(lambda: len(server.connections.connections) == 1)
        until(lambda: only(server).transport.get_write_buffer_size() > 0)
        server.look()
        server.look(later=UNREAD + 1)
        until(lambda: not server.connections.connections)
        assert server.is_answering()
    assert [entry for entry in caplog.records if entry.levelname == "ERROR"] == []


def test_an_answer_that_is_read_slowly_arrives() -> None:
    with running(Echo(times=40)) as server, server.connect(receive_buffer=65536) as caller:
        caller.sendall(request(b"x" * 500_000))
        until(lambda: len(server.connections.connections) == 1)
        until(lambda: only(server).transport.get_write_buffer_size() > 0)
        transport, came, looks = only(server).transport, 0, 0
        server.look()
        while unsent := transport.get_write_buffer_size():
            while 0 < transport.get_write_buffer_size() >= unsent:
                came += len(caller.recv(65536))
            looks += 1
            server.look(later=looks * (UNREAD - 1))
        assert looks >= 2
        while came < 20_000_000:
            came += len(caller.recv(65536))


def test_those_that_waited_longest_make_room(caplog: pytest.LogCaptureFixture) -> None:
    limits = Limits(connections=40)
    with running(Echo(), limits=limits) as server, contextlib.ExitStack() as open_ones:
        callers: list[socket.socket] = []
        begun = 0
        for number in range(40):
            callers.append(open_ones.enter_context(server.connect()))
            # One of three has sent a part of a head, one a part of a body.
            if said := (b"", HEAD[:20], HEAD + b"123")[number % 3]:
                callers[-1].sendall(said)
                begun += 1
            until(lambda: open_and_begun(server) == (len(callers), begun))  # noqa: B023
            time.sleep(0.003)  # the loop's clock counts milliseconds: none of them is as old as another
        with caplog.at_level(logging.WARNING, logger="churnguard.web"):
            assert all(server.is_answering() for _ in range(10))
        assert [to_the_end(each) for each in callers[:2]] == [b"", b""]
        assert "too many connections: those that waited longest are closed" in caplog.messages
        assert len(server.connections.connections) <= 40


def test_requests_that_are_under_way_are_not_closed_for_others() -> None:
    gated = Gated()
    with running(gated, limits=Limits(connections=4)) as server, contextlib.ExitStack() as open_ones:
        callers = [open_ones.enter_context(server.connect()) for _ in range(4)]
        for caller in callers:
            caller.sendall(request(b"first"))
            assert gated.begun.acquire(timeout=PATIENCE)
        assert server.say(b"") == b""
        server.loop.call_soon_threadsafe(gated.gate.set)
        assert [answer(caller) for caller in callers] == [(200, b"first")] * 4


def test_idle_connections_by_the_thousand_cost_little(server: Running) -> None:
    def resident() -> float:
        return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20

    with contextlib.ExitStack() as open_ones:
        for _ in range(100):
            open_ones.enter_context(server.connect())
        until(lambda: len(server.connections.connections) == 100)
        before = resident()
        for _ in range(2000):
            open_ones.enter_context(server.connect())
        until(lambda: len(server.connections.connections) == 2100)
        print(f"{(resident() - before) * 1024 / 2000:.1f} KiB a connection, both sides")
        assert server.is_answering()
