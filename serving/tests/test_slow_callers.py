"""Callers who take their time, on the protocol in this process: a server must not wait for ever."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from churnguard_serving.http.protocol import PredictionProtocol
from churnguard_serving.http.route import HotRoute
from churnguard_serving.large import LargeRequests
from churnguard_serving.service import Service
from churnguard_web.connections import Limits
from churnguard_web.listening import listen
from churnguard_web.server import Server

HEAD = b"POST /v1/models/telco:predict HTTP/1.1\r\nHost: telco\r\nContent-Length: 17\r\n\r\n"


async def nothing(*_: Any) -> None:
    raise AssertionError("passed on")


async def said_to(sent: bytes, *, service: Service, limits: Limits) -> bytes:
    """All that a server says to a caller who sends this and then waits."""
    large = LargeRequests()
    listener = listen(host="127.0.0.1", port=0)
    address = listener.getsockname()
    route = HotRoute(service, nothing, large=large)
    server = Server(route, listener=listener, protocol=PredictionProtocol, limits=limits)
    ready = asyncio.Event()
    serving = asyncio.create_task(server.serve(on_ready=ready.set))
    await ready.wait()
    reader, writer = await asyncio.open_connection(*address)
    writer.write(sent)
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    server.stop()
    await serving
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
def test_a_request_that_does_not_come_is_given_up(sent: bytes, service: Callable[..., Service]) -> None:
    answer = asyncio.run(said_to(sent, service=service(), limits=Limits(read=0)))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
    assert b"connection: close" in head
    assert json.loads(body) == {"error": "the request did not come in 0 s"}


@pytest.mark.parametrize("sent", [b"", HEAD + b'{"instances":[1]}'], ids=["nothing", "a whole request"])
def test_a_quiet_connection_is_closed(sent: bytes, service: Callable[..., Service]) -> None:
    answer = asyncio.run(said_to(sent, service=service(), limits=Limits(idle=1)))
    assert answer.startswith(b"HTTP/1.1 400 ") if sent else answer == b""
