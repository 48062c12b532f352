"""A short cut for small requests with events: to the same doors, without a detour."""

from __future__ import annotations

from time import perf_counter
from typing import Any, Final

from churnguard_collector.http.answers import JUST_JSON, Answer
from churnguard_collector.http.doors import DOORS, Door
from churnguard_collector.http.route import Head, HotRoutes, head_of
from churnguard_web.asgi import CLOSE, JSON
from churnguard_web.short_cut import ShortCutProtocol

MOST_BYTES: Final = 64 * 1024
"""Of a body that takes the short cut: until it is whole, nobody bounds what such bodies hold together."""

_DOORS: Final = {path.encode(): door for path, door in DOORS.items()}


class _Heard:
    """Nobody waits for the rest of a request that has come whole."""

    def set(self) -> None:
        """What uvicorn does to whoever waits."""


class _Request:
    """A request under way: what uvicorn and the routes ask of it."""

    __slots__ = (
        "_protocol",
        "body",
        "disconnected",
        "door",
        "head",
        "keep_alive",
        "response_complete",
        "started",
    )
    message_event: Final = _Heard()

    def __init__(
        self, protocol: EventProtocol, door: Door, head: Head, body: bytes, *, keep_alive: bool
    ) -> None:
        self._protocol = protocol
        self.door = door
        self.head = head
        self.body = body
        self.started = perf_counter()
        self.keep_alive = keep_alive
        self.disconnected = False
        self.response_complete = False

    def tell(self, answer: Answer) -> None:
        """Write the answer, if anybody is still there, and let what waits behind it begin."""
        self.response_complete = True
        if not self.disconnected:
            self._protocol.write_answer(answer, origin=self.head.origin, last=not self.keep_alive)
        self._protocol.on_response_complete()


class EventProtocol(ShortCutProtocol[tuple[Door, Head]]):
    """HTTP around :class:`HotRoutes`."""

    most_bytes = MOST_BYTES

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self._routes: HotRoutes = self.app

    def way(self) -> tuple[Door, Head] | None:
        """The door that events come by, and what their head says."""
        door = _DOORS.get(self.url)
        if door is None:
            return None
        self._routes.coming(1)
        return door, head_of(self.headers)

    def on_message_complete(self) -> None:
        """Count what has come no longer as coming."""
        if self._way is not None:
            self._routes.coming(-1)
        super().on_message_complete()

    def give_up(self, way: tuple[Door, Head], *, status: int) -> None:
        """Count what will not come."""
        self._routes.coming(-1)
        self._routes.gave_up(way[0], status=status, seconds=self.loop.time() - self.since)

    def take(self, way: tuple[Door, Head], body: bytes, *, last: bool) -> None:
        """Begin to answer; what comes before that is done waits behind it."""
        door, head = way
        request = _Request(self, door, head, body, keep_alive=not last)
        self.cycle = self.under_way = request  # type: ignore[assignment]
        self._routes.answer_soon(request)

    def write_answer(self, answer: Answer, *, origin: bytes | None, last: bool) -> None:
        """Write an answer; ``last`` says that the connection is closed behind it."""
        extra = self._routes.more_headers(answer, origin=origin)
        last = last or CLOSE in extra
        if last and CLOSE not in extra:
            extra = (*extra, CLOSE)
        # That it is JSON is written with every answer.
        others = () if extra is JUST_JSON else tuple(each for each in extra if each is not JSON)
        self.write_json(answer.status, answer.body, extra=others)
        if last:
            self.transport.close()
