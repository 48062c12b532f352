"""Keys come once, at their time, and never into two hands."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from churnguard_operator.runtime.queue import LONGEST_RETRY, Queue


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def queue(clock: Clock) -> Queue[str]:
    return Queue(clock=clock)


def run(work: Coroutine[Any, Any, Any]) -> Any:
    async def bounded() -> Any:
        async with asyncio.timeout(30):
            return await work

    return asyncio.run(bounded())


async def is_empty(queue: Queue[str]) -> bool:
    waiting = asyncio.ensure_future(queue.take())
    for _ in range(5):
        await asyncio.sleep(0)
    if waiting.done():
        return False
    waiting.cancel()
    return True


def test_a_key_that_is_added_often_comes_once(queue: Queue[str]) -> None:
    async def work() -> None:
        for _ in range(3):
            queue.add("telco")
        assert await queue.take() == "telco"
        queue.done("telco")
        assert await is_empty(queue)

    run(work())


def test_a_key_that_is_added_while_it_is_worked_on_comes_again_and_not_before_it_is_done(
    queue: Queue[str],
) -> None:
    async def work() -> None:
        queue.add("telco")
        await queue.take()
        queue.add("telco")
        assert await is_empty(queue)
        queue.done("telco")
        assert await queue.take() == "telco"

    run(work())


def test_the_earlier_of_two_times_counts(queue: Queue[str], clock: Clock) -> None:
    async def work() -> None:
        queue.add("telco", after=60)
        queue.add("telco", after=5)
        queue.add("telco", after=600)
        assert await is_empty(queue)
        clock.now += 5
        assert await queue.take() == "telco"
        queue.done("telco")
        clock.now += 10_000
        assert await is_empty(queue)

    run(work())


def test_keys_come_in_the_order_of_their_times(queue: Queue[str], clock: Clock) -> None:
    async def work() -> None:
        queue.add("later", after=2)
        queue.add("sooner", after=1)
        clock.now += 3
        assert [await queue.take(), await queue.take()] == ["sooner", "later"]

    run(work())


def test_a_worker_that_waits_for_a_later_key_takes_one_that_is_added_for_now() -> None:
    queue: Queue[str] = Queue(clock=time.monotonic)

    async def work() -> None:
        queue.add("tomorrow", after=86_400)
        waiting = asyncio.ensure_future(queue.take())
        await asyncio.sleep(0)
        queue.add("now")
        assert await waiting == "now"

    run(work())


def test_a_key_comes_when_its_time_has_come_without_anything_else_happening() -> None:
    queue: Queue[str] = Queue(clock=time.monotonic)

    async def work() -> None:
        queue.add("soon", after=0.01)
        assert await queue.take() == "soon"

    run(work())


def test_a_key_that_failed_comes_later_each_time_and_within_bounds(queue: Queue[str], clock: Clock) -> None:
    async def work() -> list[float]:
        queue.add("telco")
        delays = []
        for _ in range(30):
            await queue.take()
            delays.append(queue.failed("telco"))
            clock.now += delays[-1]
        return delays

    delays = run(work())
    assert delays == sorted(delays)
    assert delays[0] < 1
    assert delays[-1] == LONGEST_RETRY


def test_success_forgives_failures(queue: Queue[str], clock: Clock) -> None:
    async def work() -> tuple[float, float]:
        queue.add("telco")
        await queue.take()
        first = queue.failed("telco")
        clock.now += first
        await queue.take()
        queue.done("telco")
        queue.add("telco")
        await queue.take()
        return first, queue.failed("telco")

    first, second = run(work())
    assert first == second


def test_the_ages_tell_of_keys_that_wait_and_of_work_that_does_not_end(
    queue: Queue[str], clock: Clock
) -> None:
    async def work() -> None:
        queue.add("worked on")
        await queue.take()
        queue.add("waits")
        queue.add("in an hour", after=3600)
        clock.now += 10
        assert queue.depth == 1
        assert queue.oldest_age == 10
        assert queue.longest_work == 10

    run(work())


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["add", "take", "done", "failed", "later"])))
)
def test_no_key_is_ever_in_two_hands_and_none_is_lost(steps: list[tuple[str, str]]) -> None:
    clock = Clock()
    queue: Queue[str] = Queue(clock=clock)

    async def work() -> None:
        hands: set[str] = set()
        owed: set[str] = set()
        for key, step in steps:
            if step == "add":
                queue.add(key)
                owed.add(key)
            elif step == "later":
                clock.now += LONGEST_RETRY
            elif step == "take" and not await is_empty_of(owed - hands):
                taken = await queue.take()
                assert taken not in hands
                hands.add(taken)
                owed.discard(taken)
            elif step == "done" and key in hands:
                hands.remove(key)
                queue.done(key)
            elif step == "failed" and key in hands:
                hands.remove(key)
                queue.failed(key)
                owed.add(key)
                clock.now += LONGEST_RETRY
        for key in hands:
            queue.done(key)
        assert {await queue.take() for _ in owed} == owed

    async def is_empty_of(keys: set[str]) -> bool:
        return not keys

    run(work())
