"""What operators ask, as plain ASGI."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Final

from churnguard_web.asgi import JSON, Application, Header, Receive, Scope, Send

METRICS_TYPE: Final = (b"content-type", b"text/plain; version=0.0.4; charset=utf-8")


def application(*, problem: Callable[[], str | None], metrics: Callable[[], bytes]) -> Application:
    """``/healthz``, ``/readyz`` and ``/metrics``.

    Args:
        problem: Why events do not land; None when they do.
        metrics: The page of metrics.
    """

    async def app(scope: Scope, _: Receive, send: Send) -> None:
        if scope["method"] not in ("GET", "HEAD"):
            await _answer(send, 405, JSON, _json(error="method not allowed"))
        elif scope["path"] == "/healthz":
            await _answer(send, 200, JSON, _json(status="ok"))
        elif scope["path"] == "/readyz":
            found = problem()
            if found is None:
                await _answer(send, 200, JSON, _json(status="ok"))
            else:
                await _answer(send, 503, JSON, _json(status="not ready", problem=found))
        elif scope["path"] == "/metrics":
            await _answer(send, 200, METRICS_TYPE, metrics())
        else:
            await _answer(send, 404, JSON, _json(error="not found"))

    return app


def _json(**document: str) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


async def _answer(send: Send, status: int, content_type: Header, body: bytes) -> None:
    headers = [content_type, (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
