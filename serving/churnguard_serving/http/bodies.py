"""Reading the body of a request, never more of it than allowed."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final

from churnguard_serving.problems import BadRequest

Receive = Callable[[], Awaitable[dict[str, Any]]]

SECONDS_TO_READ: Final = 60.0
"""A caller that takes longer to send a body holds a connection for nothing."""
SECONDS_TO_DISCARD: Final = 5.0
"""For how long what was refused is read on: a connection that is closed on a caller who sends loses the answer."""


class ClientGone(Exception):  # noqa: N818 - no error of anybody
    """The caller hung up before the body was complete; there is nobody to answer."""


class UnreadBody(BadRequest):
    """Refused before its end: what is left of the body must not be taken for the next request."""


async def read_body(receive: Receive, *, headers: Iterable[tuple[bytes, bytes]], limit: int) -> bytes:
    """The whole body.

    Raises:
        UnreadBody: It is longer than the limit (as soon as that is known), compressed, or too slow.
        ClientGone: The caller hung up.
    """
    for name, value in headers:
        if name == b"content-length" and int(value) > limit:
            raise _too_large(limit)
        if name == b"content-encoding" and value.lower() != b"identity":
            raise UnreadBody("compressed bodies are not read; send the JSON as it is", status=415)
    message = await receive()
    body: bytes = _content(message)
    if message.get("more_body"):
        try:
            async with asyncio.timeout(SECONDS_TO_READ):
                return await _read_rest(receive, first=body, limit=limit)
        except TimeoutError:
            raise UnreadBody(f"the body did not come in {SECONDS_TO_READ:.0f} s", status=408) from None
    if len(body) > limit:
        raise _too_large(limit)
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


async def _read_rest(receive: Receive, *, first: bytes, limit: int) -> bytes:
    parts, size, more = [first], len(first), True
    while more:
        if size > limit:
            raise _too_large(limit)
        message = await receive()
        parts.append(_content(message))
        size += len(parts[-1])
        more = message.get("more_body", False)
    if size > limit:
        raise _too_large(limit)
    return b"".join(parts)


def _content(message: dict[str, Any]) -> bytes:
    if message["type"] == "http.disconnect":
        raise ClientGone
    content: bytes = message.get("body", b"")
    return content


def _too_large(limit: int) -> UnreadBody:
    return UnreadBody(f"the body is larger than {limit} bytes; send fewer instances at a time", status=413)
