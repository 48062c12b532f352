"""The service behind every door: the keys of the moment, the sink, and what is counted."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import compress

from msgspec import Struct

from churnguard_collector.bodies import Events
from churnguard_collector.first_look import KnownSubjects
from churnguard_collector.intake import Request, take_in
from churnguard_collector.keys import Keys, WriteKey
from churnguard_collector.metrics import Metrics
from churnguard_collector.rates import RateLimits
from churnguard_collector.sink import Outcome, Sink
from churnguard_core.events.bad import UNSTORABLE
from churnguard_core.events.messages import MessageType
from churnguard_core.events.results import Result
from churnguard_eventstore.days import KeptDays


class TooFast(Exception):  # noqa: N818 - an answer, not an error of the collector
    """A key sends too many events; it may come again after ``seconds``."""

    def __init__(self, *, seconds: int) -> None:
        self.seconds = seconds
        super().__init__(seconds)


class HandedOver(Struct, frozen=True, gc=False):
    """Events that were handed to the sink, without what they hold: thousands of requests may wait for their outcomes.

    ``results`` are those of the request when everything is kept. ``places``, ``types`` and ``lags`` are of the events
    that the sink has: where their results are, what they are, and how many seconds ago they happened.
    """

    results: list[Result]
    places: list[tuple[int, ...]]
    types: list[MessageType]
    lags: list[float]
    outcomes: asyncio.Future[Sequence[Outcome]]


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

    def take(
        self, events: Events, *, key: WriteKey, type_: MessageType | None, tracks: bool
    ) -> HandedOver | list[Result]:
        """Hand events to the sink; a result for each at once when nothing of them is for it.

        Args:
            events: What came.
            key: Whose they are.
            type_: What all of them are, None where each says so.
            tracks: Whether the person's browser lets itself be followed.

        Raises:
            TooFast: The key must wait.
        """
        self.metrics.received(source=key.kind, events=len(events.events))
        if key.events_per_second is not None:
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
        intake = take_in(events, request=request)
        if not intake.accepted and not intake.bad:
            self._count_rejected(intake.results)
            return intake.results
        outcomes = self._sink.deliver(intake.accepted, intake.bad)
        handed = HandedOver(intake.results, [], [], [], outcomes)
        for accepted in intake.accepted:
            handed.places.append(accepted.places)
            handed.types.append(accepted.envelope.type)
            # Never negative: the corrected time lies in the past.
            handed.lags.append((now - accepted.envelope.timestamp).total_seconds())
        return handed

    def results(self, handed: HandedOver, outcomes: Sequence[Outcome]) -> list[Result]:
        """A result for each event of a request, now that the sink has decided."""
        results, metrics = handed.results, self.metrics
        if outcomes.count("kept") == len(outcomes):
            metrics.accepted(handed.types)
            metrics.happened_before(handed.lags)
        else:
            kept = [outcome == "kept" for outcome in outcomes]
            metrics.accepted([*compress(handed.types, kept)])
            metrics.happened_before([*compress(handed.lags, kept)])
            for places, outcome in zip(handed.places, outcomes, strict=True):
                for place in places:
                    results[place] = _result(results[place], outcome)
        self._count_rejected(results)
        return results

    def _count_rejected(self, results: list[Result]) -> None:
        for result in results:
            if result.reason is not None:
                self.metrics.rejected(reason=result.reason)

    def _limit(self, key: WriteKey, *, events: int) -> None:
        seconds = self._rates.seconds_to_wait(
            key.id, events=events, rate=key.events_per_second, burst=key.burst, now=time.monotonic()
        )
        if seconds:
            self.metrics.rejected(reason="rate_limited", events=events)
            raise TooFast(seconds=seconds)


def _result(result: Result, outcome: Outcome) -> Result:
    if outcome == "kept":
        return result
    if outcome == "unstorable":
        problems = (UNSTORABLE.problem,)
        return Result(message_id=result.message_id, result="drop", reason=outcome, problems=problems)
    return Result(message_id=result.message_id, result="retry", reason=outcome)


def _new_id() -> str:
    return secrets.token_hex(16)
