"""HTTP/1.1 as uvicorn speaks it, with a short cut for small predictions.

For a request that is answered in twenty microseconds, a scope, a task and four messages between server and application
cost as much as the answer. So a POST to one of our doors whose whole body is announced and small is answered where its
last byte is read. Everything else (chunked, compressed or large bodies, expectations, other paths and methods, callers
that do not read their answers) goes the usual way, to the same doors.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from churnguard_serving.http.bodies import SECONDS_TO_READ
from churnguard_serving.http.doors import Door
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

    def data_received(self, data: bytes) -> None:
        """Feed the parser; a body that is not complete then has a minute to come."""
        super().data_received(data)
        if self._door is not None and self._patience is None:
            self._patience = self.loop.call_later(SECONDS_TO_READ, self._too_slow)

    def on_headers_complete(self) -> None:
        """Decide which way the request goes."""
        self._door = self._short_cut()
        if self._door is None:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Keep what came."""
        if self._door is None:
            super().on_body(body)
        else:
            self._parts.append(body)

    def on_message_complete(self) -> None:
        """Answer a request that took the short cut."""
        door = self._door
        if door is None:
            super().on_message_complete()
            return
        body = b"".join(self._parts)
        self._end_short_cut()
        status, answer, extra = self._route.reply(door, body)
        self._write(status, answer, extra=extra, last=self._last or not self.parser.should_keep_alive())

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
        return door if length is not None and length <= min(LARGE_BODY, self._route.most_bytes) else None

    def _end_short_cut(self) -> None:
        self._door = None
        self._parts = []
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _too_slow(self) -> None:
        self._end_short_cut()
        self._write(408, error_body(f"the body did not come in {SECONDS_TO_READ:.0f} s"), extra=(), last=True)

    def _write(self, status: int, body: bytes, *, extra: tuple[tuple[bytes, bytes], ...], last: bool) -> None:
        headers = [*self.server_state.default_headers, *extra]
        if last and (b"connection", b"close") not in extra:
            headers.append((b"connection", b"close"))
        lines = b"".join([b"%b: %b\r\n" % header for header in headers])
        self.transport.write(
            b"%bcontent-type: application/json\r\ncontent-length: %d\r\n%b\r\n%b"
            % (_STATUS_LINES[status], len(body), lines, body)
        )
        if last or (b"connection", b"close") in extra:
            self.transport.close()
        self.on_response_complete()
