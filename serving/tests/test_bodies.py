from __future__ import annotations

import asyncio
from typing import Any

import pytest

from churnguard_serving.http import bodies
from churnguard_serving.http.bodies import ClientGone, UnreadBody, discard_rest, read_body
from churnguard_serving.problems import BadRequest

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


def read(caller: Caller, **headers: str) -> bytes:
    given = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return asyncio.run(read_body(caller.receive, headers=given, limit=LIMIT))


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
        read(caller, content_length="11")
    assert caught.value.status == 413
    assert len(caller.left) == 1


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
    with pytest.raises(BadRequest) as caught:
        read(caller)
    assert caught.value.status == 413
    assert len(caller.left) == unread


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "br", "identity, gzip"])
def test_a_compressed_body_is_not_read(encoding: str) -> None:
    caller = Caller(part(b"1"))
    with pytest.raises(UnreadBody) as caught:
        read(caller, content_encoding=encoding)
    assert caught.value.status == 415
    assert len(caller.left) == 1


@pytest.mark.parametrize("messages", [[GONE], [part(b"1", more=True), GONE]])
def test_a_caller_who_hangs_up_gets_no_answer(messages: list[dict[str, Any]]) -> None:
    with pytest.raises(ClientGone):
        read(Caller(*messages))


def test_a_body_that_does_not_come_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "SECONDS_TO_READ", 0.0)
    with pytest.raises(UnreadBody) as caught:
        read(Caller(part(b"1", more=True)))
    assert (caught.value.status, caught.value.error) == (408, "the body did not come in 0 s")


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
