from __future__ import annotations

import asyncio
from typing import Any

import pytest

from churnguard_web import bodies
from churnguard_web.bodies import (
    ClientGone,
    UnfinishedBodies,
    UnreadBody,
    discard_rest,
    read_body,
    send_unread,
)

LIMIT = 10
GONE: dict[str, Any] = {"type": "http.disconnect"}


def part(content: bytes, *, more: bool = False) -> dict[str, Any]:
    return {"type": "http.request", "body": content, "more_body": more}


class Caller:
    """Sends these messages, and then nothing, ever."""

    def __init__(self, *messages: dict[str, Any]) -> None:
        self.left = list(messages)

    async def receive(self) -> dict[str, Any]:
        if not self.left:
            await asyncio.Event().wait()
        return self.left.pop(0)


def read(caller: Caller, *, length: bytes | None = None) -> bytes:
    unfinished = UnfinishedBodies()
    return asyncio.run(
        read_body(caller.receive, length=length, most=LIMIT, unit="pieces", unfinished=unfinished)
    )


@pytest.mark.parametrize(
    ("messages", "body"),
    [
        ([part(b"")], b""),
        ([part(b"1234567890")], b"1234567890"),
        ([part(b"12345", more=True), part(b"67890")], b"1234567890"),
        ([part(b"", more=True), part(b"1", more=True), part(b"", more=True), part(b"")], b"1"),
        ([{"type": "http.request"}], b""),
    ],
)
def test_a_body_is_joined_from_its_parts(messages: list[dict[str, Any]], body: bytes) -> None:
    assert read(Caller(*messages)) == body


def test_a_length_over_the_limit_is_refused_before_anything_is_read() -> None:
    caller = Caller(part(b"1"))
    with pytest.raises(UnreadBody) as caught:
        read(caller, length=b"11")
    assert (caught.value.status, len(caller.left)) == (413, 1)
    assert caught.value.error == "the body is larger than 10 bytes; send fewer pieces at a time"


@pytest.mark.parametrize(
    ("messages", "unread"),
    [
        ([part(b"12345678901", more=True), part(b"never read")], 1),
        ([part(b"12345", more=True), part(b"678901", more=True), part(b"never read")], 1),
        ([part(b"12345678901")], 0),
        ([part(b"12345", more=True), part(b"678901")], 0),
    ],
)
def test_a_body_is_refused_as_soon_as_it_is_too_long(messages: list[dict[str, Any]], unread: int) -> None:
    caller = Caller(*messages)
    with pytest.raises(UnreadBody) as caught:
        read(caller)
    assert caught.value.status == 413
    assert len(caller.left) == unread


@pytest.mark.parametrize("messages", [[GONE], [part(b"1", more=True), GONE]])
def test_a_caller_who_hangs_up_gets_no_answer(messages: list[dict[str, Any]]) -> None:
    with pytest.raises(ClientGone):
        read(Caller(*messages))


def test_a_body_that_does_not_come_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "SECONDS_TO_READ", 0.0)
    with pytest.raises(UnreadBody) as caught:
        read(Caller(part(b"1", more=True)))
    assert (caught.value.status, caught.value.error) == (408, "the body did not come in time")


@pytest.mark.parametrize(
    ("messages", "unread"),
    [
        ([part(b"1", more=True), part(b"2"), part(b"the next request")], 1),
        ([part(b"1", more=True), GONE, part(b"x")], 1),
        ([part(b"1", more=True)], 0),
        ([], 0),
    ],
)
def test_what_was_refused_is_read_to_its_end_but_not_for_ever(
    messages: list[dict[str, Any]], unread: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "SECONDS_TO_DISCARD", 0.01)
    caller = Caller(*messages)
    asyncio.run(discard_rest(caller.receive))
    assert len(caller.left) == unread


def test_what_was_refused_is_answered_before_its_end_and_then_hung_up_on() -> None:
    caller = Caller(part(b"1", more=True), part(b"2"))
    sent: list[tuple[int, Any]] = []

    async def send(message: Any) -> None:
        sent.append((len(caller.left), message))

    headers = ((b"content-length", b"2"),)
    asyncio.run(send_unread(send, caller.receive, status=413, headers=headers, body=b"no"))
    start, body, end = sent
    closing = [*headers, (b"connection", b"close")]
    assert start == (2, {"type": "http.response.start", "status": 413, "headers": closing})
    assert body == (2, {"type": "http.response.body", "body": b"no", "more_body": True})
    assert end == (0, {"type": "http.response.body", "body": b""})


class Slow(Caller):
    """Sends its last message when it is told to."""

    def __init__(self, *messages: dict[str, Any]) -> None:
        super().__init__(*messages)
        self.may_end = asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        if len(self.left) == 1:
            await self.may_end.wait()
        return await super().receive()


def test_of_bodies_that_hold_too_much_together_the_first_is_given_up() -> None:
    async def crowd() -> list[Any]:
        unfinished = UnfinishedBodies(most=25)
        callers = [Slow(part(b"12345", more=True), part(b"6789", more=True), part(b"0")) for _ in range(5)]
        reading = [
            asyncio.ensure_future(
                read_body(each.receive, length=None, most=LIMIT, unit="pieces", unfinished=unfinished)
            )
            for each in callers
        ]
        done, _ = await asyncio.wait(reading, return_when="FIRST_COMPLETED")
        # Nine bytes of each have come, and three times nine are more than 25: two of five have room.
        while len(done) < 3:
            done, _ = await asyncio.wait(reading, timeout=0.01)
        for each in callers:
            each.may_end.set()
        found = await asyncio.gather(*reading, return_exceptions=True)
        # All that they held is given back.
        later = Caller(part(b"12345", more=True), part(b"67890"))
        found.append(
            await read_body(later.receive, length=None, most=LIMIT, unit="pieces", unfinished=unfinished)
        )
        return found

    found = asyncio.run(asyncio.wait_for(crowd(), 60))
    assert [getattr(each, "status", each) for each in found] == [408] * 3 + [b"1234567890"] * 3


def test_two_of_the_largest_bodies_always_have_room() -> None:
    async def both() -> list[bytes]:
        unfinished = UnfinishedBodies(most=1)
        callers = [Slow(part(b"12345", more=True), part(b"6789", more=True), part(b"0")) for _ in range(2)]
        reading = [
            asyncio.ensure_future(
                read_body(each.receive, length=None, most=LIMIT, unit="pieces", unfinished=unfinished)
            )
            for each in callers
        ]
        while any(len(each.left) > 1 for each in callers):
            await asyncio.sleep(0)  # until both wait for their ends
        for each in callers:
            each.may_end.set()
        return await asyncio.gather(*reading)

    assert asyncio.run(asyncio.wait_for(both(), 60)) == [b"1234567890"] * 2
