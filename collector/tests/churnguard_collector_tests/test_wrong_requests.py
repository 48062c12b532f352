"""Wrong requests: each is told what is wrong, and none is a fault of the collector."""

from __future__ import annotations

import contextlib
import gzip
import json
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from backports import zstd

from churnguard_collector_tests.collectors import Collector
from churnguard_collector_tests.write_keys import BROWSER, SERVER, SHOP
from churnguard_core.events.messages import MESSAGE_TYPES
from churnguard_servers.clients import basic
from churnguard_servers.processes import PATIENCE, until

pytestmark = [pytest.mark.servers, pytest.mark.slow]

SINGLE, MANY = tuple(f"/v1/{kind}" for kind in MESSAGE_TYPES), ("/v1/batch", "/v1/b")
ROUTES = (*SINGLE, *MANY)
BOMB = bytes(100_000_000)
GZIP_BOMB, ZSTD_BOMB = gzip.compress(BOMB), zstd.compress(BOMB)
EVENT = {"type": "track", "userId": "u", "event": "x"}


@pytest.mark.parametrize("route", ROUTES)
def test_every_route_refuses_the_same_wrong_requests(route: str, collector: Collector) -> None:
    def status(body: Any, **headers: str) -> int:
        return collector.send(route, body, **headers).status

    sound = {"batch": [EVENT], **EVENT}
    assert collector.send(route, sound, key="unknown").status == 401
    assert collector.send(route, sound, key=None).status == 401
    assert collector.send(route, sound, key=SERVER, Origin=SHOP).status == 403
    assert collector.send(route, sound, key=BROWSER, Origin="https://evil.example").status == 403
    assert status(sound, Content_Encoding="br") == 415
    assert status(b"\x1f\x8b junk", Content_Encoding="gzip") == 400
    assert status(b"(\xb5/\xfd junk", Content_Encoding="zstd") == 400
    assert status(GZIP_BOMB, Content_Encoding="gzip") == 413
    assert status(ZSTD_BOMB, Content_Encoding="zstd") == 413
    assert status(gzip.compress(gzip.compress(json.dumps(sound).encode())), Content_Encoding="gzip") == 400
    assert status(b"x" * (512 * 1024 + 1), Content_Encoding="gzip") == 413
    assert status(b" " * (4 * 1024 * 1024 + 1)) == 413
    for body in (b"", b"{", b"\xff", b'{"a":NaN}', b"[" * 10_000):
        assert status(body) == 400
    for method in ("GET", "PUT", "DELETE", "HEAD"):
        answer = collector.ask(method, route, headers=basic(SERVER))
        assert (answer.status, answer.headers["allow"]) == (405, "POST, OPTIONS")


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (b"[]", "schema"),
        (b"7", "schema"),
        (b"{}", "schema"),
        (b'{"userId":"u"}', "schema"),
        (b'{"userId":7,"event":"x"}', "schema"),
        (b'{"userId":"null","event":"x"}', "schema"),
        (b'{"userId":"u","event":"x","type":"trakc"}', "schema"),
        (b'{"userId":"u","event":"x","timestamp":"2026-03-01"}', "schema"),
        (b'{"userId":"u","event":"x","timestamp":"1999-01-01T00:00:00Z"}', "clock_skew"),
        (b'{"userId":"u","event":"x","timestamp":"0001-01-01T00:00:00+14:00"}', "clock_skew"),
        (b'{"userId":"u","event":"x","timestamp":"9999-12-31T23:59:59-14:00"}', "clock_skew"),
        (b'{"userId":"u","event":"x","properties":{"a":1e999}}', "malformed"),
        (rb'{"userId":"u","event":"x","properties":{"a":"\u0000"}}', "malformed"),
        (rb'{"userId":"u","event":"x","properties":{"a":"\ud83d"}}', "malformed"),
        (b'{"userId":"u","event":"x","properties":{"a":"\xff"}}', "malformed"),
        (b'{"userId":"u","event":"x","properties":{"a":' + b"[" * 50 + b"]" * 50 + b"}}", "too_large"),
        (b'{"userId":"u","event":"' + b"x" * 33_000 + b'"}', "too_large"),
    ],
)
def test_a_bad_event_is_dropped_with_its_reason(event: bytes, reason: str, collector: Collector) -> None:
    alone = collector.send("/v1/track", event)
    assert (alone.status, alone.results) == (400, [reason])
    good = json.dumps(EVENT).encode()
    for route in MANY:
        answer = collector.send(route, b'{"batch":[%s,%s,%s]}' % (good, event, good))
        assert answer.status == 200
        assert [answer.results[0], answer.results[2]] == ["ok", "ok"]
        # Without a type it is wrong in one more way.
        assert answer.results[1] in (reason, "schema")
    assert collector.metric("churnguard_collector_events_rejected_total", reason=reason) >= 1


@pytest.mark.parametrize("route", SINGLE)
def test_every_route_of_one_event_drops_a_bad_one_with_its_reason(route: str, collector: Collector) -> None:
    # What the types have in common, and what some of them need.
    sound = b'{"userId":"u","event":"x","groupId":"g","previousId":"p"%b}'
    assert collector.send(route, sound % b"").results == ["ok"]
    for more, reason in (
        (b',"userId":7', "schema"),
        (b',"type":"trakc"', "schema"),
        (b',"timestamp":"2026-03-01"', "schema"),
        (b',"timestamp":"1999-01-01T00:00:00Z"', "clock_skew"),
        (b',"timestamp":"9999-12-31T23:59:59-14:00"', "clock_skew"),
        (b',"context":{"a":1e999}', "malformed"),
        (rb',"context":{"a":"\u0000"}', "malformed"),
        (b',"context":{"a":"\xff"}', "malformed"),
        (b',"context":{"a":' + b"[" * 50 + b"]" * 50 + b"}", "too_large"),
        (b',"context":{"a":"' + b"x" * 33_000 + b'"}', "too_large"),
    ):
        answer = collector.send(route, sound % more)
        assert (answer.status, answer.results) == (400, [reason]), more[:40]


@pytest.mark.parametrize("route", MANY)
def test_a_batch_has_at_most_500_events(route: str, collector: Collector) -> None:
    assert collector.send(route, {"batch": [EVENT] * 500}).results == ["ok"] * 500
    assert collector.send(route, {"batch": [EVENT] * 501}).status == 413
    assert collector.send(route, {"batch": []}).results == []


@pytest.mark.parametrize("route", MANY)
def test_one_bad_event_fails_none_of_49_good_ones(route: str, collector: Collector) -> None:
    good = [{**EVENT, "messageId": f"good-{number}"} for number in range(49)]
    answer = collector.send(route, {"batch": [*good[:20], {**EVENT, "userId": 7}, *good[20:]]})
    assert (answer.status, answer.results) == (200, ["ok"] * 20 + ["schema"] + ["ok"] * 29)


@pytest.mark.parametrize("route", MANY)
def test_an_id_that_comes_again_in_a_batch_is_the_same_event_or_a_mistake(
    route: str, collector: Collector
) -> None:
    event = {**EVENT, "messageId": f"twice by {route}", "timestamp": datetime.now(UTC).isoformat()}
    answer = collector.send(route, {"batch": [event, event, {**event, "event": "other"}]})
    assert (answer.status, answer.results) == (200, ["ok", "ok", "duplicate"])


@pytest.mark.parametrize(
    "query", ["", "?k=wk_browser", "?k=wk_browser&d=%ff", "?k=wk_browser&d=e30", "?d=e30", "?k=x&d=W10"]
)
def test_a_wrong_pixel_is_a_picture_all_the_same(query: str, collector: Collector) -> None:
    answer = collector.get(f"/v1/px.gif{query}")
    assert 400 <= answer.status < 500
    assert (answer.body[:6], answer.headers["content-type"]) == (b"GIF89a", "image/gif")
    assert collector.ask("POST", "/v1/px.gif").status == 405


def test_a_preflight_allows_the_origins_of_browser_keys_and_no_others(collector: Collector) -> None:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    allowed = collector.ask("OPTIONS", "/v1/track", headers={**asked, "Origin": SHOP})
    assert (allowed.status, allowed.headers["access-control-allow-origin"]) == (204, SHOP)
    assert "authorization" in allowed.headers["access-control-allow-headers"]
    assert allowed.headers["vary"] == "Origin"
    other = collector.ask("OPTIONS", "/v1/track", headers={**asked, "Origin": "https://evil.example"})
    assert (other.status, "access-control-allow-origin" in other.headers) == (204, False)


def test_a_page_may_read_what_became_of_its_events(collector: Collector) -> None:
    answer = collector.send("/v1/track", EVENT, key=BROWSER, Origin=SHOP)
    assert (answer.results, answer.headers["access-control-allow-origin"]) == (["ok"], SHOP)
    assert answer.headers["access-control-expose-headers"] == "Retry-After"
    assert "access-control-allow-origin" not in collector.send("/v1/track", EVENT).headers


def test_a_chunked_body_is_bounded_while_it_comes(collector: Collector) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(6):
            yield b" " * 1024 * 1024

    with contextlib.closing(collector.connect()) as connection:
        connection.request("POST", "/v1/batch", endless(), basic(SERVER), encode_chunked=True)
        answer = connection.getresponse()
        assert (answer.status, answer.getheader("connection")) == (413, "close")


def test_a_caller_that_hangs_up_is_forgotten(collector: Collector) -> None:
    head = b"POST /v1/batch HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"

    def broken_off() -> float:
        return collector.metric("churnguard_collector_requests_total", route="batch", code="499")

    before = broken_off()
    with socket.create_connection(("127.0.0.1", collector.port), timeout=PATIENCE) as caller:
        caller.sendall(head)
    until(lambda: broken_off() > before)
    assert collector.send("/v1/track", EVENT).results == ["ok"]


def test_the_control_routes_are_described(collector: Collector) -> None:
    paths = collector.get("/openapi.json").json["paths"]
    assert set(paths) == {"/healthz", "/readyz", "/metrics"}
    assert collector.get("/healthz").json == {"status": "ok", "problem": None}
    assert collector.get("/readyz").json == {"status": "ok", "problem": None}
    assert collector.get("/nothing").status == 404
    assert collector.ask("POST", "/healthz").status == 405


def test_after_all_that_nothing_was_logged_and_events_are_kept(
    collector: Collector, shared_database: str, rows: Callable[..., list[dict[str, Any]]]
) -> None:
    assert collector.send("/v1/track", {**EVENT, "messageId": "last"}).results == ["ok"]
    assert len(rows(shared_database, "SELECT 1 FROM churnguard.events WHERE message_id = 'last'")) == 1
    assert [json.loads(line)["message"] for line in collector.log.lines] == ["ready"]
