"""What operators ask, as plain ASGI."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Final

from churnguard_web.asgi import JSON, Application, Header, Receive, Scope, Send

log = logging.getLogger("churnguard.landing")

METRICS_TYPE: Final = (b"content-type", b"text/plain; version=0.0.4; charset=utf-8")


def application(
    *, hang: Callable[[], str | None], problem: Callable[[], str | None], metrics: Callable[[], bytes]
) -> Application:
    """``/healthz``, ``/readyz`` and ``/metrics``.

    Args:
        hang: Why only a restart helps; None while it goes on.
        problem: Why events do not land; None when they do.
        metrics: The page of metrics.
    """

    async def app(scope: Scope, _: Receive, send: Send) -> None:
        if scope["method"] not in ("GET", "HEAD"):
            await _answer(send, 405, JSON, _json(error="method not allowed"))
        elif scope["path"] == "/healthz":
            found = hang()
            if found is not None:
                # Whoever restarts it says that the probe failed, and not why.
                log.error("landing hangs", extra={"problem": found})
            await _answer_with(send, found, status="hangs")
        elif scope["path"] == "/readyz":
            await _answer_with(send, problem(), status="not ready")
        elif scope["path"] == "/metrics":
            await _answer(send, 200, METRICS_TYPE, metrics())
        else:
            await _answer(send, 404, JSON, _json(error="not found"))

    return app


async def _answer_with(send: Send, problem: str | None, *, status: str) -> None:
    if problem is None:
        await _answer(send, 200, JSON, _json(status="ok"))
    else:
        await _answer(send, 503, JSON, _json(status=status, problem=problem))


def _json(**document: str) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


async def _answer(send: Send, status: int, content_type: Header, body: bytes) -> None:
    headers = [content_type, (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
