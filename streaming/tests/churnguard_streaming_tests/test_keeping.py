"""Whatever is guessed of events, what is new is exact: random batches beside a model, on a real Postgres."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from churnguard_core.events.envelope import Envelope
from churnguard_eventstore.days import KeptDays
from churnguard_eventstore.partitions import keep_partitions
from churnguard_eventstore.staging import make_stage
from churnguard_streaming.landing import keeping
from churnguard_streaming.landing.keeping import Keeper
from churnguard_streaming_tests.events import NOW, event

pytestmark = pytest.mark.servers

names = st.integers(0, 30).map(str)
batches = st.lists(st.lists(names, min_size=1, max_size=12, unique=True), min_size=1, max_size=12)


@pytest.fixture(scope="module")
def url(database: Callable[[], str]) -> str:
    return database()


async def kept(url: str, rounds: list[list[Envelope]], *, there: list[Envelope]) -> list[list[Envelope]]:
    """What each round keeps, when these were there before by somebody else."""
    connection = await asyncpg.connect(url)
    try:
        await keep_partitions(connection, days=KeptDays(past=3), today=NOW.date())
        await connection.execute("TRUNCATE churnguard.events")
        await make_stage(connection)
        found = []
        async with connection.transaction():
            await Keeper().keep(connection, there)
        keeper = Keeper()
        for events in rounds:
            async with connection.transaction():
                found.append(await keeper.keep(connection, events))
        return found
    finally:
        await connection.close()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rounds=batches, there=st.lists(names, max_size=5, unique=True), remembered=st.integers(1, 40))
def test_new_is_what_was_never_kept_in_the_order_it_came(
    url: str, monkeypatch: pytest.MonkeyPatch, rounds: list[list[str]], there: list[str], remembered: int
) -> None:
    monkeypatch.setattr(keeping, "REMEMBERED", remembered)
    monkeypatch.setattr(keeping, "WARY", remembered % 3)
    seen = set(there)
    expected = []
    for each in rounds:
        expected.append([name for name in each if name not in seen])
        seen |= set(each)
    events = [[event(name) for name in each] for each in rounds]
    found = asyncio.run(kept(url, events, there=[event(name) for name in there]))
    assert [[each.message_id for each in new] for new in found] == expected


def test_the_same_id_at_another_time_or_place_is_new(
    url: str, rows: Callable[..., list[dict[str, Any]]]
) -> None:
    other = NOW.replace(microsecond=(NOW.microsecond + 1) % 1_000_000)
    rounds = [
        [event("m"), event("a")],
        [event("m", original_timestamp=other), event("m"), event("m", workspace="other"), event("b")],
        [event("m", original_timestamp=other), event("m", workspace="other")],
    ]
    found = asyncio.run(kept(url, rounds, there=[]))
    assert [len(each) for each in found] == [2, 3, 0]
    assert found[1] == [rounds[1][0], rounds[1][2], rounds[1][3]]
    assert len(rows(url)) == 5
