"""HTTP/1.1 as uvicorn speaks it, with a short cut for small predictions.

For a request that is answered in twenty microseconds, a scope, a task and four messages between server and application
cost as much as the answer. So a POST to one of our doors whose whole body is announced and small is answered where its
last byte is read. Everything else (chunked, compressed or large bodies, expectations, other paths and methods, callers
that do not read their answers) goes the usual way, to the same doors. A request whose head its connection has sent
before does not even need the parser.
"""

from __future__ import annotations

from typing import Any, Final

from churnguard_serving.http.doors import Door
from churnguard_serving.http.heads import RepeatedHead
from churnguard_serving.http.route import LARGE_BODY, HotRoute
from churnguard_web.asgi import CLOSE, Headers
from churnguard_web.protocol import BoundedProtocol

_UNUSUAL: Final = frozenset(
    {
        b"content-encoding",
        b"expect",
        b"inference-header-content-length",
        b"transfer-encoding",
        b"upgrade",
    }
)


class ShortCutProtocol(BoundedProtocol):
    """HTTP around a :class:`HotRoute`."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self._route: HotRoute = self.app
        self._door: Door | None = None
        self._parts: list[bytes] = []
        self._last = False
        self._data = b""
        self._repeated: tuple[RepeatedHead, Door] | None = None

    def data_received(self, data: bytes) -> None:
        """Answer what has the head of the request before; else feed the parser."""
        if self._repeated is not None:
            head, door = self._repeated
            body = head.body_of(data)
            if body is not None and len(body) <= self._most_bytes() and not self.flow.write_paused:
                self._answer(door, body, last=False)
                return
            self._repeated = None
        self._data = b"" if self.is_receiving else data
        super().data_received(data)

    def on_headers_complete(self) -> None:
        """Decide which way the request goes."""
        self._door = self._short_cut()
        if self._door is None:
            super().on_headers_complete()
        else:
            self.has_head = True

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
        self.is_receiving = False
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

    def refuse(self, status: int, error: str) -> None:
        """Answer what cannot be a request, and hang up."""
        self._end_short_cut()
        super().refuse(status, error)

    def _short_cut(self) -> Door | None:
        door = self._route.short_cuts.get(self.url)
        if door is None or self.is_answering or self.flow.write_paused or self.transport.is_closing():
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

    def _write(self, status: int, body: bytes, *, extra: Headers, last: bool) -> None:
        last = last or CLOSE in extra
        if last and CLOSE not in extra:
            extra = (*extra, CLOSE)
        self.write_json(status, body, extra=extra)
        # No request waits behind this one, or it would not have taken the short cut.
        self.since = self.loop.time()
        if last:
            self.transport.close()
