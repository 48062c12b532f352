"""What waits for the database: how much there may be, and what is taken at once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from churnguard_collector.waiting import Backlogged, Bounds, Waiting
from churnguard_core.events.bad import BadEvent

BAD = BadEvent(
    version=1, workspace="demo", source="s", reason="schema", problems=(), received_at=datetime.now(UTC)
)


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """One that never runs."""
    found = asyncio.new_event_loop()
    yield found
    found.close()


def backlogged(loop: asyncio.AbstractEventLoop, *deliveries: tuple[int, int]) -> Backlogged:
    """Of so many rows and bytes."""
    found = Backlogged(most=Bounds(rows=10, size=1000), batch=Bounds(rows=4, size=300))
    for rows, size in deliveries:
        found.put(Waiting(events=[], bad=[BAD] * rows, size=size, outcomes=loop.create_future()))
    return found


@pytest.mark.parametrize(
    ("deliveries", "batches"),
    [
        ([], []),
        ([(1, 10), (1, 10)], [2]),
        ([(2, 10), (2, 10), (1, 10)], [2, 1]),
        ([(1, 200), (1, 100), (1, 1)], [2, 1]),
        ([(9, 10), (1, 10)], [1, 1]),
        ([(1, 900), (1, 10)], [1, 1]),
    ],
)
def test_a_batch_is_what_is_within_its_bounds_and_never_less_than_one_delivery(
    deliveries: list[tuple[int, int]], batches: list[int], loop: asyncio.AbstractEventLoop
) -> None:
    found = backlogged(loop, *deliveries)
    taken = []
    while batch := found.take():
        taken.append(len(batch))
    assert (taken, bool(found)) == (batches, False)


@pytest.mark.parametrize(
    ("more", "fits"), [((5, 500), True), ((6, 0), False), ((0, 501), False), ((0, 0), True)]
)
def test_what_is_on_its_way_counts_until_it_is_done(
    more: tuple[int, int], fits: bool, loop: asyncio.AbstractEventLoop
) -> None:
    found = backlogged(loop, (3, 400), (2, 100))
    taken = found.take() + found.take()
    assert found.fits(rows=more[0], size=more[1]) == fits
    for each in taken:
        found.done(each)
    assert found.fits(rows=more[0], size=more[1])
    assert (found.rows, found.size) == (0, 0)


@pytest.mark.parametrize(("waiting", "is_fuller"), [((5, 500), False), ((6, 0), True), ((0, 501), True)])
def test_it_is_as_full_as_the_fuller_of_both(
    waiting: tuple[int, int], is_fuller: bool, loop: asyncio.AbstractEventLoop
) -> None:
    assert backlogged(loop, waiting).is_fuller_than(0.5) == is_fuller
