"""The service behind every door: the keys of the moment, the sink, and what is counted."""

from __future__ import annotations

import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Final

from msgspec import Struct

from churnguard_collector.bodies import Events
from churnguard_collector.first_look import KnownSubjects
from churnguard_collector.intake import Request, take_in
from churnguard_collector.keys import Keys, WriteKey
from churnguard_collector.metrics import Metrics
from churnguard_collector.rates import RateLimits
from churnguard_collector.sink import Outcome, Sink
from churnguard_core.events.bad import BAD_EVENT_VERSION, BadEvent, Problem
from churnguard_core.events.messages import MessageType
from churnguard_core.events.results import Result
from churnguard_eventstore.days import KeptDays

_REFUSED_BY_STORE: Final = (Problem("", "the store cannot keep it"),)


class TooFast(Exception):  # noqa: N818 - an answer, not an error of the collector
    """A key sends too many events; it may come again after ``seconds``."""

    def __init__(self, *, seconds: int) -> None:
        self.seconds = seconds
        super().__init__(seconds)


class _Waiting(Struct, gc=False):
    """An event that was handed to the sink: what its answer and its metrics need."""

    message_id: str
    places: tuple[int, ...]
    kept_id: str
    subject: str
    type: MessageType
    lag: float


class _HandedOver(Struct, frozen=True, kw_only=True):
    """A request whose events are with the sink; ``results`` has None where the sink decides."""

    request: Request
    outcomes: Awaitable[Sequence[Outcome]] | None
    waiting: Sequence[_Waiting]
    results: list[Result | None]


class Service:
    """Takes events in, keeps them, and says what became of each.

    Args:
        keys: Keys to begin with.
        sink: Where events go.
        days: Which days are kept.
        metrics: Where everything is counted.
        clock: The time of day.

    ``unanswered`` counts requests that have begun and were not answered yet.
    """

    def __init__(
        self,
        *,
        keys: Keys,
        sink: Sink,
        days: KeptDays,
        metrics: Metrics,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.keys = keys
        self.metrics = metrics
        self.draining = False
        self.unanswered = 0
        self._sink = sink
        self._days = days
        self._clock = clock
        self._rates = RateLimits()
        self._subjects = KnownSubjects()

    def problem(self) -> str | None:
        """Why no more events should come; None when the collector is ready."""
        return "draining" if self.draining else self._sink.problem()

    async def keep(
        self, events: Events, *, key: WriteKey, type_: MessageType | None, tracks: bool
    ) -> list[Result]:
        """A result for each event; TooFast when the key must wait. Takes the events out of ``events``.

        Args:
            events: What came.
            key: Whose they are.
            type_: What all of them are, None where each says so.
            tracks: Whether the person's browser lets itself be followed.
        """
        self.metrics.received(source=key.kind, events=len(events.events))
        self._limit(key, events=len(events.events))
        now = self._clock()
        request = Request(
            key=key,
            route=type_,
            received_at=now,
            kept=self._days.at(now),
            new_id=_new_id,
            tracks=tracks or not key.workspace.privacy.do_not_track,
            subjects=self._subjects,
        )
        handed = self._hand_over(events, request)
        # What waits for its outcome may be much, and needs nothing of the request but ids.
        events.events.clear()
        results = await self._settle(handed)
        for result in results:
            if result.reason is not None:
                self.metrics.rejected(reason=result.reason)
        return results

    def _limit(self, key: WriteKey, *, events: int) -> None:
        seconds = self._rates.seconds_to_wait(
            key.id, events=events, rate=key.events_per_second, burst=key.burst, now=time.monotonic()
        )
        if seconds:
            self.metrics.rejected(reason="rate_limited", events=events)
            raise TooFast(seconds=seconds)

    def _hand_over(self, events: Events, request: Request) -> _HandedOver:
        intake = take_in(events, request=request)
        outcomes = None
        if intake.accepted or intake.bad:
            outcomes = self._sink.deliver(intake.accepted, intake.bad)
        received_at = request.received_at
        waiting = [
            _Waiting(
                each.message_id,
                each.places,
                (envelope := each.envelope).message_id,
                envelope.subject,
                envelope.type,
                # Never negative: the corrected time lies in the past.
                (received_at - envelope.timestamp).total_seconds(),
            )
            for each in intake.accepted
        ]
        return _HandedOver(request=request, outcomes=outcomes, waiting=waiting, results=intake.results)

    async def _settle(self, handed: _HandedOver) -> list[Result]:
        """The results, when the sink has decided."""
        results = handed.results
        if handed.outcomes is not None:
            refused = []
            kept: list[_Waiting] = []
            for event, outcome in zip(handed.waiting, await handed.outcomes, strict=True):
                if outcome == "kept":
                    result = Result(message_id=event.message_id, result="ok")
                    kept.append(event)
                elif outcome == "unstorable":
                    result = Result(
                        message_id=event.message_id, result="drop", reason=outcome, problems=_REFUSED_BY_STORE
                    )
                    refused.append(_unstorable(event, handed.request))
                else:
                    result = Result(message_id=event.message_id, result="retry", reason=outcome)
                for place in event.places:
                    results[place] = result
            self.metrics.accepted([event.type for event in kept])
            self.metrics.happened_before([event.lag for event in kept])
            if refused:
                await self._sink.deliver([], refused)
        return [result for result in results if result is not None]


def _unstorable(event: _Waiting, request: Request) -> BadEvent:
    return BadEvent(
        version=BAD_EVENT_VERSION,
        workspace=request.key.workspace.name,
        source=request.key.id,
        reason="unstorable",
        problems=_REFUSED_BY_STORE,
        received_at=request.received_at,
        message_id=event.kept_id,
        subject=event.subject,
    )


def _new_id() -> str:
    return secrets.token_hex(16)
