"""The service behind every door: the keys of the moment, the sink, and what is counted."""

from __future__ import annotations

import secrets
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

from churnguard_collector.bodies import Events
from churnguard_collector.intake import Accepted, Intake, Request, take_in
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

    def problem(self) -> str | None:
        """Why no more events should come; None when the collector is ready."""
        return "draining" if self.draining else self._sink.problem()

    async def keep(
        self, events: Events, *, key: WriteKey, type_: MessageType | None, tracks: bool
    ) -> list[Result]:
        """A result for each event; TooFast when the key must wait.

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
        )
        intake = take_in(events, request=request)
        if intake.accepted or intake.bad:
            envelopes = [each.envelope for each in intake.accepted]
            outcomes = await self._sink.deliver(envelopes, intake.bad)
            if refused := self._settle(intake, outcomes, request=request):
                await self._sink.deliver([], refused)
        results = [result for result in intake.results if result is not None]
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

    def _settle(self, intake: Intake, outcomes: Sequence[Outcome], *, request: Request) -> Sequence[BadEvent]:
        """Fill in the results that the sink decided; returns what it refused."""
        refused = []
        kept = Counter[str]()
        for accepted, outcome in zip(intake.accepted, outcomes, strict=True):
            envelope = accepted.envelope
            for place in accepted.places:
                intake.results[place] = _result(accepted, outcome)
            if outcome == "kept":
                kept[envelope.type] += len(accepted.places)
                lag = (request.received_at - envelope.timestamp).total_seconds()
                self.metrics.happened_before(seconds=lag)
            elif outcome == "unstorable":
                refused.append(_unstorable(accepted))
        self.metrics.accepted(kept)
        return refused


def _result(accepted: Accepted, outcome: Outcome) -> Result:
    message_id = accepted.message_id
    if outcome == "kept":
        return Result(message_id=message_id, result="ok")
    if outcome == "unstorable":
        return Result(message_id=message_id, result="drop", reason=outcome, problems=_REFUSED_BY_STORE)
    return Result(message_id=message_id, result="retry", reason=outcome)


def _unstorable(accepted: Accepted) -> BadEvent:
    envelope = accepted.envelope
    return BadEvent(
        version=BAD_EVENT_VERSION,
        workspace=envelope.workspace,
        source=envelope.source,
        reason="unstorable",
        problems=_REFUSED_BY_STORE,
        received_at=envelope.received_at,
        message_id=envelope.message_id,
        subject=envelope.subject,
    )


def _new_id() -> str:
    return secrets.token_hex(16)
