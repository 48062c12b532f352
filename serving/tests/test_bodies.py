from __future__ import annotations

import asyncio
from typing import Any

import pytest

from churnguard_serving.http.bodies import read_instances
from churnguard_web.bodies import UnfinishedBodies, UnreadBody


def read(body: bytes, **headers: str) -> bytes:
    given = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body}

    return asyncio.run(read_instances(receive, headers=given, limit=10, unfinished=UnfinishedBodies()))


def test_a_body_that_is_not_compressed_is_read() -> None:
    assert read(b"1234567890", content_encoding="Identity", content_length="10", host="x") == b"1234567890"


@pytest.mark.parametrize("headers", [{"content_length": "11"}, {}])
def test_a_body_over_the_limit_is_refused_with_an_advice(headers: dict[str, str]) -> None:
    with pytest.raises(UnreadBody, match="larger than 10 bytes; send fewer instances") as caught:
        read(b"12345678901", **headers)
    assert caught.value.status == 413


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "br", "identity, gzip"])
def test_a_compressed_body_is_not_read(encoding: str) -> None:
    with pytest.raises(UnreadBody) as caught:
        read(b"1", content_encoding=encoding)
    assert caught.value.status == 415
