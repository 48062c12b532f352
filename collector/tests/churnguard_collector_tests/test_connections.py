"""One connection, many requests: whatever way a request takes, it gets the same answer, in order."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from typing import Any

import pytest

from churnguard_collector_tests.collectors import Collector
from churnguard_collector_tests.write_keys import BROWSER, SERVER, SHOP
from churnguard_servers.clients import basic
from churnguard_servers.one_connection import (
    WireRequest,
    asked_to_close,
    by_every_way,
    connected,
    pipelined,
    spanning_the_start_of_a_drain,
)
from churnguard_servers.wire import WAYS, Spelled, answers, chunked, plain

pytestmark = [pytest.mark.servers, pytest.mark.slow]

Start = Callable[..., Collector]
KEY, UNKNOWN = (f"Authorization: {basic(key)['Authorization']}" for key in (SERVER, "unknown"))
PAGE = (f"Authorization: {basic(BROWSER)['Authorization']}", f"Origin: {SHOP}")


def event(number: int) -> bytes:
    return json.dumps({"userId": "u", "event": "x", "messageId": f"m-{number}"}).encode()


def batch(*numbers: int) -> bytes:
    return b'{"batch":[%b]}' % b",".join(
        event(number).replace(b"{", b'{"type":"track",') for number in numbers
    )


REQUESTS: list[WireRequest] = [
    ("/v1/track", event(1), KEY),
    ("/v1/track", event(2), *PAGE),
    ("/v1/batch", batch(3, 4, 5), KEY),
    ("/v1/track", b"{}", KEY),
    ("/v1/batch", batch(6)[:-1], KEY),
    ("/v1/track", event(7), UNKNOWN),
    ("/v1/track", event(8), KEY, f"Origin: {SHOP}"),
    ("/v1/batch", b"", KEY),
    ("/v1/batch", batch(9).ljust(70_000), KEY),
]


@pytest.mark.parametrize("at", range(len(REQUESTS)))
def test_every_way_gives_the_same_answer_with_the_same_headers(at: int, collector: Collector) -> None:
    found = by_every_way(collector, REQUESTS[at])
    assert found == [found[0]] * len(WAYS)


@pytest.mark.parametrize("seed", range(6))
def test_pipelined_requests_are_answered_in_order_however_they_are_cut(
    seed: int, collector: Collector
) -> None:
    found, expected = pipelined(collector, REQUESTS, seed=seed)
    assert found == expected


def test_requests_with_one_head_are_each_answered_by_what_they_say(collector: Collector) -> None:
    with connected(collector) as connection:
        for number in range(20):
            connection.sendall(plain("/v1/track", event(number), KEY))
            status, _, body = answers(connection, 1)[0]
            assert (status, json.loads(body)["results"]) == (
                200,
                [{"messageId": f"m-{number}", "result": "ok"}],
            )


def test_requests_ahead_of_their_answers_wait_for_them(collector: Collector) -> None:
    with connected(collector) as connection:
        for way in (plain, chunked):
            numbers = range(100, 150)
            connection.sendall(b"".join(way("/v1/track", event(number), KEY) for number in numbers))
            found = [json.loads(body)["results"][0]["messageId"] for _, _, body in answers(connection, 50)]
            assert found == [f"m-{number}" for number in numbers]


@pytest.mark.parametrize("way", [plain, chunked], ids=["plain", "chunked"])
def test_a_caller_who_asks_for_it_is_hung_up_on(way: Spelled, collector: Collector) -> None:
    (status, headers, _), behind = asked_to_close(collector, REQUESTS[0], way=way)
    assert (status, headers["connection"], behind) == (200, "close", b"")


def test_a_caller_who_leaves_before_the_answer_hurts_nobody(collector: Collector) -> None:
    for number in range(200, 220):
        with connected(collector) as connection:
            connection.sendall(plain("/v1/track", event(number), KEY))
    assert collector.send("/v1/track", {"userId": "u", "event": "x"}).results == ["ok"]
    assert [json.loads(line)["message"] for line in collector.log.lines] == ["ready"]


@pytest.mark.parametrize("way", [plain, chunked], ids=["plain", "chunked"])
@pytest.mark.parametrize("cut", [-3, 40], ids=["in the body", "in the head"])
def test_a_request_that_spans_the_start_of_a_drain_is_answered_and_is_the_last(
    way: Spelled, cut: int, start: Start, shared_database: Any
) -> None:
    collector = start(shared_database, "--drain-seconds", "3600")
    before, last, behind = spanning_the_start_of_a_drain(collector, REQUESTS[0], way=way, cut=cut)
    assert "connection" not in before[1]
    assert (last[0], last[1]["connection"], behind) == (200, "close", b"")
    assert collector.stop(signal.SIGINT) == 0
