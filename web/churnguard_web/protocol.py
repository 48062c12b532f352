"""HTTP/1.1 as uvicorn speaks it, with bounds on what a caller may take: time, memory, and requests ahead of answers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from churnguard_web.asgi import CLOSE, Header, Headers
from churnguard_web.connections import Connections, Limits

MOST_HEAD: Final = 64 * 1024
"""Bytes of a request's head after those that came with its first."""
MOST_PIPELINED: Final = 128
"""Requests that may wait for the answers of those before them: each takes some kilobytes."""

_STATUS_LINES: Final = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus
}


class TooManyRequestsError(Exception):
    """More requests came ahead of their answers than may wait; the parser makes a 400 of it."""


class BoundedProtocol(HttpToolsProtocol):
    """A connection. What is called for every request costs next to nothing; deadlines are for :class:`Connections`."""

    server_state: Connections

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.since = 0.0
        self.is_receiving = False
        self.has_head = False
        self.under_way: Any = None
        self._head_bytes = 0
        self._unsent = 0
        self._unsent_since = 0.0
        self._default_headers: list[Header] = []
        self._default_lines = b""

    @property
    def is_answering(self) -> bool:
        """Whether the application has a request, and has not answered it."""
        return self.cycle is not None and not self.cycle.response_complete

    @property
    def is_waiting(self) -> bool:
        """Whether it is the caller's turn: to begin a request, to send the rest of it, or to read the answer."""
        return self.is_receiving or not self.is_answering

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Somebody else may have to go."""
        self.since = self.loop.time()
        super().connection_made(transport)
        self.server_state.make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the request that is being answered: uvicorn tells the one that came last, which may wait behind it."""
        if self.under_way is not None and not self.under_way.response_complete:
            self.under_way.disconnected = True
            self.under_way.message_event.set()
        super().connection_lost(exc)

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        self.under_way = cycle
        super()._start_asgi_task(cycle, app)

    def data_received(self, data: bytes) -> None:
        """Feed the parser, and bound what it collects of a head."""
        was_in_head = self.is_receiving and not self.has_head
        super().data_received(data)
        if was_in_head and self.is_receiving and not self.has_head:
            self._head_bytes += len(data)
            if self._head_bytes > MOST_HEAD:
                self.refuse(431, f"the head is larger than {MOST_HEAD} bytes")

    def on_message_begin(self) -> None:
        """A request begins."""
        self.is_receiving, self.has_head = True, False
        self._head_bytes = 0
        self.since = self.loop.time()
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header, but none that follows a chunked body: nobody reads those, and they have no end."""
        if not self.has_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Let the application begin, or the request wait for those before it."""
        self.has_head = True
        if len(self.pipeline) >= MOST_PIPELINED:
            raise TooManyRequestsError
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """A request is whole."""
        self.is_receiving = False
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """It is the caller's turn: what uvicorn does, but for a timer that would be set and cancelled every time."""
        self.since = self.loop.time()
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())

    def keep_deadlines(self, limits: Limits, *, now: float) -> None:
        """Hang up if a deadline has passed."""
        waited = now - self.since
        if self._does_not_read(limits, now=now):
            self.abort()
        elif self.transport.is_closing():
            return
        elif self.is_receiving and not self.is_answering:
            if waited > limits.read:
                self.refuse(408, f"the request did not come in {limits.read:.0f} s")
        elif self.is_receiving:
            if waited > limits.answered:
                self.abort()
        elif not self.is_answering and waited > limits.idle:
            self.transport.close()

    def abort(self) -> None:
        """Hang up, whatever is under way."""
        self.transport.abort()

    def send_400_response(self, msg: str) -> None:
        """The answer to what is no HTTP, in JSON like every other answer."""
        self.refuse(400, msg)

    def refuse(self, status: int, error: str) -> None:
        """Answer in the application's place, and hang up."""
        if not self.transport.is_closing():
            body = json.dumps({"error": error}, separators=(",", ":")).encode()
            self.write_json(status, body, extra=(CLOSE,))
            self.transport.close()

    def write_json(self, status: int, body: bytes, *, extra: Headers) -> None:
        """Write an answer; ``extra`` are headers besides the type and length of its body and what every answer has."""
        if self._default_headers is not self.server_state.default_headers:  # new with every second
            self._default_headers = self.server_state.default_headers
            self._default_lines = _lines(self._default_headers)
        self.transport.write(
            b"%bcontent-type: application/json\r\ncontent-length: %d\r\n%b%b\r\n%b"
            % (_STATUS_LINES[status], len(body), self._default_lines, _lines(extra), body)
        )

    def _does_not_read(self, limits: Limits, *, now: float) -> bool:
        """Whether what was answered has not become less for too long."""
        unsent, before = self.transport.get_write_buffer_size(), self._unsent
        self._unsent = unsent
        if unsent == 0 or before == 0 or unsent < before:
            self._unsent_since = now
        return now - self._unsent_since > limits.unread


def _lines(headers: Iterable[Header]) -> bytes:
    return b"".join([b"%b: %b\r\n" % header for header in headers])
