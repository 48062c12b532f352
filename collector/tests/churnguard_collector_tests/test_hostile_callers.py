"""Callers by the thousand that say nothing, say it slowly or never listen: others are served, and memory is bounded."""

from __future__ import annotations

import contextlib
import json
import resource
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from churnguard_collector_tests.collectors import Collector
from churnguard_collector_tests.write_keys import SERVER
from churnguard_servers.clients import basic
from churnguard_servers.processes import PATIENCE, until

pytestmark = [pytest.mark.servers, pytest.mark.slow]

Start = Callable[..., Collector]
IDLE = 5000
EVENT = {"userId": "u", "event": "x"}
KEY = f"Authorization: {basic(SERVER)['Authorization']}\r\n".encode()
HEAD = b"POST /v1/track HTTP/1.1\r\nHost: x\r\n" + KEY + b"Content-Length: 100000\r\n"

# The program with shorter deadlines, so that a test need not wait for minutes.
IMPATIENT = """
import functools, sys
import churnguard_web.bodies, churnguard_web.server
churnguard_web.bodies.SECONDS_TO_READ = 3
churnguard_web.server.Limits = functools.partial(churnguard_web.server.Limits, read=3, idle=3, unread=3)
from churnguard_collector.__main__ import main
sys.exit(main())
"""
# The program with few files: as many connections as that leaves.
FEW_FILES = """
import resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (456, 456))
from churnguard_collector.__main__ import main
sys.exit(main())
"""


@pytest.fixture(scope="module")
def impatient(start: Start, shared_database: str) -> Collector:
    """A collector that waits three seconds for a caller."""
    return start(shared_database, program=("-c", IMPATIENT))


@pytest.fixture
def callers() -> Iterator[Callable[[Collector], socket.socket]]:
    """``callers(collector)``: connections that are closed at the end."""
    with contextlib.ExitStack() as open_ones:

        def connect(collector: Collector) -> socket.socket:
            caller = open_ones.enter_context(socket.socket())
            caller.settimeout(PATIENCE)
            # The kernel takes little in a caller's place.
            caller.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            caller.connect(("127.0.0.1", collector.port))
            return caller

        yield connect


Callers = Callable[[Collector], socket.socket]


def assert_others_are_served(collector: Collector) -> None:
    assert collector.get("/readyz").status == 200
    for _ in range(20):
        assert collector.send("/v1/track", EVENT).results == ["ok"]
    batch = {"batch": [{**EVENT, "type": "track"}] * 100}
    assert collector.send("/v1/batch", batch).results == ["ok"] * 100


def resident_mebibytes(collector: Collector) -> float:
    pages = Path(f"/proc/{collector.process.pid}/statm")
    if not pages.exists():
        pytest.skip("the memory of a process is read from /proc (Linux)")
    collector.log.wait_for("ready")  # before it, there is next to nothing
    return int(pages.read_text().split()[1]) * resource.getpagesize() / 2**20


def to_the_end(caller: socket.socket) -> bytes:
    """All that comes until the collector hangs up, in whatever way."""
    parts = []
    with contextlib.suppress(ConnectionError):
        while part := caller.recv(65536):
            parts.append(part)
    return b"".join(parts)


@contextlib.contextmanager
def trickling(each: list[tuple[socket.socket, bytes]]) -> Iterator[None]:
    """One more byte on each connection, again and again, as long as it takes any."""
    stop = threading.Event()

    def trickle() -> None:
        while not stop.wait(0.1):
            for caller, byte in each:
                with contextlib.suppress(OSError):
                    caller.send(byte)

    thread = threading.Thread(target=trickle, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(PATIENCE)


def test_callers_that_are_slow_are_hung_up_on_and_others_are_served(
    impatient: Collector, callers: Callers
) -> None:
    heads, bodies, silent = ([callers(impatient) for _ in range(200)] for _ in range(3))
    for caller in heads:
        caller.sendall(HEAD + b"X-Slow: ")
    for caller in bodies:
        caller.sendall(HEAD + b"\r\n")
    drops = [(caller, b"x") for caller in heads] + [(caller, b" ") for caller in bodies]
    with trickling(drops):
        assert_others_are_served(impatient)
        for caller in heads + bodies:
            assert to_the_end(caller).startswith(b"HTTP/1.1 408 ")
    assert [to_the_end(caller) for caller in silent] == [b""] * 200
    assert_others_are_served(impatient)


def test_callers_that_never_read_are_hung_up_on_and_others_are_served(
    impatient: Collector, callers: Callers
) -> None:
    page = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
    deaf = [callers(impatient) for _ in range(5)]
    before = resident_mebibytes(impatient)
    for caller in deaf:
        caller.setblocking(False)
    while deaf:
        # Each asks on as long as the collector takes it. It takes no more from a caller that does not read.
        for caller in deaf.copy():
            try:
                caller.send(page * 4)
            except BlockingIOError:
                pass
            except ConnectionError:
                deaf.remove(caller)
        assert impatient.send("/v1/track", EVENT).results == ["ok"]
        assert resident_mebibytes(impatient) - before < 100
    assert_others_are_served(impatient)


def test_bodies_that_never_end_share_a_bounded_memory(collector: Collector, callers: Callers) -> None:
    before = resident_mebibytes(collector)
    most = before
    large = HEAD.replace(b"100000", b"4000000") + b"\r\n" + b" " * 3_900_000
    for caller in [callers(collector) for _ in range(100)]:
        # Refused while it is sent, or taken: 390 MB in all.
        with contextlib.suppress(ConnectionError):
            caller.sendall(large)
        most = max(most, resident_mebibytes(collector))
    assert most - before < 150
    assert_others_are_served(collector)


def test_heads_without_an_end_are_cut_off(impatient: Collector, callers: Callers) -> None:
    before = resident_mebibytes(impatient)
    filler = b"X-Filler: " + b"x" * 60_000 + b"\r\n"
    for caller in [callers(impatient) for _ in range(50)]:
        sent = 0
        with contextlib.suppress(ConnectionError):
            caller.sendall(HEAD)
            for _ in range(500):
                caller.sendall(filler)
                sent += len(filler)
        assert sent < 500 * len(filler)
    assert resident_mebibytes(impatient) - before < 100
    assert_others_are_served(impatient)


def test_thousands_of_idle_connections_keep_nobody_out(
    start: Start, database: Callable[[], str], callers: Callers
) -> None:
    files, allowed = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = IDLE + 500
    if allowed != resource.RLIM_INFINITY and allowed < wanted:
        pytest.skip(f"a process may have {allowed} open files here, and this needs {wanted}")
    collector = start(database())
    assert_others_are_served(collector)
    before = resident_mebibytes(collector)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(files, wanted), allowed))
    try:
        idle = [callers(collector) for _ in range(IDLE)]
        # What comes after them is accepted after them.
        assert_others_are_served(collector)
        grown = resident_mebibytes(collector) - before
        print(f"{IDLE} idle connections: {grown:.0f} MiB")
        assert grown < 100
        # All of them are still there, and each can still be used.
        for caller in (idle[0], idle[-1]):
            caller.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert to_the_end(caller).startswith(b"HTTP/1.1 200 ")
        for caller in idle:
            caller.close()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, allowed))
    assert_others_are_served(collector)
    assert collector.stop() == 0


def test_where_files_run_out_the_oldest_callers_make_room(
    start: Start, database: Callable[[], str], callers: Callers
) -> None:
    collector = start(database(), program=("-c", FEW_FILES))
    assert_others_are_served(collector)
    idle = [callers(collector) for _ in range(600)]
    for caller in idle[::2]:
        with contextlib.suppress(ConnectionError):
            caller.sendall(HEAD)
    assert_others_are_served(collector)
    assert to_the_end(idle[0]) == b""
    assert collector.log.find("too many connections: those that waited longest are closed")
    assert collector.stop() == 0


def test_after_all_that_nothing_was_logged(impatient: Collector) -> None:
    assert_others_are_served(impatient)
    until(lambda: impatient.metric("churnguard_collector_buffer_events") == 0)
    assert [json.loads(line)["message"] for line in impatient.log.lines] == ["ready"]
    assert impatient.stop() == 0
