"""A short cut for small requests with events: to the same doors, without a detour."""

from __future__ import annotations

from functools import partial
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


class _Cycle:
    """A request under way, as far as uvicorn asks."""

    __slots__ = ("disconnected", "keep_alive", "response_complete")
    message_event: Final = _Heard()

    def __init__(self, *, keep_alive: bool) -> None:
        self.keep_alive = keep_alive
        self.disconnected = False
        self.response_complete = False


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
        cycle = _Cycle(keep_alive=not last)
        self.cycle = self.under_way = cycle  # type: ignore[assignment]
        door, head = way
        self._routes.answer(door, body, head=head, tell=partial(self._answer, head, cycle))

    def _answer(self, head: Head, cycle: _Cycle, answer: Answer) -> None:
        cycle.response_complete = True
        if not cycle.disconnected:
            self._write(answer, head=head, cycle=cycle)
        self.on_response_complete()

    def _write(self, answer: Answer, *, head: Head, cycle: _Cycle) -> None:
        extra = self._routes.more_headers(answer, origin=head.origin)
        last = not cycle.keep_alive or CLOSE in extra
        if last and CLOSE not in extra:
            extra = (*extra, CLOSE)
        # That it is JSON is written with every answer.
        others = () if extra is JUST_JSON else tuple(each for each in extra if each is not JSON)
        self.write_json(answer.status, answer.body, extra=others)
        if last:
            self.transport.close()
