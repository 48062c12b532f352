"""What the route does when the service cannot: too much to do, or a defect of ours."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import Callable, Iterator, MutableMapping
from typing import Any

import pytest

from churnguard_serving.http.route import LARGE_BODY, HotRoute
from churnguard_serving.large import MOST_WAITING, Busy, LargeRequests
from churnguard_serving.service import Service

Message = MutableMapping[str, Any]
SMALL = b'{"instances": [{"contract": "a secret"}]}'
LARGE = SMALL.ljust(LARGE_BODY + 1)


@pytest.fixture
def large() -> Iterator[LargeRequests]:
    made = LargeRequests()
    yield made
    made.close()


async def nothing_else(scope: Any, receive: Any, send: Any) -> None:
    raise AssertionError("passed on")


async def post(route: HotRoute, body: bytes) -> tuple[int, dict[bytes, bytes], Any]:
    """Status, headers and body of a prediction through the route."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": body}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/v1/models/telco:predict", "headers": []}
    await route(scope, receive, send)
    head, tail = sent
    return head["status"], dict(head["headers"]), json.loads(tail["body"])


def test_large_requests_beyond_those_that_may_wait_are_sent_away(
    service: Callable[..., Service], large: LargeRequests
) -> None:
    route = HotRoute(service("boosting"), nothing_else, large=large)
    gate = threading.Event()

    async def crowd() -> None:
        waiting = [asyncio.ensure_future(large.run(gate.wait)) for _ in range(MOST_WAITING)]
        await asyncio.sleep(0)  # each of them has begun
        with pytest.raises(Busy):
            await large.run(gate.wait)
        status, headers, body = await post(route, LARGE)
        assert (status, headers[b"retry-after"]) == (503, b"1")
        assert "too many large requests" in body["error"]
        assert (await post(route, SMALL))[0] == 200
        gate.set()
        assert await asyncio.gather(*waiting) == [True] * MOST_WAITING
        assert (await post(route, LARGE))[0] == 200

    asyncio.run(crowd())


@pytest.mark.parametrize("body", [SMALL, LARGE])
def test_a_defect_of_ours_is_500_in_json_and_says_nothing_of_the_request(
    body: bytes,
    service: Callable[..., Service],
    large: LargeRequests,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    broken = service("boosting")
    route = HotRoute(broken, nothing_else, large=large)
    monkeypatch.setattr(broken, "predict", lambda _: [][7])
    with caplog.at_level(logging.ERROR, logger="churnguard.serving"):
        status, _, answer = asyncio.run(post(route, body))
    assert (status, answer) == (500, {"error": "internal error; the server's log has the details"})
    assert [record.message for record in caplog.records] == ["a request failed"]
    assert "a secret" not in caplog.text
    assert broken.metrics.inflight == 0


def test_only_what_is_no_prediction_is_passed_on(
    service: Callable[..., Service], large: LargeRequests
) -> None:
    passed: list[tuple[str, str]] = []

    async def inner(scope: Any, receive: Any, send: Any) -> None:
        passed.append((scope["method"], scope["path"]))

    async def receive() -> Message:
        return {"type": "http.request", "body": b""}

    async def send(message: Message) -> None:
        assert message

    route = HotRoute(service("boosting"), inner, large=large)
    expected = [("GET", "/"), ("GET", "/metrics"), ("GET", "/v2/models/telco"), ("POST", "/elsewhere")]
    ours = [
        (method, path)
        for method in ("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS")
        for path in (
            "/v1/models/telco:explain",
            "/v1/models/nobody:explain",
            "/v1/models/telco:",
            "/v1/models/:explain",
            "/v2/models/telco/infer",
            "/v2/models/telco/versions/1/infer",
        )
    ]
    ours += [("POST", "/v2/repository/models/telco/unload"), ("POST", "/v1/models/telco")]
    for method, path in [*expected, *ours]:
        scope = {"type": "http", "method": method, "path": path, "headers": []}
        asyncio.run(route(scope, receive, send))
    assert passed == expected
