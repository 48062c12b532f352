"""A load of keep-alive requests from one thread, cheap enough to keep a server busy: sockets and epoll, no client.

The same request again and again gets answers of the same length, so an answer is complete when as many bytes came.
"""

from __future__ import annotations

import os
import select
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Load:
    """What a server did under load: answers, seconds of wall clock, and microseconds of its processor per answer."""

    answers: int
    seconds: float
    cpu_microseconds: float


def http_request(path: str, body: bytes, *, port: int) -> bytes:
    """A POST of JSON over a connection that stays open."""
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def cpu_seconds(pid: int) -> float:
    """Time on a processor of the living threads of a process and all its descendants, by the scheduler's own clock."""
    total = 0
    pending = [pid]
    while pending:
        for task in Path(f"/proc/{pending.pop()}/task").iterdir():
            total += int((task / "schedstat").read_text().split()[0])
            pending += map(int, (task / "children").read_text().split())
    return total / 1e9


def resident_mebibytes(pid: int) -> float:
    """Resident memory of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def measure(
    *, port: int, pid: int, request: bytes, connections: int, seconds: float, windows: int
) -> Sequence[Load]:
    """Load a server in several windows, after a short warm-up.

    Args:
        port: On loopback.
        pid: The server's process.
        request: Sent again and again; its answer must always have the same length and status 200.
        connections: How many at a time, each with one request under way.
        seconds: Length of a window.
        windows: How many. On a shared machine some are disturbed.
    """
    sockets = [socket.create_connection(("127.0.0.1", port)) for _ in range(connections)]
    try:
        length = _first_answer(sockets[0], request)
        _drive(sockets, request, length=length, seconds=seconds)
        return [_window(sockets, request, length=length, seconds=seconds, pid=pid) for _ in range(windows)]
    finally:
        for connection in sockets:
            connection.close()


def _window(sockets: list[socket.socket], request: bytes, *, length: int, seconds: float, pid: int) -> Load:
    before, start = cpu_seconds(pid), time.perf_counter()
    answers = _drive(sockets, request, length=length, seconds=seconds)
    spent, elapsed = cpu_seconds(pid) - before, time.perf_counter() - start
    return Load(answers=answers, seconds=elapsed, cpu_microseconds=spent / answers * 1e6)


def _first_answer(connection: socket.socket, request: bytes) -> int:
    connection.sendall(request)
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += _received(connection)
    head, _, body = answer.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(f"no 200: {answer[:300]!r}")
    (size,) = [int(line[16:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length: ")]
    while len(body) < size:
        body += _received(connection)
    return len(head) + 4 + size


def _drive(sockets: list[socket.socket], request: bytes, *, length: int, seconds: float) -> int:
    """Keep one request under way on each connection; how many were answered when all are quiet again."""
    poll = select.epoll()
    by_number = {connection.fileno(): connection for connection in sockets}
    left = dict.fromkeys(by_number, length)
    for number, connection in by_number.items():
        poll.register(number, select.EPOLLIN)
        connection.sendall(request)
    until, under_way, answers = time.perf_counter() + seconds, len(sockets), 0
    while under_way:
        again = time.perf_counter() < until
        for number, _ in poll.poll():
            left[number] -= len(_received(by_number[number]))
            if left[number] == 0:
                answers += 1
                left[number] = length
                if again:
                    by_number[number].sendall(request)
                else:
                    under_way -= 1
    poll.close()
    return answers


def _received(connection: socket.socket) -> bytes:
    data = connection.recv(1 << 20)
    if not data:
        raise RuntimeError("the server hung up")
    return data
