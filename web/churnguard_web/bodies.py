"""Reading the body of a request, never more of it than allowed, and answering when it was not read to its end."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from functools import partial
from typing import Final

from churnguard_web.asgi import CLOSE, Headers, Message, Receive, Send

SECONDS_TO_READ: Final = 60.0
"""A caller that takes longer to send a body holds a connection for nothing."""
SECONDS_TO_DISCARD: Final = 5.0
"""For how long what was refused is read on: a connection that is closed on a caller who sends loses the answer."""

MOST_UNFINISHED: Final = 32 * 1024 * 1024


class ClientGone(Exception):  # noqa: N818 - no error of anybody
    """The caller hung up before the body was complete; there is nobody to answer."""


class UnreadBody(Exception):  # noqa: N818 - an answer, not an error of the server
    """Refused before its end: what is left of the body must not be taken for the next request.

    Args:
        error: One sentence for the caller.
        status: From 400 to 499.
    """

    def __init__(self, error: str, *, status: int) -> None:
        self.error = error
        self.status = status
        super().__init__(error)


class UnfinishedBodies:
    """All bodies of a server that have begun and are not whole, and how many bytes they may hold together.

    Where they hold more, the one that began first is given up: it had the most time to come. Those that come later
    would be the wrong ones to refuse, or a few that never end would keep out everybody else.

    Args:
        most: Bytes of all of them; twice the largest body in any case.
    """

    def __init__(self, *, most: int = MOST_UNFINISHED) -> None:
        self._most = most
        self._held: dict[asyncio.Timeout, int] = {}
        self._bytes = 0

    def begin(self, deadline: asyncio.Timeout) -> None:
        """A body has begun; it is given up by its deadline."""
        self._held[deadline] = 0

    def add(self, deadline: asyncio.Timeout, size: int, *, largest: int) -> None:
        """So many bytes of it came; a body may have ``largest``."""
        self._held[deadline] += size
        self._bytes += size
        if self._bytes > max(self._most, 2 * largest):
            first = next((each for each, held in self._held.items() if held and not each.expired()), None)
            if first is not None:
                self._bytes -= self._held[first]
                self._held[first] = 0
                first.reschedule(0)

    def end(self, deadline: asyncio.Timeout) -> None:
        """It is whole, or given up."""
        self._bytes -= self._held.pop(deadline)


async def read_body(
    receive: Receive, *, length: bytes | None, most: int, unit: str, unfinished: UnfinishedBodies
) -> bytes:
    """The whole body.

    Args:
        receive: Where it comes from.
        length: The header ``Content-Length``, if there is one.
        most: Bytes that it may have.
        unit: What it holds, as callers call it: they are told to send fewer of them.
        unfinished: Where it is counted while it comes.

    Raises:
        UnreadBody: It is longer than allowed (as soon as that is known), or too slow.
        ClientGone: The caller hung up.
    """
    if length is not None and int(length) > most:
        raise _too_large(most, unit=unit)
    message = await receive()
    body = _content(message)
    if message.get("more_body"):
        try:
            async with asyncio.timeout(SECONDS_TO_READ) as deadline:
                unfinished.begin(deadline)
                try:
                    count = partial(unfinished.add, deadline, largest=most)
                    return await _read_rest(receive, first=body, most=most, unit=unit, count=count)
                finally:
                    unfinished.end(deadline)
        except TimeoutError:
            raise UnreadBody("the body did not come in time", status=408) from None
    if len(body) > most:
        raise _too_large(most, unit=unit)
    return body


async def discard_rest(receive: Receive) -> None:
    """Read on and keep nothing, until the body ends, the caller hangs up, or has had time enough."""
    with contextlib.suppress(TimeoutError, ClientGone):
        async with asyncio.timeout(SECONDS_TO_DISCARD):
            more = True
            while more:
                message = await receive()
                _content(message)
                more = message.get("more_body", False)


async def send_unread(send: Send, receive: Receive, *, status: int, headers: Headers, body: bytes) -> None:
    """Answer a request whose body was not read to its end, and hang up when the caller has sent it.

    Args:
        send: Where the answer goes.
        receive: Where the rest of the body comes from.
        status: Of the answer.
        headers: All but the one that says that this answer is the last.
        body: Of the answer.
    """
    await send({"type": "http.response.start", "status": status, "headers": [*headers, CLOSE]})
    await send({"type": "http.response.body", "body": body, "more_body": True})
    await discard_rest(receive)
    await send({"type": "http.response.body", "body": b""})


async def _read_rest(
    receive: Receive, *, first: bytes, most: int, unit: str, count: Callable[[int], None]
) -> bytes:
    parts, size, more = [first], len(first), True
    count(size)
    while more:
        if size > most:
            raise _too_large(most, unit=unit)
        message = await receive()
        parts.append(_content(message))
        size += len(parts[-1])
        count(len(parts[-1]))
        more = message.get("more_body", False)
    if size > most:
        raise _too_large(most, unit=unit)
    return b"".join(parts)


def _content(message: Message) -> bytes:
    if message["type"] == "http.disconnect":
        raise ClientGone
    content: bytes = message.get("body", b"")
    return content


def _too_large(most: int, *, unit: str) -> UnreadBody:
    return UnreadBody(f"the body is larger than {most} bytes; send fewer {unit} at a time", status=413)
