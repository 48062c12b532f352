"""Callers who take their time, on the protocol in this process: a server must not wait for ever."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from churnguard_serving.http import protocol
from churnguard_serving.http.route import HotRoute
from churnguard_serving.large import LargeRequests
from churnguard_serving.service import Service

HEAD = b"POST /v1/models/telco:predict HTTP/1.1\r\nHost: telco\r\nContent-Length: 17\r\n\r\n"


async def nothing(*_: Any) -> None:
    raise AssertionError("passed on")


async def said_to(sent: bytes, *, service: Service, keep_alive: int) -> bytes:
    """All that a server says to a caller who sends this and then waits."""
    large = LargeRequests()
    route = HotRoute(service, nothing, large=large)
    settings = uvicorn.Config(
        route, log_config=None, lifespan="off", proxy_headers=False, timeout_keep_alive=keep_alive
    )
    settings.load()
    state = ServerState()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: protocol.ShortCutProtocol(settings, state, {}), "127.0.0.1", 0)
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(sent)
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
    large.close()
    return answer


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(HEAD[:1], id="the first byte"),
        pytest.param(HEAD[:40], id="a part of the head"),
        pytest.param(HEAD, id="a head without its body"),
        pytest.param(HEAD + b"{", id="a part of the body"),
    ],
)
def test_a_request_that_does_not_come_is_given_up(
    sent: bytes, service: Callable[..., Service], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "SECONDS_TO_READ", 0.05)
    answer = asyncio.run(said_to(sent, service=service(), keep_alive=60))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
    assert b"connection: close" in head
    assert json.loads(body) == {"error": "the request did not come in 0 s"}


@pytest.mark.parametrize("sent", [b"", HEAD + b'{"instances":[1]}'], ids=["nothing", "a whole request"])
def test_a_quiet_connection_is_closed(sent: bytes, service: Callable[..., Service]) -> None:
    answer = asyncio.run(said_to(sent, service=service(), keep_alive=1))
    assert answer.startswith(b"HTTP/1.1 400 ") if sent else answer == b""
