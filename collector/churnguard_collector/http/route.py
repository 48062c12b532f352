"""The routes that events come by: plain ASGI in front of FastAPI, because they are called for every event.

What such a request costs is mostly what is done for every request; here that is next to nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from functools import partial
from time import perf_counter
from typing import Final, NamedTuple, Protocol

from churnguard_collector.bodies import BadBody, Events
from churnguard_collector.http import answers
from churnguard_collector.http.answers import Answer
from churnguard_collector.http.doors import (
    DOORS,
    GIF,
    PIXEL,
    PIXEL_DOOR,
    Door,
    key_in_header,
    key_in_query,
    pixel_event,
)
from churnguard_collector.http.reading import read_events
from churnguard_collector.service import HandedOver, Service, TooFast
from churnguard_collector.sink import Outcome
from churnguard_web.asgi import CLOSE, Application, Header, Headers, Receive, Scope, Send, closing
from churnguard_web.bodies import ClientGone, UnfinishedBodies, UnreadBody, send_unread

log = logging.getLogger("churnguard.collector")

PREFLIGHT_SECONDS: Final = b"86400"
_ALLOWED_HEADERS: Final = b"authorization, content-encoding, content-type"
_NOT_FROM_THERE: Final = {
    "browser": "pages of this origin may not use this key",
    "server": "this is a server's key: it is secret, and no page may use it",
}

_FAILED: Final = answers.error(500, "internal error; the collector's log has the details")


class Head(NamedTuple):
    """What the headers say that matter; ``key`` is the one that they hold."""

    key: str | None = None
    encoding: bytes = b""
    length: bytes | None = None
    origin: bytes | None = None
    tracks: bool = True


class WholeRequest(Protocol):
    """A request of events that has come whole and is not compressed.

    ``started`` is when it had come, by the counter of performance.
    """

    door: Door
    head: Head
    body: bytes
    started: float

    def tell(self, answer: Answer) -> None:
        """Write the answer."""


class HotRoutes:
    """Answers what brings events; passes everything else on.

    Args:
        service: What takes events in.
        inner: FastAPI's application.
    """

    def __init__(self, service: Service, inner: Application) -> None:
        self._service = service
        self._inner = inner
        self._unfinished = UnfinishedBodies()
        self._came: list[WholeRequest] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One ASGI connection."""
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        path, method = scope["path"], scope["method"]
        door = DOORS.get(path)
        if door is not None and method == "POST":
            await self._answer(door, scope, receive, send)
        elif path == PIXEL and method == "GET":
            await self._answer_pixel(scope, send)
        elif (door is not None or path == PIXEL) and method == "OPTIONS":
            await self._send(send, self._preflight(scope), origin=None)
        elif door is not None or path == PIXEL:
            allowed = b"GET, OPTIONS" if path == PIXEL else b"POST, OPTIONS"
            refusal = answers.error(405, "this method is not allowed here", headers=((b"allow", allowed),))
            await self._send_unread(send, receive, refusal, origin=None)
        else:
            await self._inner(scope, receive, closing(send) if self._service.draining else send)

    def answer_soon(self, request: WholeRequest) -> None:
        """Answer a request together with those that come in the same turn of the loop.

        After each read from a socket the processor's caches are the kernel's. One after the other, requests find them
        as the one before has left them. And no task waits for the store: to make one costs as much as to read an event.
        """
        self._service.unanswered += 1
        if not self._came:
            asyncio.get_running_loop().call_soon(self._take_in_what_came)
        self._came.append(request)

    def _take_in_what_came(self) -> None:
        came, self._came = self._came, []
        for request in came:
            begun = self._begin(request.door, request.body, head=request.head, query=b"")
            request.body = b""  # thousands may wait for the store
            if isinstance(begun, Answer):
                self._tell(request, begun)
            else:
                begun.outcomes.add_done_callback(partial(self._decided, request, begun))

    def _decided(
        self, request: WholeRequest, handed: HandedOver, _: asyncio.Future[Sequence[Outcome]]
    ) -> None:
        self._tell(request, self._end(request.door, handed))

    def _tell(self, request: WholeRequest, answer: Answer) -> None:
        self._service.unanswered -= 1  # not in a finally, as in _answer
        self._service.metrics.answered(
            route=request.door.name, code=answer.status, seconds=perf_counter() - request.started
        )
        try:
            request.tell(answer)
        except Exception:
            # Others wait for their turn.
            log.exception("an answer failed")

    def coming(self, requests: int) -> None:
        """So many requests have begun to come; a negative number have come, or will not."""
        self._service.unanswered += requests

    def gave_up(self, door: Door, *, status: int, seconds: float) -> None:
        """A request did not come to its end."""
        self._service.metrics.answered(route=door.name, code=status, seconds=seconds)

    def more_headers(self, answer: Answer, *, origin: bytes | None) -> Headers:
        """All headers of an answer but the length of its body."""
        headers = answer.headers if origin is None else (*answer.headers, *self._cors(origin))
        return (*headers, CLOSE) if self._service.draining else headers

    async def _answer(self, door: Door, scope: Scope, receive: Receive, send: Send) -> None:
        started = perf_counter()
        service = self._service
        head = head_of(scope["headers"])
        answer: Answer | None = None
        service.unanswered += 1
        try:
            reading = read_events(
                receive, encoding=head.encoding, length=head.length, unfinished=self._unfinished
            )
            begun = self._begin(door, await reading, head=head, query=scope["query_string"])
            answer = await self._answer_of(door, begun)
            await self._send(send, answer, origin=head.origin)
        except UnreadBody as bad:
            answer = answers.error(bad.status, bad.error)
            await self._send_unread(send, receive, answer, origin=head.origin)
        except BadBody as bad:
            answer = answers.bad_body(bad)
            await self._send(send, answer, origin=head.origin)
        except ClientGone:
            pass
        except Exception:
            log.exception("a request failed")
            answer = _FAILED
            await self._send(send, answer, origin=head.origin)
        # Not in a finally: a request that is broken off at the end stays one that was not answered.
        service.unanswered -= 1
        code = 499 if answer is None else answer.status
        service.metrics.answered(route=door.name, code=code, seconds=perf_counter() - started)

    def _begin(self, door: Door, body: bytes, *, head: Head, query: bytes) -> HandedOver | Answer:
        """Hand the events of a body to the sink; the answer at once when there is nothing to wait for."""
        try:
            return self._take(door, door.read(body), head=head, query=query)
        except BadBody as bad:
            return answers.bad_body(bad)
        except Exception:
            log.exception("a request failed")
            return _FAILED

    def _end(self, door: Door, handed: HandedOver) -> Answer:
        """The answer, now that the sink has decided."""
        try:
            return door.answer(self._service.results(handed, handed.outcomes.result()))
        except Exception:
            log.exception("a request failed")
            return _FAILED

    async def _answer_of(self, door: Door, begun: HandedOver | Answer) -> Answer:
        if isinstance(begun, Answer):
            return begun
        await begun.outcomes
        return self._end(door, begun)

    def _take(self, door: Door, events: Events, *, head: Head, query: bytes) -> HandedOver | Answer:
        text = head.key or key_in_query(query) or events.write_key
        key = None if text is None else self._service.keys.find(text)
        if key is None:
            self._service.metrics.rejected(reason="auth")
            return answers.error(401, "no known write key: send it as the user of Basic authentication")
        if head.origin is not None and not key.allows_origin(head.origin.decode("latin-1")):
            self._service.metrics.rejected(reason="auth")
            return answers.error(403, _NOT_FROM_THERE[key.kind])
        try:
            taken = self._service.take(events, key=key, type_=door.type, tracks=head.tracks)
        except TooFast as too_fast:
            return answers.too_fast(seconds=too_fast.seconds)
        return taken if isinstance(taken, HandedOver) else door.answer(taken)

    async def _answer_pixel(self, scope: Scope, send: Send) -> None:
        """The picture, whatever happens: an image that fails shows on the page."""
        started = perf_counter()
        service = self._service
        status = 200
        try:
            query = scope["query_string"]
            begun = self._take(PIXEL_DOOR, pixel_event(query), head=head_of(scope["headers"]), query=query)
            status = (await self._answer_of(PIXEL_DOOR, begun)).status
        except BadBody as bad:
            status = bad.status
        except Exception:
            log.exception("a request failed")
            status = 500
        headers = ((b"content-type", b"image/gif"), (b"cache-control", b"no-store"))
        await self._send(send, Answer(status=status, body=GIF, headers=headers), origin=None)
        service.metrics.answered(route=PIXEL_DOOR.name, code=status, seconds=perf_counter() - started)

    def _preflight(self, scope: Scope) -> Answer:
        origin = head_of(scope["headers"]).origin
        vary = (b"vary", b"Origin")
        if origin is None or not self._service.keys.any_allows_origin(origin.decode("latin-1")):
            return Answer(status=204, body=b"", headers=(vary,))
        allowed = (
            (b"access-control-allow-origin", origin),
            (b"access-control-allow-methods", b"POST"),
            (b"access-control-allow-headers", _ALLOWED_HEADERS),
            (b"access-control-max-age", PREFLIGHT_SECONDS),
        )
        return Answer(status=204, body=b"", headers=(vary, *allowed))

    def _cors(self, origin: bytes | None) -> Headers:
        if origin is None or not self._service.keys.any_allows_origin(origin.decode("latin-1")):
            return ()
        exposed = (b"access-control-expose-headers", b"Retry-After")
        return ((b"access-control-allow-origin", origin), exposed, (b"vary", b"Origin"))

    async def _send(self, send: Send, answer: Answer, *, origin: bytes | None) -> None:
        headers = [*self.more_headers(answer, origin=origin), _length(answer)]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})

    async def _send_unread(
        self, send: Send, receive: Receive, answer: Answer, *, origin: bytes | None
    ) -> None:
        headers = (*answer.headers, *self._cors(origin), _length(answer))
        await send_unread(send, receive, status=answer.status, headers=headers, body=answer.body)


def _length(answer: Answer) -> Header:
    return (b"content-length", b"%d" % len(answer.body))


def head_of(headers: list[Header]) -> Head:
    """What a request's headers say."""
    found = dict(headers)
    follows = found.get(b"dnt") != b"1" and found.get(b"sec-gpc") != b"1"
    return Head(
        key=key_in_header(found.get(b"authorization", b"")),
        encoding=found.get(b"content-encoding", b""),
        length=found.get(b"content-length"),
        origin=found.get(b"origin"),
        tracks=follows,
    )
