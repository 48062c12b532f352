"""One connection, many requests: whatever way a request takes through the server, it gets the same answer, in order."""

from __future__ import annotations

import json
import signal
import socket
from collections.abc import Callable
from typing import Any

import pytest

from churnguard_servers.one_connection import (
    WireRequest,
    asked_to_close,
    by_every_way,
    connected,
    pipelined,
    spanning_the_start_of_a_drain,
)
from churnguard_servers.wire import WAYS, Spelled, answers, chunked, plain

Server = Any

V1, EXPLAIN = "/v1/models/telco:predict", "/v1/models/telco:explain"
V2 = "/v2/models/telco/infer"
TENSOR = {"name": "tenure", "shape": [1], "datatype": "INT64", "data": [3]}
BODIES: list[WireRequest] = [
    (V1, b'{"instances": [{"tenure": 1}, {"contract": "One year"}]}'),
    (EXPLAIN, b'{"instances": [{"tenure": 1}]}'),
    (V2, json.dumps({"inputs": [TENSOR], "id": "7"}).encode()),
    (V1, b'{"instances": [{"tenure": "1"}]}'),
    (EXPLAIN, b'{"instances": []}'),
    (V2, json.dumps({"inputs": [{**TENSOR, "shape": [2]}]}).encode()),
    (V1, b""),
    (V2, b"\xff"),
    (V1, b'{"instances": [{}]}'.ljust(70_000)),
]


@pytest.mark.parametrize("at", range(len(BODIES)))
def test_every_way_gives_the_same_answer_with_the_same_headers(at: int, server: Server) -> None:
    found = by_every_way(server, BODIES[at])
    assert found == [found[0]] * len(WAYS)
    assert found[0][1].keys() == {"content-type", "content-length"}


@pytest.mark.parametrize("seed", range(8))
def test_pipelined_requests_are_answered_in_order_however_they_are_cut(seed: int, server: Server) -> None:
    found, expected = pipelined(server, BODIES, seed=seed)
    assert found == expected


def test_requests_with_one_head_are_each_answered_by_what_they_say(server: Server) -> None:
    bodies = [b'{"instances": [{"tenure": %d}]}' % tenure for tenure in (1, 7, 60, 7, 100, 1)]
    with connected(server) as connection:
        found = []
        for body in [*bodies, b'{"instances": 1}', *bodies]:
            connection.sendall(plain(V1, body))
            found += answers(connection, 1)
    assert [status for status, _, _ in found] == [200] * 6 + [400] + [200] * 6
    assert found[:6] == found[7:]
    assert found[0] == found[5] != found[2] == found[4]


@pytest.mark.parametrize(
    "between",
    [
        pytest.param(plain(V2, b'{"inputs": []}'), id="another door"),
        pytest.param(chunked(*BODIES[0]), id="chunks"),
        pytest.param(b"GET /v2/health/live HTTP/1.1\r\nHost: telco\r\n\r\n", id="a probe"),
        pytest.param(plain(V1, b'{"instances": [{}]}'.ljust(70_000)), id="a large body"),
    ],
)
def test_what_comes_between_requests_of_one_head_changes_nothing(between: bytes, server: Server) -> None:
    with connected(server) as connection:
        found = []
        for sent in (plain(*BODIES[0]), plain(*BODIES[0]), between, plain(*BODIES[0]), plain(*BODIES[0])):
            connection.sendall(sent)
            found += answers(connection, 1)
    assert found[0] == found[1] == found[3] == found[4]


def test_the_rest_of_a_request_is_no_head_for_the_next(server: Server) -> None:
    sent = plain(*BODIES[0])
    with connected(server) as connection:
        connection.sendall(sent)
        connection.sendall(sent[:30])
        first = answers(connection, 1)
        connection.sendall(sent[30:])
        second = answers(connection, 1)
        connection.sendall(sent[30:])
        assert first == second
        assert answers(connection, 1)[0][0] == 400


def test_a_request_may_come_byte_by_byte(server: Server) -> None:
    with connected(server) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for request in BODIES[:3]:
            for byte in plain(*request):
                connection.send(bytes([byte]))
            assert answers(connection, 1)[0][0] == 200


@pytest.mark.parametrize("way", [plain, chunked], ids=["plain", "chunked"])
def test_a_caller_who_asks_for_it_is_hung_up_on(way: Spelled, server: Server) -> None:
    (_, headers, _), behind = asked_to_close(server, BODIES[0], way=way)
    assert (headers["connection"], behind) == ("close", b"")


def test_http_1_0_is_spoken(server: Server) -> None:
    with connected(server) as connection:
        connection.sendall(plain(*BODIES[0]).replace(b"HTTP/1.1", b"HTTP/1.0"))
        assert answers(connection, 1)[0][0] == 200
        assert connection.recv(1) == b""


def test_what_follows_a_good_request_is_judged_by_itself(server: Server) -> None:
    with connected(server) as connection:
        connection.sendall(plain(*BODIES[0]) + b"\x00nonsense\r\n\r\n")
        first, second = answers(connection, 2)
        assert (first[0], second[0]) == (200, 400)
        assert json.loads(second[2])["error"]
        assert connection.recv(1) == b""


def test_an_answer_that_is_not_read_holds_up_only_its_own_caller(server: Server) -> None:
    stream = plain(EXPLAIN, b'{"instances": [%b]}' % b",".join([b"{}"] * 300))
    with connected(server) as connection:
        connection.setblocking(False)
        sent = refused = 0
        # Until the server reads no more, though it had the time to, because nobody reads what it says.
        while refused < 20 and sent < 100 * 1024 * 1024:
            try:
                sent += connection.send(stream[sent % len(stream) :] + stream * 20)
                refused = 0
            except BlockingIOError:
                refused += 1
                assert server.post(V1, BODIES[0][1]).status == 200
        assert refused == 20
        assert server.get("/v2/health/ready").status == 200
    assert server.post(V1, BODIES[0][1]).status == 200


@pytest.mark.parametrize("way", [plain, chunked], ids=["plain", "chunked"])
@pytest.mark.parametrize("cut", [-3, 40], ids=["in the body", "in the head"])
def test_a_request_that_spans_the_start_of_a_drain_is_answered_and_is_the_last(
    way: Spelled, cut: int, start: Callable[..., Server]
) -> None:
    server = start("boosting", "--drain-seconds", "3600")
    before, last, behind = spanning_the_start_of_a_drain(server, BODIES[0], way=way, cut=cut)
    assert before[1].keys() == {"content-type", "content-length"}
    assert (last[0], last[1]["connection"], behind) == (200, "close", b"")
    assert server.stop(signal.SIGINT) == 0
