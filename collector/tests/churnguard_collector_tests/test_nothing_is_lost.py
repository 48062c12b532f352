"""SIGKILL under load: what was answered ok is there once, the rest at most once, and nothing else is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from churnguard_collector_tests.collectors import Collector
from churnguard_collector_tests.load import Load
from churnguard_servers.postgres import PostgresServer

pytestmark = [pytest.mark.servers, pytest.mark.slow]

Rows = Callable[..., list[dict[str, Any]]]
EVENTS_BETWEEN_KILLS = 1_000


def assert_kept_exactly_once(load: Load, found: list[dict[str, Any]]) -> None:
    kept = Counter(row["message_id"] for row in found)
    assert load.acknowledged - kept.keys() == set(), "answered ok, and lost"
    assert kept.keys() - load.sent == set(), "never sent"
    assert {number for number, times in kept.items() if times > 1} == set(), "kept twice"
    print(
        f"{len(load.sent)} sent, {len(load.acknowledged)} answered ok, {len(kept)} kept, "
        f"{load.broken_off} requests broken off"
    )


def test_a_collector_that_is_killed_again_and_again_loses_nothing(
    start: Callable[..., Collector], database: Callable[[], str], rows: Rows
) -> None:
    url = database()
    collector = start(url)
    port = collector.port
    with Load(port) as load:
        for _ in range(3):
            load.wait_for(EVENTS_BETWEEN_KILLS)
            collector.process.kill()
            collector.process.wait()
            collector = start(url, port=port)
        load.wait_for(EVENTS_BETWEEN_KILLS)
    assert load.broken_off >= 3
    assert_kept_exactly_once(load, rows(url))
    assert collector.stop() == 0


def test_a_database_that_is_killed_again_and_again_loses_nothing(
    start: Callable[..., Collector], mortal_postgres: PostgresServer, rows: Rows
) -> None:
    url = mortal_postgres.new_database()
    collector = start(url)
    with Load(collector.port) as load:
        for _ in range(3):
            load.wait_for(EVENTS_BETWEEN_KILLS)
            mortal_postgres.kill()
            mortal_postgres.start()
        load.wait_for(EVENTS_BETWEEN_KILLS)
    assert collector.log.find("a batch was not written") or collector.log.find(
        "the database cannot be reached"
    )
    assert_kept_exactly_once(load, rows(url))
    assert collector.stop() == 0
