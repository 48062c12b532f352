"""The hot route: an ASGI application in front of KServe's, which answers predictions itself.

KServe's own handlers spend ten times as long on a request as scoring does, answer bad input with 500, and send the
caller's headers back from ``:explain``; no prediction reaches them. Everything else (metadata, health, metrics, docs)
is passed on.
"""

from __future__ import annotations

import logging
import re
from functools import partial
from time import perf_counter
from typing import Final

from churnguard_serving.http.bodies import read_instances
from churnguard_serving.http.doors import Door, doors_of
from churnguard_serving.large import Busy, LargeRequests
from churnguard_serving.problems import BadRequest, error_body
from churnguard_serving.service import Service
from churnguard_web.asgi import CLOSE, JSON, Application, Headers, Receive, Scope, Send, closing
from churnguard_web.bodies import ClientGone, UnfinishedBodies, UnreadBody, send_unread

Reply = tuple[int, bytes, Headers]

log = logging.getLogger("churnguard.serving")

LARGE_BODY: Final = 64 * 1024
"""Longer bodies are answered by a thread: probes and small requests must not wait for them."""

_INFERENCE: Final = re.compile(
    r"/v1/models/(?P<v1>[^/]*):(?P<verb>[^/:]*)|/v2/models/(?P<v2>[^/]*)(/versions/[^/]*)?/infer"
)


class HotRoute:
    """Answers predictions; passes everything else on.

    Args:
        service: What answers.
        inner: KServe's application.
        large: Where large requests are answered.
    """

    def __init__(self, service: Service, inner: Application, *, large: LargeRequests) -> None:
        self._service = service
        self._inner = inner
        self._doors = doors_of(service)
        self._large = large
        self._unfinished = UnfinishedBodies()
        self.short_cuts = {path.encode(): door for path, door in self._doors.items()}

    @property
    def most_bytes(self) -> int:
        """How long a body may be."""
        return self._service.limits.max_body_bytes

    def reply(self, door: Door, body: bytes) -> Reply:
        """Answer a small body that is wholly there: status, body, and headers besides type and length."""
        started = perf_counter()
        status, answer, extra = self._reply(door, body, None)
        if self._service.draining:
            extra = (*extra, CLOSE)
        self._service.metrics.answered(protocol=door.protocol, code=status, seconds=perf_counter() - started)
        return status, answer, extra

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One ASGI connection."""
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        door = self._doors.get(scope["path"])
        if door is not None and scope["method"] == "POST":
            await self._answer(door, scope, receive, send)
        elif refusal := self._refusal(scope["path"], method=scope["method"], known=door is not None):
            await self._refuse(refusal, receive, send)
        else:
            await self._inner(scope, receive, closing(send) if self._service.draining else send)

    async def _answer(self, door: Door, scope: Scope, receive: Receive, send: Send) -> None:
        started = perf_counter()
        metrics = self._service.metrics
        metrics.inflight += 1
        try:
            headers = scope["headers"]
            body = await read_instances(
                receive, headers=headers, limit=self.most_bytes, unfinished=self._unfinished
            )
            length = _json_length(headers, most=len(body)) if door.protocol == "v2" else None
            if len(body) > LARGE_BODY:
                status, answer, extra = await self._large.run(partial(self._reply, door, body, length))
            else:
                status, answer, extra = self._reply(door, body, length)
        except UnreadBody as bad:
            metrics.answered(protocol=door.protocol, code=bad.status, seconds=perf_counter() - started)
            await _send_unread(send, receive, status=bad.status, body=error_body(bad.error))
            return
        except BadRequest as bad:
            status, answer, extra = bad.status, bad.body(), ()
        except Busy:
            status, answer = 503, error_body("too many large requests are waiting; try again in a second")
            extra = ((b"retry-after", b"1"),)
        except ClientGone:
            return
        finally:
            metrics.inflight -= 1
        if self._service.draining:
            extra = (*extra, CLOSE)
        await _send(send, status=status, body=answer, extra=extra)
        metrics.answered(protocol=door.protocol, code=status, seconds=perf_counter() - started)

    @staticmethod
    def _reply(door: Door, body: bytes, length: int | None) -> Reply:
        try:
            answer, extra = door.answer(body, length)
        except BadRequest as bad:
            return bad.status, bad.body(), ()
        except Exception:
            log.exception("a request failed")
            return 500, error_body("internal error; the server's log has the details"), ()
        return 200, answer, extra

    def _refusal(self, path: str, *, method: str, known: bool) -> BadRequest | None:
        """Why a request for a prediction cannot be one; None when it asks for something else."""
        match = _INFERENCE.fullmatch(path)
        if match is None:
            if method == "POST" and path.startswith(("/v1/models/", "/v2/")):
                return BadRequest(f"nothing is answered here; POST to {', '.join(self._doors)}", status=404)
            return None
        name, verb = match["v1"] or match["v2"] or "", match["verb"]
        if name != self._service.name:
            return BadRequest(
                f"there is no model {name[:64]!r} here; this is {self._service.name}", status=404
            )
        if not known and verb is None:
            return BadRequest(f"revision {self._service.revision} is served, and no other", status=404)
        if not known:
            return BadRequest(f"unknown verb {verb[:64]!r}; expected predict or explain", status=404)
        return BadRequest(f"method {method[:16]} is not allowed here; use POST", status=405)

    async def _refuse(self, refusal: BadRequest, receive: Receive, send: Send) -> None:
        self._service.metrics.answered(protocol="none", code=refusal.status, seconds=0.0)
        allow: Headers = ((b"allow", b"POST"),) if refusal.status == 405 else ()
        await _send_unread(send, receive, status=refusal.status, body=refusal.body(), extra=allow)


def _json_length(headers: list[tuple[bytes, bytes]], *, most: int) -> int | None:
    for name, value in headers:
        if name == b"inference-header-content-length":
            if not re.fullmatch(rb"[0-9]{1,9}", value) or int(value) > most:
                raise BadRequest("Inference-Header-Content-Length is no length of JSON within this body")
            return int(value)
    return None


async def _send_unread(
    send: Send, receive: Receive, *, status: int, body: bytes, extra: Headers = ()
) -> None:
    headers = (JSON, (b"content-length", b"%d" % len(body)), *extra)
    await send_unread(send, receive, status=status, headers=headers, body=body)


async def _send(send: Send, *, status: int, body: bytes, extra: Headers) -> None:
    length = (b"content-length", b"%d" % len(body))
    await send({"type": "http.response.start", "status": status, "headers": [JSON, length, *extra]})
    await send({"type": "http.response.body", "body": body})
