"""The sink on a real server: what it refuses, how much it takes, and the days it keeps."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import date, timedelta
from secrets import token_hex
from typing import Any

import asyncpg
import pytest

from churnguard_collector.metrics import Metrics
from churnguard_collector.postgres_sink import FULL, MOST_BYTES, PostgresSink
from churnguard_collector_tests.accepted_events import BAD, NOW, event
from churnguard_eventstore.days import KeptDays, partition_name
from churnguard_eventstore.partitions import keep_partitions
from churnguard_servers.postgres import execute

pytestmark = pytest.mark.servers

PAST = 3
Database = Callable[[], str]
Rows = Callable[..., list[dict[str, Any]]]
Story = Callable[[PostgresSink], Awaitable[None]]
HANG_UP = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
USERS = """
SELECT array_agg(DISTINCT usename::text) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


def with_sink(url: str, story: Story, *, capacity: int = 1000) -> None:
    with_sink_at(lambda: url, story, capacity=capacity)


def with_sink_at(url: Callable[[], str], story: Story, *, capacity: int = 1000) -> None:
    async def tell() -> None:
        metrics = Metrics(version="test", sink="postgres")
        sink = PostgresSink(url, days=KeptDays(past=PAST), capacity=capacity, meter=metrics)
        await sink.start()
        try:
            async with asyncio.timeout(120):
                await story(sink)
        finally:
            await sink.close()

    asyncio.run(tell())


def names(rows: Rows, url: str) -> list[str]:
    return sorted(row["message_id"] for row in rows(url))


def test_a_row_that_cannot_be_stored_is_told_apart_from_hundreds_that_can(
    database: Database, rows: Rows
) -> None:
    url = database()
    poison = {17: rb'{"a":"\u0000"}', 230: b'{"a":1e999999}', 231: b"no json"}
    events = [event(f"{number:03}", properties=poison.get(number, b"{}")) for number in range(300)]

    async def story(sink: PostgresSink) -> None:
        outcomes = await sink.deliver(events, [BAD])
        assert {number: each for number, each in enumerate(outcomes) if each != "kept"} == dict.fromkeys(
            poison, "unstorable"
        )
        assert sink.problem() is None

    with_sink(url, story)
    assert names(rows, url) == [f"{number:03}" for number in range(300) if number not in poison]
    told = rows(url, "SELECT reason, message_id FROM churnguard.bad_events ORDER BY message_id")
    assert [
        (each["reason"], each["message_id"]) for each in told if each["message_id"] != BAD.message_id
    ] == [
        ("unstorable", "017"),
        ("unstorable", "230"),
        ("unstorable", "231"),
    ]
    assert len(told) == 4


def test_two_who_keep_the_same_events_in_opposite_order_never_fail(database: Database, rows: Rows) -> None:
    url = database()
    events = [event(f"{number:03}") for number in range(400)]

    async def story(first: PostgresSink) -> None:
        second = PostgresSink(
            lambda: url, days=KeptDays(past=PAST), capacity=10**6, meter=Metrics(version="t", sink="p")
        )
        await second.start()
        for _ in range(10):
            outcomes = await asyncio.gather(first.deliver(events, []), second.deliver(events[::-1], []))
            assert {each for several in outcomes for each in several} == {"kept"}
        await second.close()

    with_sink(url, story)
    assert names(rows, url) == [each.envelope.message_id for each in events]


def test_what_does_not_fit_is_refused_at_once_and_what_waits_is_written_out(
    database: Database, rows: Rows
) -> None:
    url = database()

    async def story(sink: PostgresSink) -> None:
        other = await asyncpg.connect(url)
        transaction = other.transaction()
        await transaction.start()
        await other.execute("LOCK TABLE churnguard.events IN ACCESS EXCLUSIVE MODE")
        waiting = sink.deliver([event(f"{number:03}") for number in range(90)], [])
        assert sink.problem() == "too many events wait"
        assert sink.backlog.events == 90 > sink.backlog.capacity * FULL
        assert await sink.deliver([event("a")] * 11, []) == ["overloaded"] * 11
        assert await sink.drain(seconds=0.01) == 90
        await transaction.rollback()
        await other.close()
        assert await waiting == ["kept"] * 90
        assert await sink.drain(seconds=60) == 0
        assert sink.problem() is None

    with_sink(url, story, capacity=100)
    assert len(names(rows, url)) == 90


def test_large_events_are_as_many_as_memory_allows(database: Database, rows: Rows) -> None:
    url = database()
    large = event("a", properties=b'{"text":"%b"}' % (b"x" * 30_000))
    half = MOST_BYTES // len(large.encoded) // 2 + 1

    async def story(sink: PostgresSink) -> None:
        other = await asyncpg.connect(url)
        transaction = other.transaction()
        await transaction.start()
        await other.execute("LOCK TABLE churnguard.events IN ACCESS EXCLUSIVE MODE")
        waiting = sink.deliver([large] * half, [])
        assert sink.problem() == "too many events wait"
        assert await sink.deliver([large] * half, []) == ["overloaded"] * half
        await transaction.rollback()
        await other.close()
        assert set(await waiting) == {"kept"}
        assert sink.problem() is None

    with_sink(url, story, capacity=100_000)
    assert names(rows, url) == ["a"]


def test_an_address_that_changes_is_used_by_the_connections_that_are_made_from_then_on(
    database: Database, rows: Rows
) -> None:
    url = database()
    user = f"other_{token_hex(4)}"
    execute(url, f"CREATE ROLE {user} SUPERUSER LOGIN")
    addresses = [url]

    async def story(sink: PostgresSink) -> None:
        addresses.append(re.sub(r"//[^/]*/", f"//{user}@/", url))
        assert await sink.deliver([event("a")], []) == ["kept"]
        watcher = await asyncpg.connect(url)
        await watcher.execute(HANG_UP)
        while await watcher.fetchval(USERS) != [user]:
            await asyncio.sleep(0.05)  # between two looks
        await watcher.close()
        assert await sink.deliver([event("b")], []) == ["kept"]

    with_sink_at(lambda: addresses[-1], story)
    assert names(rows, url) == ["a", "b"]


def test_what_waits_when_it_is_closed_is_answered_as_unknown(database: Database) -> None:
    url = database()
    unknown: list[Sequence[str]] = []

    async def tell() -> None:
        meter = Metrics(version="test", sink="postgres")
        sink = PostgresSink(lambda: url, days=KeptDays(past=PAST), capacity=100, meter=meter)
        assert list(await sink.deliver([event("a")], [])) == ["unavailable"]
        await sink.start()
        waiting = sink.deliver([event("a")], [])
        await sink.close()
        unknown.append(await waiting)

    asyncio.run(tell())
    assert unknown == [["unavailable"]]


def test_an_answer_comes_only_after_the_disks(database: Database) -> None:
    url = database()

    async def story(sink: PostgresSink) -> None:
        connection = await sink._connect()
        # Even where the database was set to answer before.
        assert await connection.fetchval("SHOW synchronous_commit") == "on"
        await connection.close()

    async def set_to_answer_before() -> None:
        connection = await asyncpg.connect(url)
        name = await connection.fetchval("SELECT current_database()")
        await connection.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
        await connection.close()

    asyncio.run(set_to_answer_before())
    with_sink(url, story)


PARTITIONS = """
SELECT child.relname FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid
WHERE inhparent = 'churnguard.events'::regclass ORDER BY 1
"""


def test_a_partition_that_is_not_there_any_more_is_made_again(database: Database, rows: Rows) -> None:
    url = database()

    async def story(sink: PostgresSink) -> None:
        assert await sink.deliver([event("before")], []) == ["kept"]
        connection = await asyncpg.connect(url)
        await connection.execute(f"DROP TABLE churnguard.{partition_name(NOW.date())}")
        await connection.close()
        assert await sink.deliver([event("after")], []) == ["kept"]

    with_sink(url, story)
    assert names(rows, url) == ["after"]


def test_partitions_are_made_ahead_and_dropped_when_their_days_are_over(
    database: Database, rows: Rows
) -> None:
    url = database()
    first, days = date(2026, 3, 1), KeptDays(past=2)

    async def keep(today: date) -> None:
        connection = await asyncpg.connect(url)
        await keep_partitions(connection, days=days, today=today)
        await connection.close()

    async def at_once(today: date) -> None:
        await asyncio.gather(*(keep(today) for _ in range(3)))

    def made() -> list[str]:
        return [row["relname"] for row in rows(url, PARTITIONS)]

    def span(start: date, end: date) -> list[str]:
        return [partition_name(start + timedelta(days=number)) for number in range((end - start).days + 1)]

    asyncio.run(at_once(first))
    assert made() == span(date(2026, 2, 27), date(2026, 3, 3))
    asyncio.run(keep(first))
    assert made() == span(date(2026, 2, 27), date(2026, 3, 3))
    # Four days later; the day before the kept ones is still there.
    asyncio.run(at_once(date(2026, 3, 5)))
    assert made() == span(date(2026, 3, 2), date(2026, 3, 7))


def test_bad_events_are_kept_as_long_as_events(database: Database, rows: Rows) -> None:
    url = database()

    async def keep(today: date) -> None:
        connection = await asyncpg.connect(url)
        await keep_partitions(connection, days=KeptDays(past=2), today=today)
        await connection.close()

    async def story(sink: PostgresSink) -> None:
        await sink.deliver([], [BAD])

    with_sink(url, story)
    today = NOW.date()
    asyncio.run(keep(today + timedelta(days=2)))
    assert len(rows(url, "SELECT * FROM churnguard.bad_events")) == 1
    asyncio.run(keep(today + timedelta(days=3)))
    assert rows(url, "SELECT * FROM churnguard.bad_events") == []
