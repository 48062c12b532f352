"""A short cut for small requests that come often.

For a request that is answered in some microseconds, a scope, a task and four messages between server and application
cost as much as the answer. So a POST whose whole body is announced and small may be answered where its last byte is
read. Everything else (chunked, compressed or large bodies, expectations, other paths and methods, requests ahead of
their answers, callers that do not read theirs) goes the usual way. A request whose head its connection has sent before
does not even need the parser.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Final, Generic, TypeVar

from churnguard_web.heads import RepeatedHead
from churnguard_web.protocol import BoundedProtocol

_UNUSUAL: Final = frozenset({b"content-encoding", b"expect", b"transfer-encoding", b"upgrade"})

Way = TypeVar("Way")


class ShortCutProtocol(BoundedProtocol, Generic[Way]):
    """HTTP with ways beside the application's; a way is what a request's head says about it."""

    unusual: frozenset[bytes] = _UNUSUAL
    """Headers of requests that do not take the short cut."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self._way: Way | None = None
        self._parts: list[bytes] = []
        self._last = False
        self._data = b""
        self._repeated: tuple[RepeatedHead, Way] | None = None

    @property
    @abstractmethod
    def most_bytes(self) -> int:
        """Of a body that takes the short cut."""

    @abstractmethod
    def way(self) -> Way | None:
        """The way of the POST whose head was read, from ``url`` and ``headers``; None for the usual one."""

    @abstractmethod
    def take(self, way: Way, body: bytes, *, last: bool) -> None:
        """Answer a whole request; ``last`` says that the connection must be closed then."""

    def give_up(self, way: Way, *, status: int) -> None:
        """What began to come this way will not come; ``status`` says why, 499 when the caller hung up."""

    def data_received(self, data: bytes) -> None:
        """Answer what has the head of the request before; else feed the parser."""
        if self._repeated is not None:
            head, way = self._repeated
            cycle = self.cycle
            if (cycle is None or cycle.response_complete) and not self.flow.write_paused:
                body = head.body_of(data)
                if body is not None and len(body) <= self.most_bytes:
                    self.take(way, body, last=False)
                    return
            self._repeated = None
        self._data = b"" if self.is_receiving else data
        super().data_received(data)

    def on_headers_complete(self) -> None:
        """Decide which way the request goes."""
        self._way = self._short_cut()
        if self._way is None:
            super().on_headers_complete()
        else:
            self.has_head = True

    def on_body(self, body: bytes) -> None:
        """Keep what came."""
        if self._way is None:
            super().on_body(body)
        else:
            self._parts.append(body)

    def on_message_complete(self) -> None:
        """Answer a request that took the short cut."""
        way = self._way
        if way is None:
            super().on_message_complete()
            return
        self.is_receiving = False
        body = b"".join(self._parts)
        self._end_short_cut()
        last = self._last or not self.parser.should_keep_alive()
        # Only data that are this request from its first to its last byte show its head.
        head = None if last else RepeatedHead.of(self._data, length=len(body))
        self._repeated = None if head is None else (head, way)
        self._data = b""
        self.take(way, body, last=last)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget what was under way."""
        self._break_off(status=499)
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """Hang up, or after the answer when a request is under way."""
        if self._way is None:
            super().shutdown()
        else:
            self._last = True

    def refuse(self, status: int, error: str) -> None:
        """Answer what cannot be a request, and hang up."""
        self._break_off(status=status)
        super().refuse(status, error)

    def _short_cut(self) -> Way | None:
        if self.is_answering or self.flow.write_paused or self.transport.is_closing():
            return None
        if self.parser.get_method() != b"POST" or self.parser.get_http_version() != "1.1":
            return None
        length = None
        for name, value in self.headers:
            if name in self.unusual:
                return None
            if name == b"content-length":
                length = int(value)
        return self.way() if length is not None and length <= self.most_bytes else None

    def _break_off(self, *, status: int) -> None:
        way = self._way
        self._end_short_cut()
        if way is not None:
            self.give_up(way, status=status)

    def _end_short_cut(self) -> None:
        self._way = None
        self._parts = []
