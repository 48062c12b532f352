"""HTTP/1.1 as uvicorn speaks it, with a short cut for small predictions.

For a request that is answered in twenty microseconds, a scope, a task and four messages between server and application
cost as much as the answer. So a POST to one of our doors whose whole body is announced and small is answered where its
last byte is read. Everything else (chunked, compressed or large bodies, expectations, other paths and methods, callers
that do not read their answers) goes the usual way, to the same doors. A request whose head its connection has sent
before does not even need the parser.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from churnguard_serving.http.bodies import SECONDS_TO_READ
from churnguard_serving.http.doors import Door, Headers
from churnguard_serving.http.heads import RepeatedHead
from churnguard_serving.http.route import LARGE_BODY, HotRoute
from churnguard_serving.problems import error_body

_UNUSUAL: Final = frozenset(
    {
        b"content-encoding",
        b"expect",
        b"inference-header-content-length",
        b"transfer-encoding",
        b"upgrade",
    }
)
_CLOSE: Final = (b"connection", b"close")
_STATUS_LINES: Final = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus
}


class ShortCutProtocol(HttpToolsProtocol):
    """uvicorn's protocol around a :class:`HotRoute`."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self._route: HotRoute = self.app
        self._door: Door | None = None
        self._parts: list[bytes] = []
        self._last = False
        self._patience: asyncio.TimerHandle | None = None
        self._between = True
        self._head_read = True
        self._data = b""
        self._repeated: tuple[RepeatedHead, Door] | None = None
        self._answered_at = 0.0
        self._default_headers: list[tuple[bytes, bytes]] = []
        self._default_lines = b""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Hang up on who says nothing."""
        super().connection_made(transport)
        self._answered_at = self.loop.time()
        self.timeout_keep_alive_task = self.loop.call_later(
            self.timeout_keep_alive, self.timeout_keep_alive_handler
        )

    def data_received(self, data: bytes) -> None:
        """Answer what has the head of the request before; else feed the parser, and give a request a minute to come."""
        if self._repeated is not None:
            head, door = self._repeated
            body = head.body_of(data)
            if body is not None and len(body) <= self._most_bytes() and not self.flow.write_paused:
                self._answer(door, body, last=False)
                return
            self._repeated = None
        self._data = data if self._between else b""
        super().data_received(data)
        if self._patience is None and (self._door is not None or not self._head_read):
            self._patience = self.loop.call_later(SECONDS_TO_READ, self._too_slow)

    def on_message_begin(self) -> None:
        """A request begins."""
        self._between = self._head_read = False
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Decide which way the request goes."""
        self._head_read = True
        self._door = self._short_cut()
        if self._door is None:
            self._end_patience()
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Keep what came."""
        if self._door is None:
            super().on_body(body)
        else:
            self._parts.append(body)

    def on_message_complete(self) -> None:
        """Answer a request that took the short cut."""
        self._between = True
        door = self._door
        if door is None:
            super().on_message_complete()
            return
        body = b"".join(self._parts)
        self._end_short_cut()
        last = self._last or not self.parser.should_keep_alive()
        # Only data that are this request from its first to its last byte show its head.
        head = None if last else RepeatedHead.of(self._data, length=len(body))
        self._repeated = None if head is None else (head, door)
        self._answer(door, body, last=last)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget what was under way."""
        self._end_short_cut()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """Hang up, or after the answer when a request is under way."""
        if self._door is None:
            super().shutdown()
        else:
            self._last = True

    def timeout_keep_alive_handler(self) -> None:
        """Hang up when the connection was quiet all the time since its last answer."""
        left = self._answered_at + self.timeout_keep_alive - self.loop.time()
        if left > 0 and not self.transport.is_closing():
            self.timeout_keep_alive_task = self.loop.call_later(left, self.timeout_keep_alive_handler)
        else:
            super().timeout_keep_alive_handler()

    def send_400_response(self, msg: str) -> None:
        """The answer to what is no HTTP, in JSON like every other answer."""
        self._end_short_cut()
        self._write(400, error_body(msg), extra=(), last=True)

    def _short_cut(self) -> Door | None:
        door = self._route.short_cuts.get(self.url)
        busy = self.cycle is not None and not self.cycle.response_complete
        if door is None or busy or self.flow.write_paused or self.transport.is_closing():
            return None
        if self.parser.get_method() != b"POST" or self.parser.get_http_version() != "1.1":
            return None
        length = None
        for name, value in self.headers:
            if name in _UNUSUAL:
                return None
            if name == b"content-length":
                length = int(value)
        return door if length is not None and length <= self._most_bytes() else None

    def _most_bytes(self) -> int:
        return min(LARGE_BODY, self._route.most_bytes)

    def _answer(self, door: Door, body: bytes, *, last: bool) -> None:
        status, answer, extra = self._route.reply(door, body)
        self._write(status, answer, extra=extra, last=last)

    def _end_short_cut(self) -> None:
        self._door = None
        self._parts = []
        self._end_patience()

    def _end_patience(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _too_slow(self) -> None:
        self._end_short_cut()
        problem = f"the request did not come in {SECONDS_TO_READ:.0f} s"
        self._write(408, error_body(problem), extra=(), last=True)

    def _write(self, status: int, body: bytes, *, extra: Headers, last: bool) -> None:
        last = last or _CLOSE in extra
        if last and _CLOSE not in extra:
            extra = (*extra, _CLOSE)
        if self._default_headers is not self.server_state.default_headers:  # new with every second
            self._default_headers = self.server_state.default_headers
            self._default_lines = _lines(self._default_headers)
        self.transport.write(
            b"%bcontent-type: application/json\r\ncontent-length: %d\r\n%b%b\r\n%b"
            % (_STATUS_LINES[status], len(body), self._default_lines, _lines(extra), body)
        )
        if last:
            self.transport.close()
        self._answered()

    def _answered(self) -> None:
        """What uvicorn does after an answer, but for a timer that would be set and cancelled with every request."""
        self._answered_at = self.loop.time()
        if self.timeout_keep_alive_task is None or self.pipeline:
            self.on_response_complete()
        else:
            self.server_state.total_requests += 1


def _lines(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    return b"".join([b"%b: %b\r\n" % header for header in headers])
