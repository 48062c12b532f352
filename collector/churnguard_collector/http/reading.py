"""Reading the body of a request, compressed or not, and never more of it than allowed."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final

from churnguard_collector.bodies import BadBody
from churnguard_collector.http.asgi import Event, Receive
from churnguard_collector.http.decompression import decompressor_of

MOST_COMPRESSED: Final = 512 * 1024
MOST_BYTES: Final = 4 * 1024 * 1024
"""Of a body that is not compressed, or is not any more."""
SECONDS_TO_READ: Final = 60.0
"""A caller that takes longer to send a body holds a connection for nothing."""
SECONDS_TO_DISCARD: Final = 5.0
"""For how long what was refused is read on: a connection that is closed on a caller who sends loses the answer."""


class ClientGone(Exception):  # noqa: N818 - no error of anybody
    """The caller hung up before the body was complete; there is nobody to answer."""


class UnreadBody(BadBody):
    """Refused before its end: what is left of the body must not be taken for the next request."""


async def read_body(receive: Receive, *, encoding: bytes, length: bytes | None) -> bytes:
    """The whole body, decompressed.

    Args:
        receive: Where it comes from.
        encoding: The header ``Content-Encoding``, empty for none.
        length: The header ``Content-Length``, if there is one.

    Raises:
        UnreadBody: It is longer than allowed (as soon as that is known), compressed in an unknown way, or too slow.
        BadBody: It is not what its encoding says.
        ClientGone: The caller hung up.
    """
    is_plain = encoding.lower() in (b"", b"identity")
    most = MOST_BYTES if is_plain else MOST_COMPRESSED
    if length is not None and int(length) > most:
        raise _too_large(most)
    message = await receive()
    if not message.get("more_body"):
        body = _content(message)
        if len(body) > most:
            raise _too_large(most)
    else:
        try:
            async with asyncio.timeout(SECONDS_TO_READ):
                body = await _read_rest(receive, first=_content(message), most=most)
        except TimeoutError:
            raise UnreadBody(f"the body did not come in {SECONDS_TO_READ:.0f} s", status=408) from None
    return body if is_plain else decompressor_of(encoding.lower())(body, most=MOST_BYTES)


async def discard_rest(receive: Receive) -> None:
    """Read on and keep nothing, until the body ends, the caller hangs up, or has had time enough."""
    with contextlib.suppress(TimeoutError, ClientGone):
        async with asyncio.timeout(SECONDS_TO_DISCARD):
            more = True
            while more:
                message = await receive()
                _content(message)
                more = message.get("more_body", False)


async def _read_rest(receive: Receive, *, first: bytes, most: int) -> bytes:
    parts, size, more = [first], len(first), True
    while more:
        if size > most:
            raise _too_large(most)
        message = await receive()
        parts.append(_content(message))
        size += len(parts[-1])
        more = message.get("more_body", False)
    if size > most:
        raise _too_large(most)
    return b"".join(parts)


def _content(message: Event) -> bytes:
    if message["type"] == "http.disconnect":
        raise ClientGone
    content: bytes = message.get("body", b"")
    return content


def _too_large(most: int) -> UnreadBody:
    return UnreadBody(f"the body is larger than {most} bytes; send fewer events at a time", status=413)
