"""Acknowledgements from the thread that hears them to the loop that waits for them.

librdkafka calls back once for every record. Per record nothing is done here but counting down, and the loop is woken
once for all requests that became complete since it was woken last: to wake it costs more than all the rest.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from confluent_kafka import KafkaError, Message

from churnguard_collector.sink import Outcome


class Failure(Protocol):
    """Told of each record that was not delivered, in the thread that hears it."""

    def __call__(self, error: KafkaError, topic: str) -> None:
        """``error`` says why."""


class Delivery:
    """The records of one request; nothing of what they hold is kept here.

    Args:
        events: How many events are among them. What else is sent with them has no outcome, but is waited for too.
        outcomes: Where the outcome of each event will be.
        begun: When it was begun, by the loop's clock.
        deliveries: All that are under way.
    """

    __slots__ = ("_deliveries", "_expected", "_heard", "begun", "outcomes", "result")

    def __init__(
        self,
        events: int,
        *,
        outcomes: asyncio.Future[Sequence[Outcome]],
        begun: float,
        deliveries: Deliveries,
    ) -> None:
        self.begun = begun
        self.outcomes = outcomes
        self.result: list[Outcome] = ["kept"] * events
        self._deliveries = deliveries
        self._heard = 0
        self._expected = -1

    def expect(self, records: int) -> None:
        """So many were handed over; called when all were."""
        self._expected = records
        # The last may have been heard of before this was known. When both sides see it, the second finds it done.
        if self._heard == records:
            self._deliveries.complete(self)

    def heard(self, place: int | None, error: KafkaError | None, message: Message) -> None:
        """A record was delivered, or was not; called in the other thread, once for each.

        Args:
            place: Of the event, None for what is none.
            error: Why it was not delivered, if it was not.
            message: The record.
        """
        if error is not None:
            self._deliveries.failed(error, message.topic() or "")
            if place is not None:
                self.result[place] = "unavailable"
        self._heard += 1
        if self._heard == self._expected:
            self._deliveries.complete(self)

    def give_up(self) -> None:
        """What was not heard of by now is unknown."""
        self.result = ["unavailable" if each == "kept" else each for each in self.result]


class Deliveries:
    """All requests whose records are under way.

    Args:
        failed: Told of each record that was not delivered.
        completed: Told, in the loop, of each delivery that is complete.
    """

    def __init__(self, *, failed: Failure, completed: Callable[[Delivery], None]) -> None:
        self.failed: Final = failed
        self._completed = completed
        self._loop = asyncio.get_running_loop()
        self._complete = deque[Delivery]()
        self._woken = False
        self._under_way = deque[Delivery]()

    def begin(self, *, events: int) -> Delivery:
        """The delivery of a request with so many events."""
        loop = self._loop
        delivery = Delivery(events, outcomes=loop.create_future(), begun=loop.time(), deliveries=self)
        self._under_way.append(delivery)
        return delivery

    def complete(self, delivery: Delivery) -> None:
        """Of this one all was heard; called in either thread."""
        self._complete.append(delivery)
        if not self._woken:
            # Said before the loop is woken: it takes this back before it looks, so nothing is overlooked.
            self._woken = True
            self._loop.call_soon_threadsafe(self._answer)

    def unanswered(self) -> list[asyncio.Future[Sequence[Outcome]]]:
        """Where the outcomes of what is under way will be."""
        return [each.outcomes for each in self._under_way if not each.outcomes.done()]

    def expire(self, *, begun_before: float) -> None:
        """Answer what is under way for longer than that as unknown; called in the loop."""
        under_way = self._under_way
        while under_way and (under_way[0].outcomes.done() or under_way[0].begun < begun_before):
            delivery = under_way.popleft()
            if not delivery.outcomes.done():
                delivery.give_up()
                delivery.outcomes.set_result(delivery.result)

    def _answer(self) -> None:
        self._woken = False
        complete = self._complete
        while complete:
            delivery = complete.popleft()
            if not delivery.outcomes.done():
                delivery.outcomes.set_result(delivery.result)
                self._completed(delivery)
        self.expire(begun_before=0.0)
