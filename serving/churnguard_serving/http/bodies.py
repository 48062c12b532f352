"""Bodies of predictions: JSON as it is, and no more of it than the service takes."""

from __future__ import annotations

from collections.abc import Iterable

from churnguard_web.asgi import Header, Receive
from churnguard_web.bodies import UnfinishedBodies, UnreadBody, read_body


async def read_instances(
    receive: Receive, *, headers: Iterable[Header], limit: int, unfinished: UnfinishedBodies
) -> bytes:
    """The whole body, counted among the ``unfinished`` while it comes.

    Raises:
        UnreadBody: It is longer than the limit (as soon as that is known), compressed, or too slow.
        ClientGone: The caller hung up.
    """
    length = None
    for name, value in headers:
        if name == b"content-length":
            length = value
        elif name == b"content-encoding" and value.lower() != b"identity":
            raise UnreadBody("compressed bodies are not read; send the JSON as it is", status=415)
    return await read_body(receive, length=length, most=limit, unit="instances", unfinished=unfinished)
