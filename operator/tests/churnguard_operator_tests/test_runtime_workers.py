"""Workers outlive every failure, end in order, and are paced when their writes lead nowhere."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from churnguard_core.churnmodel.status import Status, StatusCondition, TrainingRun
from churnguard_operator.cluster.errors import UnreachableError
from churnguard_operator.observed import ModelView, Observed
from churnguard_operator.plan import Plan
from churnguard_operator.runtime.health import STUCK_SECONDS, Health
from churnguard_operator.runtime.lease import DURATION_SECONDS, held, released
from churnguard_operator.runtime.queue import Queue
from churnguard_operator.runtime.reconciler import is_last_word
from churnguard_operator.runtime.store import ModelKey
from churnguard_operator.runtime.watermarks import PATIENCE_SECONDS, Stream, Watermarks
from churnguard_operator.runtime.workers import FREE_LOOKS, Workers

TELCO, SHOP = ModelKey("retention", "telco"), ModelKey("retention", "shop")
NOON = datetime(2025, 3, 3, 12, tzinfo=UTC)


class Results:
    def __init__(self) -> None:
        self.found: list[str] = []

    def looked(self, *, result: str, seconds: float) -> None:
        self.found.append(result)


def work(
    look: Callable[[ModelKey], Awaitable[timedelta | None]],
    *,
    until: Callable[[Results], bool],
    queue: Queue[ModelKey] | None = None,
) -> Results:
    """Results of looking at two models until something is so."""

    async def run() -> Results:
        keys = queue or Queue[ModelKey](clock=time.monotonic)
        results = Results()
        workers = Workers(queue=keys, look=look, meter=results)
        keys.add(TELCO)
        keys.add(SHOP)
        workers.start()
        async with asyncio.timeout(30):
            while not until(results):
                await asyncio.sleep(0.001)  # between two looks
            await workers.drain(seconds=30)
        return results

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("error", "result"), [(UnreachableError("no answer"), "error"), (ZeroDivisionError("a defect"), "defect")]
)
def test_a_model_that_fails_is_tried_again_and_does_not_stop_the_others(
    error: Exception, result: str
) -> None:
    looks: list[ModelKey] = []

    async def look(key: ModelKey) -> None:
        looks.append(key)
        if key == TELCO and looks.count(TELCO) == 1:
            raise error

    results = work(look, until=lambda results: len(results.found) == 3)
    assert sorted(results.found) == sorted([result, "ok", "ok"])
    assert looks.count(TELCO) == 2


def test_what_has_begun_is_finished_before_the_workers_end() -> None:
    begun, finished = [], []

    async def look(key: ModelKey) -> None:
        begun.append(key)
        await asyncio.sleep(0.05)  # the work itself
        finished.append(key)

    work(look, until=lambda _: len(begun) == 2)
    assert sorted(finished) == [SHOP, TELCO]


def test_looks_that_write_again_and_again_are_paced() -> None:
    clock_stands_still = Queue[ModelKey](clock=lambda: 0.0)

    async def look(_: ModelKey) -> timedelta:
        return timedelta(0)

    enough = 2 * (FREE_LOOKS + 1)
    results = work(look, until=lambda results: len(results.found) >= enough, queue=clock_stands_still)
    assert len(results.found) == enough


def an_observed(status: Status) -> Observed:
    model = ModelView(
        name="telco",
        namespace="retention",
        uid="u",
        generation=1,
        resource_version="1",
        created=NOON,
        parsed=None,
        status=status,
    )
    return Observed(model=model)


CONDITION = StatusCondition(
    type="Ready",
    status="False",
    reason="Suspended",
    message="",
    observed_generation=1,
    last_transition_time=NOON,
)


@pytest.mark.parametrize(
    ("plan", "is_last"),
    [
        (Plan(), True),
        (Plan(status=Status(conditions=(CONDITION,), observed_generation=1)), True),
        (Plan(status=Status(last_revision=1, training=TrainingRun(revision="telco-r1"))), False),
        (Plan(apply=({"kind": "Job"},)), False),
    ],
    ids=["nothing", "words", "a new revision", "an object"],
)
def test_another_look_follows_what_may_call_for_more(plan: Plan, is_last: bool) -> None:
    assert is_last_word(plan, an_observed(Status())) is is_last


def test_a_lease_that_changes_hands_counts_it_and_a_renewal_does_not() -> None:
    lease = {"metadata": {"resourceVersion": "1"}, "spec": {"holderIdentity": "a", "leaseTransitions": 3}}
    taken = held(lease, identity="b", now=NOON)
    assert taken["spec"]["leaseTransitions"] == 4
    assert taken["spec"]["leaseDurationSeconds"] == DURATION_SECONDS
    renewed = held(taken, identity="b", now=NOON + timedelta(seconds=2))
    assert renewed["spec"]["leaseTransitions"] == 4
    assert renewed["spec"]["acquireTime"] == taken["spec"]["acquireTime"]
    assert renewed["spec"]["renewTime"] > taken["spec"]["renewTime"]
    assert released(renewed)["spec"]["holderIdentity"] == ""
    assert released(renewed)["metadata"] == {"resourceVersion": "1"}


def test_what_is_stuck_is_named_and_a_queue_on_standby_is_not_stuck() -> None:
    now = 0.0

    def clock() -> float:
        return now

    async def run() -> None:
        nonlocal now
        queue, watermarks = Queue[ModelKey](clock=clock), Watermarks(clock=clock)
        health = Health(queue=queue, watermarks=watermarks)
        queue.add(TELCO)
        watermarks.listed(Stream("Job", "retention"), version=7)
        now += STUCK_SECONDS + PATIENCE_SECONDS
        assert health.problems() == []
        watermarks.listed(Stream("Job", "retention"), version=7)
        health.is_leader = True
        silent, waits = health.problems()
        assert "watch of Job in retention" in silent
        assert "has waited" in waits

    asyncio.run(run())
