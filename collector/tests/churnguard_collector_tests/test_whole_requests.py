"""Requests that come whole and in one turn of the loop."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import cast

import pytest

from churnguard_collector.accepted import Accepted
from churnguard_collector.http.answers import Answer
from churnguard_collector.http.doors import DOORS, Door
from churnguard_collector.http.route import Head, HotRoutes
from churnguard_collector.keys import parse_keys
from churnguard_collector.metrics import Metrics
from churnguard_collector.service import Service
from churnguard_collector.sink import Outcome, Sink
from churnguard_collector_tests.write_keys import SERVER, key_file
from churnguard_core.events.bad import BadEvent
from churnguard_eventstore.days import KeptDays
from churnguard_web.asgi import Application

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
TRACK = DOORS["/v1/track"]
KNOWN = Head(key=SERVER)


@dataclass
class Request:
    """As the protocol hands it over; ``told`` is where its answer goes."""

    event: str
    told: list[tuple[str, int]]
    door: Door = TRACK
    head: Head = KNOWN
    started: float = 0.0
    hangs_up: bool = False
    body: bytes = field(init=False)

    def __post_init__(self) -> None:
        self.body = json.dumps({"event": self.event, "userId": "u"}).encode()

    def tell(self, answer: Answer) -> None:
        if self.hangs_up:
            raise ConnectionResetError(self.event)
        self.told.append((self.event, answer.status))


class Waiting:
    """A sink that decides when it is told to."""

    def __init__(self) -> None:
        self.waiting: list[tuple[str, asyncio.Future[Sequence[Outcome]]]] = []

    def problem(self) -> str | None:
        return None

    def deliver(
        self, events: Sequence[Accepted], bad: Sequence[BadEvent]
    ) -> asyncio.Future[Sequence[Outcome]]:
        outcomes: asyncio.Future[Sequence[Outcome]] = asyncio.get_running_loop().create_future()
        self.waiting += [(event.envelope.name or "", outcomes) for event in events]
        return outcomes


def routes(sink: Waiting) -> tuple[HotRoutes, Service]:
    service = Service(
        keys=parse_keys(json.dumps(key_file()).encode()),
        sink=cast("Sink", sink),
        days=KeptDays(past=90),
        metrics=Metrics(version="test", sink="kafka"),
        clock=lambda: NOW,
    )
    return HotRoutes(service, cast("Application", None)), service


async def turns() -> None:
    """As many as a decision takes to become an answer."""
    for _ in range(3):
        await asyncio.sleep(0)


def test_each_is_answered_as_soon_as_its_own_events_are_decided_on() -> None:
    async def story() -> None:
        sink, told = Waiting(), list[tuple[str, int]]()
        hot, service = routes(sink)
        for event in ("first", "second", "third"):
            hot.answer_soon(Request(event, told))
        assert (sink.waiting, service.unanswered) == ([], 3), "nothing is taken in while requests are read"
        await turns()
        assert ([event for event, _ in sink.waiting], told) == (["first", "second", "third"], [])
        for place, outcome in ((1, "kept"), (0, "overloaded"), (2, "kept")):
            sink.waiting[place][1].set_result([cast("Outcome", outcome)])
            await turns()
        assert (told, service.unanswered) == ([("second", 200), ("first", 503), ("third", 200)], 0)

    asyncio.run(story())


def test_one_whose_answer_cannot_be_written_keeps_no_other_from_its_own(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def story() -> None:
        told = list[tuple[str, int]]()
        hot, service = routes(Waiting())
        unknown = Head(key="no such key")
        hot.answer_soon(Request("first", told, head=unknown, hangs_up=True))
        hot.answer_soon(Request("second", told, head=unknown))
        await turns()
        assert (told, service.unanswered) == ([("second", 401)], 0)

    asyncio.run(story())
    assert [record.getMessage() for record in caplog.records] == ["an answer failed"]


def test_what_cannot_be_taken_in_is_answered_and_told_and_keeps_no_other_from_its_answer(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Broken(Waiting):
        def deliver(
            self, events: Sequence[Accepted], bad: Sequence[BadEvent]
        ) -> asyncio.Future[Sequence[Outcome]]:
            if events[0].envelope.name == "first":
                raise ZeroDivisionError
            return super().deliver(events, bad)

    async def story() -> None:
        sink, told = Broken(), list[tuple[str, int]]()
        hot, service = routes(sink)
        hot.answer_soon(Request("first", told))
        hot.answer_soon(Request("second", told))
        await turns()
        sink.waiting[0][1].set_result(["kept"])
        await turns()
        assert (told, service.unanswered) == ([("first", 500), ("second", 200)], 0)

    asyncio.run(story())
    assert [record.getMessage() for record in caplog.records] == ["a request failed"]
