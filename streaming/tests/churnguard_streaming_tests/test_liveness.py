"""A landing that hangs says that it wants a restart, and one that only fails does not."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException
from msgspec import Raw

from churnguard_eventstore.days import KeptDays
from churnguard_eventstore.offsets import Move, Topic
from churnguard_streaming.landing.app import application
from churnguard_streaming.landing.batches import Record, Rejected
from churnguard_streaming.landing.handing import Nobody
from churnguard_streaming.landing.landing import Landing
from churnguard_streaming.landing.liveness import LONGEST_STEP_SECONDS, Liveness
from churnguard_streaming.landing.metrics import Metrics
from churnguard_streaming.landing.positions import Positions
from churnguard_streaming.landing.reader import Offsets
from churnguard_streaming.landing.store import Store
from churnguard_streaming_tests.events import NOW, PATIENCE, event, record_of

Database = Callable[[], str]
TOPIC = Topic(name="t", id="id-of-t")
OK: tuple[int, dict[str, str]] = (200, {"status": "ok"})


@dataclass(kw_only=True)
class Clock:
    """Stands still until a test sets it."""

    now: float = 1000.0
    looks: int = 0

    def __call__(self) -> float:
        self.looks += 1
        return self.now


@dataclass(kw_only=True)
class StuckMember:
    """A member whose reading does not end before it is let go."""

    reads: threading.Event = field(default_factory=threading.Event)
    let_go: threading.Event = field(default_factory=threading.Event)
    positions: Positions = field(default_factory=Positions)
    lags: Mapping[int, int] = field(default_factory=dict)
    missing: int = 0
    brokers_up: int | None = 1
    has_joined: bool = True
    is_outdated: bool = False

    def read(self) -> Sequence[Record]:
        self.reads.set()
        assert self.let_go.wait(PATIENCE)
        return []

    def tell(self) -> None:
        raise AssertionError("nothing was read")

    def go_to(self, stored: Mapping[int, int]) -> None:
        raise AssertionError("nothing was read")

    def close(self) -> None:
        return


@dataclass(kw_only=True)
class FakeSource:
    """A topic with one member; or, without one, a Kafka that is away."""

    member: StuckMember | None = None

    def topic(self) -> Topic:
        if self.member is None:
            raise KafkaException(KafkaError(KafkaError._ALL_BROKERS_DOWN))
        return TOPIC

    def join(self, topic: Topic, *, offsets: Offsets) -> StuckMember:
        assert self.member is not None
        return self.member


class BadTopic:
    """Takes what it is sent."""

    async def send(self, rejected: Sequence[Rejected]) -> None:
        return


@dataclass(kw_only=True)
class Running:
    """A landing that runs in the test's loop."""

    landing: Landing
    metrics: Metrics
    app: Any

    async def ask(self, path: str) -> tuple[int, dict[str, str]]:
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        await self.app({"type": "http", "method": "GET", "path": path}, None, send)
        return sent[0]["status"], json.loads(sent[1]["body"])

    def failures(self, at: str) -> float:
        name = "churnguard_landing_failures_total"
        return self.metrics.registry.get_sample_value(name, {"at": at}) or 0.0


def store_of(url: str, *, liveness: Liveness) -> Store:
    return Store(
        lambda: url,
        days=KeptDays(past=10),
        bad_topic=BadTopic(),
        receiver=Nobody(),
        liveness=liveness,
        clock=lambda: NOW,
    )


@asynccontextmanager
async def running(url: str, source: FakeSource, *, clock: Clock) -> AsyncIterator[Running]:
    liveness, metrics = Liveness(clock=clock), Metrics(version="1")
    store = store_of(url, liveness=liveness)
    landing = Landing(source=source, store=store, metrics=metrics, liveness=liveness, clock=lambda: NOW)
    app = application(hang=liveness.problem, problem=landing.problem, metrics=metrics.page)
    task = asyncio.create_task(landing.run())
    try:
        yield Running(landing=landing, metrics=metrics, app=app)
    finally:
        if source.member is not None:
            source.member.let_go.set()
        landing.stop()
        await task


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that only asking tells."""
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.01)  # between two questions


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.0, None),
        (LONGEST_STEP_SECONDS, None),
        (LONGEST_STEP_SECONDS + 1, f"one step has taken {LONGEST_STEP_SECONDS + 1:.0f} s"),
        (86_400.0, "one step has taken 86400 s"),
    ],
)
def test_a_step_is_given_up_after_its_time_and_not_before(seconds: float, said: str | None) -> None:
    clock = Clock()
    liveness = Liveness(clock=clock)
    clock.now += seconds
    assert liveness.problem() == said
    liveness.step_ended()
    assert liveness.problem() is None


@pytest.mark.servers
def test_a_reader_that_hangs_asks_for_a_restart(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    url = database()

    async def story() -> None:
        clock, member = Clock(), StuckMember()
        async with running(url, FakeSource(member=member), clock=clock) as landing:
            assert await asyncio.to_thread(member.reads.wait, PATIENCE)
            clock.now += LONGEST_STEP_SECONDS
            assert await landing.ask("/healthz") == OK
            clock.now += 1
            hang = f"one step has taken {LONGEST_STEP_SECONDS + 1:.0f} s"
            assert await landing.ask("/healthz") == (503, {"status": "hangs", "problem": hang})
            assert await landing.ask("/readyz") == (503, {"status": "not ready", "problem": hang})
            assert [each.message for each in caplog.records if each.levelname == "ERROR"] == ["landing hangs"]
            # It was slow beyond all measure, and goes on after all.
            member.let_go.set()
            await until(lambda: landing.landing.problem() is None)
            assert await landing.ask("/healthz") == OK

    asyncio.run(story())


async def fails_for_days(url: str, source: FakeSource, *, at: str, problem: str) -> None:
    clock = Clock()
    async with running(url, source, clock=clock) as landing:
        for _ in range(3):
            before = landing.failures(at)
            await until(lambda before=before: landing.failures(at) > before)  # type: ignore[misc]
            clock.now += LONGEST_STEP_SECONDS
            assert await landing.ask("/healthz") == OK
        status, said = await landing.ask("/readyz")
        assert (status, said["problem"].startswith(problem)) == (503, True)


@pytest.mark.servers
def test_a_landing_that_cannot_reach_kafka_is_not_restarted(database: Database) -> None:
    asyncio.run(fails_for_days(database(), FakeSource(), at="kafka", problem="Kafka: "))


def test_a_landing_that_cannot_reach_the_database_is_not_restarted(tmp_path: Path) -> None:
    url = f"postgresql://u@/x?host={tmp_path}"
    asyncio.run(fails_for_days(url, FakeSource(), at="database", problem="the database: "))


@pytest.mark.servers
def test_a_batch_of_refused_rows_is_many_steps(database: Database) -> None:
    url = database()

    async def story() -> None:
        clock = Clock()
        store = store_of(url, liveness=Liveness(clock=clock))
        try:
            await store.open()
            await store.offsets(TOPIC, [0])
            poison = [event(str(number), properties=Raw(rb'{"a":"\u0000"}')) for number in range(64)]
            looks = clock.looks
            landed = await store.land(
                TOPIC, [record_of(each) for each in poison], moves=[Move(partition=0, was=0, next=64)]
            )
            assert landed.rejected == {"unstorable": 64}
            assert clock.looks - looks >= 64
        finally:
            store.close()

    asyncio.run(story())
