"""What many requests on one connection are answered, for tests of every program that answers HTTP."""

from __future__ import annotations

import random
import signal
import socket
from collections.abc import Sequence
from typing import TypeAlias

from churnguard_servers.processes import PATIENCE
from churnguard_servers.programs import Program
from churnguard_servers.wire import WAYS, Spelled, WireAnswer, answers, plain

WireRequest: TypeAlias = tuple[str, bytes, *tuple[str, ...]]
"""Path, body and lines of the head."""
CUTS = (1, 7, 100, 1_000, 100_000)


def connected(program: Program) -> socket.socket:
    """A connection for requests as bytes."""
    return socket.create_connection(("127.0.0.1", program.port), timeout=PATIENCE)


def by_every_way(program: Program, request: WireRequest) -> list[WireAnswer]:
    """The answers to one request spelled in every way, one after the other."""
    found = []
    with connected(program) as connection:
        for way in WAYS:
            connection.sendall(way(*request))
            found += answers(connection, 1)
    return found


def pipelined(
    program: Program, requests: Sequence[WireRequest], *, seed: int
) -> tuple[list[WireAnswer], list[WireAnswer]]:
    """The answers to many requests, however spelled and cut; and what each of them is answered when it is alone."""
    dice = random.Random(seed)
    asked = [dice.choice(requests) for _ in range(60)]
    stream = b"".join(dice.choice(WAYS)(*request) for request in asked)
    alone = {}
    with connected(program) as connection:
        for request in requests:
            connection.sendall(plain(*request))
            alone[request] = answers(connection, 1)[0]
        while stream:
            length = dice.choice(CUTS)
            connection.sendall(stream[:length])
            stream = stream[length:]
        return answers(connection, len(asked)), [alone[request] for request in asked]


def asked_to_close(program: Program, request: WireRequest, *, way: Spelled) -> tuple[WireAnswer, bytes]:
    """The answer to who asks for ``Connection: close`` and goes on all the same, and what comes behind it."""
    with connected(program) as connection:
        connection.sendall(way(*request, "Connection: close") + way(*request))
        return answers(connection, 1)[0], connection.recv(1)


def spanning_the_start_of_a_drain(
    program: Program, request: WireRequest, *, way: Spelled, cut: int
) -> tuple[WireAnswer, WireAnswer, bytes]:
    """The answers before a drain and to a request that it begins amid of, ``cut`` there; and what comes behind it."""
    sent = way(*request)
    with connected(program) as connection:
        connection.sendall(sent)
        before = answers(connection, 1)[0]
        connection.sendall(sent[:cut])
        program.process.send_signal(signal.SIGTERM)
        program.log.wait_for("draining")
        connection.sendall(sent[cut:])
        return before, answers(connection, 1)[0], connection.recv(1)
