"""Transactions on a real Postgres: events, offsets, bad events and who is handed what, all or nothing."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

import asyncpg
import pytest
from msgspec import Raw

from churnguard_core.events.envelope import Envelope
from churnguard_eventstore.days import KeptDays, partition_name
from churnguard_eventstore.offsets import Move, Topic
from churnguard_servers.postgres import execute
from churnguard_streaming.landing.batches import Rejected
from churnguard_streaming.landing.liveness import Liveness
from churnguard_streaming.landing.store import Store
from churnguard_streaming_tests.events import NOW, event, record_of

pytestmark = pytest.mark.servers

Database = Callable[[], str]
Rows = Callable[..., list[dict[str, Any]]]
TOPIC = Topic(name="t", id="id-of-t")
LONG = random.Random(7).randbytes(4_000).hex()
"""More than fits into an index, however it is compressed."""
POISON = {
    "nul": Raw(rb'{"a":"\u0000"}'),
    "number": Raw(b'{"a":1e999999}'),
}


class Pieces:
    """Takes bad events, and events that landed, and can be told to fail."""

    def __init__(self) -> None:
        self.rejected: list[Rejected] = []
        self.received: list[list[str]] = []
        self.fails = ""

    async def send(self, rejected: Sequence[Rejected]) -> None:
        if self.fails == "send":
            raise ConnectionError
        self.rejected += rejected

    async def receive(self, events: Sequence[Envelope], *, connection: asyncpg.Connection) -> None:
        await connection.executemany(
            "INSERT INTO handed VALUES ($1)", [(each.message_id,) for each in events]
        )
        if self.fails == "receive":
            raise ConnectionError
        self.received.append([each.message_id for each in events])


def store_of(url: str, pieces: Pieces, *, clock: Callable[[], datetime]) -> Store:
    return Store(
        lambda: url,
        days=KeptDays(past=10),
        bad_topic=pieces,
        receiver=pieces,
        liveness=Liveness(clock=time.monotonic),
        clock=clock,
    )


def with_store(
    url: str, story: Callable[[Store, Pieces], Awaitable[None]], *, clock: Callable[[], Any] = lambda: NOW
) -> None:
    execute(url, "CREATE TABLE handed (message_id text)")

    async def tell() -> None:
        pieces = Pieces()
        store = store_of(url, pieces, clock=clock)
        try:
            async with asyncio.timeout(120):
                await store.open()
                await story(store, pieces)
        finally:
            store.close()

    asyncio.run(tell())


def move(was: int, end: int, *, partition: int = 0) -> Move:
    return Move(partition=partition, was=was, next=end)


async def count(url: str, table: str) -> int:
    connection = await asyncpg.connect(url)
    try:
        found: int = await connection.fetchval(f"SELECT count(*) FROM {table}")
    finally:
        await connection.close()
    return found


def handed(rows: Rows, url: str) -> list[str]:
    return sorted(row["message_id"] for row in rows(url, "SELECT * FROM handed"))


def kept(rows: Rows, url: str) -> list[str]:
    return sorted(row["message_id"] for row in rows(url))


def test_who_is_handed_events_gets_each_new_one_once_and_in_order(database: Database, rows: Rows) -> None:
    url = database()

    async def story(store: Store, pieces: Pieces) -> None:
        assert await store.offsets(TOPIC, [0]) == {0: 0}
        first = [record_of(event(name)) for name in ("b", "a", "b", "c")]
        landed = await store.land(TOPIC, first, moves=[move(0, 4)])
        assert (len(landed.events), landed.duplicates, set(landed.moved)) == (3, 1, {0})
        second = [record_of(event(name)) for name in ("d", "a", "e", "c")]
        landed = await store.land(TOPIC, second, moves=[move(4, 8)])
        assert (len(landed.events), landed.duplicates) == (2, 2)
        nothing_new = await store.land(TOPIC, second, moves=[move(8, 12)])
        assert (list(nothing_new.events), nothing_new.duplicates) == ([], 4)
        assert pieces.received == [["b", "a", "c"], ["d", "e"]]
        assert await store.offsets(TOPIC, [0]) == {0: 12}

    with_store(url, story)
    assert kept(rows, url) == handed(rows, url) == ["a", "b", "c", "d", "e"]


def test_an_offset_that_another_has_moved_stays_and_nothing_of_its_partition_lands(
    database: Database, rows: Rows
) -> None:
    url = database()

    async def story(store: Store, pieces: Pieces) -> None:
        await store.offsets(TOPIC, [0, 1])
        await store.land(TOPIC, [record_of(event("a"))], moves=[move(0, 7)])
        records = [record_of(event("zombie")), record_of(event("b"), partition=1)]
        moves = [move(0, 3), move(0, 1, partition=1)]
        landed = await store.land(TOPIC, records, moves=moves)
        assert (set(landed.moved), [each.message_id for each in landed.events]) == ({1}, ["b"])
        late = await store.land(TOPIC, [record_of(event("late"))], moves=[move(3, 9)])
        assert (set(late.moved), list(late.events), late.duplicates) == (set(), [], 0)
        assert await store.offsets(TOPIC, [0, 1]) == {0: 7, 1: 1}
        # Of another topic with the same name, nothing has landed.
        assert await store.offsets(Topic(name="t", id="another"), [0, 1]) == {0: 0, 1: 0}

    with_store(url, story)
    assert kept(rows, url) == ["a", "b"]


def test_of_two_who_land_the_same_at_once_one_does(database: Database, rows: Rows) -> None:
    url = database()

    async def story(store: Store, pieces: Pieces) -> None:
        other = store_of(url, pieces, clock=lambda: NOW)
        await other.open()
        try:
            await store.offsets(TOPIC, [0])
            for turn in range(20):
                records = [record_of(event(f"{turn}-{number}")) for number in range(50)]
                moves = [move(turn * 50, turn * 50 + 50)]
                both = await asyncio.gather(
                    *(each.land(TOPIC, records, moves=moves) for each in (store, other))
                )
                assert sorted(len(each.moved) for each in both) == [0, 1]
        finally:
            other.close()

    with_store(url, story)
    assert len(kept(rows, url)) == len(handed(rows, url)) == 1000


@pytest.mark.parametrize("fails", ["send", "receive"])
def test_when_one_part_fails_nothing_has_happened_and_the_next_attempt_does_it_all(
    fails: str, database: Database, rows: Rows
) -> None:
    url = database()

    async def story(store: Store, pieces: Pieces) -> None:
        await store.offsets(TOPIC, [0])
        records = [record_of(event("a")), record_of(event("bad", properties=POISON["nul"]))]
        pieces.fails = fails
        with pytest.raises(ConnectionError):
            await store.land(TOPIC, records, moves=[move(0, 2)])
        assert await store.offsets(TOPIC, [0]) == {0: 0}
        assert await count(url, "handed") == await count(url, "churnguard.events") == 0
        pieces.fails = ""
        landed = await store.land(TOPIC, records, moves=[move(0, 2)])
        assert (len(landed.events), landed.rejected) == (1, {"unstorable": 1})

    with_store(url, story)
    assert kept(rows, url) == handed(rows, url) == ["a"]


def test_rows_that_cannot_be_stored_are_told_apart_from_hundreds_that_can(
    database: Database, rows: Rows
) -> None:
    url = database()
    names = [f"{number:03}" for number in range(300)]
    poison = dict(zip(names[::71], POISON.values(), strict=False))
    records = [record_of(event(name, properties=poison.get(name, Raw(b"{}")))) for name in names]
    records += [
        record_of(event(LONG)),
        record_of(event("nul", name="a\0b")),
        record_of(event("year", timestamp=datetime(9999, 12, 31, 23, tzinfo=timezone(-timedelta(hours=2))))),
        record_of(event("ancient", original_timestamp=NOW - timedelta(days=12))),
    ]

    async def story(store: Store, pieces: Pieces) -> None:
        await store.offsets(TOPIC, [0])
        landed = await store.land(TOPIC, records, moves=[move(0, len(records))])
        assert landed.rejected == {"unstorable": len(poison) + 3, "clock_skew": 1}
        refused = {each.bad.message_id for each in pieces.rejected}
        assert refused == {*poison, LONG, "nul", "year", "ancient"}
        assert await store.offsets(TOPIC, [0]) == {0: len(records)}

    with_store(url, story)
    assert kept(rows, url) == [name for name in names if name not in poison]


def test_a_partition_that_is_missing_is_made_and_the_event_lands(database: Database, rows: Rows) -> None:
    url = database()

    async def story(store: Store, pieces: Pieces) -> None:
        await store.offsets(TOPIC, [0])
        name = partition_name((NOW - timedelta(days=4)).date())
        connection = await asyncpg.connect(url)
        await connection.execute(f"DROP TABLE churnguard.{name}")
        await connection.close()
        missed = event("missed", original_timestamp=NOW - timedelta(days=4))
        landed = await store.land(TOPIC, [record_of(missed), record_of(event("a"))], moves=[move(0, 2)])
        assert (len(landed.events), landed.rejected) == (2, {})

    with_store(url, story)
    assert kept(rows, url) == ["a", "missed"]


def test_what_a_check_of_the_table_refuses_is_rejected_in_the_end(database: Database, rows: Rows) -> None:
    url = database()

    async def story(store: Store, pieces: Pieces) -> None:
        await store.offsets(TOPIC, [0])
        landed = await store.land(
            TOPIC, [record_of(event(name)) for name in ("a", "b", "c")], moves=[move(0, 3)]
        )
        assert (len(landed.events), landed.rejected) == (2, {"unstorable": 1})

    execute(url, "ALTER TABLE churnguard.events ADD CHECK (message_id <> 'b')")
    with_store(url, story)
    assert kept(rows, url) == ["a", "c"]
