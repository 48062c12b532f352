"""Bodies of events, compressed or not, and never more of them than allowed."""

from __future__ import annotations

from typing import Final

from churnguard_collector.http.decompression import decompressor_of
from churnguard_web.asgi import Receive
from churnguard_web.bodies import UnfinishedBodies, read_body

MOST_COMPRESSED: Final = 512 * 1024
MOST_BYTES: Final = 4 * 1024 * 1024
"""Of a body that is not compressed, or is not any more."""


async def read_events(
    receive: Receive, *, encoding: bytes, length: bytes | None, unfinished: UnfinishedBodies
) -> bytes:
    """The whole body, decompressed.

    Args:
        receive: Where it comes from.
        encoding: The header ``Content-Encoding``, empty for none.
        length: The header ``Content-Length``, if there is one.
        unfinished: Where it is counted while it comes.

    Raises:
        UnreadBody: It is longer than allowed (as soon as that is known), or too slow.
        BadBody: It is not what its encoding says, or compressed in an unknown way.
        ClientGone: The caller hung up.
    """
    encoding = encoding.lower()
    is_plain = encoding in (b"", b"identity")
    most = MOST_BYTES if is_plain else MOST_COMPRESSED
    body = await read_body(receive, length=length, most=most, unit="events", unfinished=unfinished)
    return body if is_plain else decompressor_of(encoding)(body, most=MOST_BYTES)
