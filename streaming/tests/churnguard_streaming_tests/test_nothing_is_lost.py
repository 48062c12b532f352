"""SIGKILL at the worst moments: what Kafka acknowledged lands once, and nothing else does."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from churnguard_servers.fixtures import running_kafka
from churnguard_servers.kafka import Installation, KafkaCluster
from churnguard_servers.postgres import PostgresServer, execute
from churnguard_servers.processes import until
from churnguard_streaming_tests.conftest import make_log
from churnguard_streaming_tests.events import event
from churnguard_streaming_tests.landings import Landing
from churnguard_streaming_tests.load import Load
from churnguard_streaming_tests.locks import Lock
from churnguard_streaming_tests.logs import EventLog

pytestmark = [pytest.mark.servers, pytest.mark.slow, pytest.mark.timeout(900)]

Land = Callable[..., Landing]
Database = Callable[[], str]
Rows = Callable[..., list[dict[str, Any]]]

NEXT = "SELECT partition, next_offset FROM churnguard.kafka_offsets ORDER BY 1"
SAME_ROW = """
INSERT INTO churnguard.events (workspace, message_id, original_timestamp, timestamp, received_at, type, subject,
    properties, context, source)
VALUES ('{event.workspace}', '{event.message_id}', '{event.original_timestamp}', now(), now(), 'track', 'k1_0',
    '{{}}', '{{}}', 'server')
"""
# At the end of every transaction that moves offsets: what was inserted is inserted, and nothing is committed.
WAIT_AT_COMMIT = (
    "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN PERFORM pg_advisory_xact_lock(4711); RETURN NULL; END $$",
    "CREATE CONSTRAINT TRIGGER waits AFTER UPDATE ON churnguard.kafka_offsets "
    "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION wait()",
)
WRITING = """
SELECT count(*) AS n FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'churnguard-land'
"""
WAITING_FOR_ITS_PROGRAM = WRITING + " AND wait_event = 'ClientRead' AND xact_start IS NOT NULL"
KILL_CONNECTIONS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'churnguard-land'
"""


def count(rows: Rows, url: str) -> int:
    found: int = rows(url, "SELECT count(*) AS n FROM churnguard.events")[0]["n"]
    return found


@contextlib.contextmanager
def committing(land: Land, url: str, event_log: EventLog, *, events: int) -> Iterator[Landing]:
    """A landing whose commit of so many events is under way, and waits in the database until the end of this."""
    execute(url, *WAIT_AT_COMMIT)
    landing = land(url, event_log)
    landing.wait_until_it_lands()
    with Lock(url, "SELECT pg_advisory_xact_lock(4711)") as lock:
        event_log.writer().write(event(f"{number:04}") for number in range(events))
        lock.wait_for_waiting()
        yield landing


@contextlib.contextmanager
def landing_under_load(event_log: EventLog, *, url: str, rows: Rows) -> Iterator[Load]:
    """Events come the whole time; at the end, landing still goes on, and all of them have landed once."""
    with Load(event_log, url=url, rows=rows) as load:
        yield load
        load.wait_for_landing()
    load.assert_landed_exactly_once()


@contextlib.contextmanager
def away(server: PostgresServer | KafkaCluster, landing: Landing) -> Iterator[None]:
    """A server is killed, and back at the end."""
    server.kill()
    yield
    server.start()
    landing.wait_until_it_lands()


def test_a_landing_that_is_killed_between_insert_and_commit_has_landed_nothing(
    land: Land, database: Database, event_log: EventLog, rows: Rows
) -> None:
    url = database()
    events = [event(f"{number:04}") for number in range(1000)]
    landing = land(url, event_log)
    landing.wait_until_it_lands()
    # Somebody is about to keep the last one, so the insert of the others has to wait for what becomes of it.
    with Lock(url, SAME_ROW.format(event=events[-1])) as lock:
        event_log.writer().write(events)
        lock.wait_for_waiting()
        before = rows(url, NEXT)
        landing.kill()
    until(lambda: rows(url, WRITING)[0]["n"] == 0)
    assert rows(url, NEXT) == before
    assert count(rows, url) < len(events)

    again = land(url, event_log)
    until(lambda: count(rows, url) == len(events))
    assert again.metric("events_duplicate_total") == 0
    assert again.stop() == 0


def test_a_landing_that_is_killed_while_it_commits_has_landed_all_or_nothing(
    land: Land, database: Database, event_log: EventLog, rows: Rows
) -> None:
    url = database()
    with committing(land, url, event_log, events=1000) as landing:
        assert count(rows, url) == 0
        landing.kill()
    # Its commit was under way, and the database ends it without asking who waits for the answer.
    until(lambda: rows(url, WRITING)[0]["n"] == 0)
    committed = count(rows, url)
    assert committed == sum(row["next_offset"] for row in rows(url, NEXT))
    again = land(url, event_log)
    until(lambda: count(rows, url) == 1000)
    until(lambda: again.metric("events_landed_total") == 1000 - committed)
    assert again.metric("events_duplicate_total") == 0
    assert again.stop() == 0


def test_a_commit_whose_answer_is_lost_is_not_repeated(
    land: Land, database: Database, event_log: EventLog, rows: Rows
) -> None:
    url = database()
    with committing(land, url, event_log, events=100) as landing:
        # It hears nothing until it has given up and connected anew, and that it sees when it goes on.
        landing.freeze()
    until(lambda: count(rows, url) > 0)
    execute(url, KILL_CONNECTIONS)
    landing.thaw()
    until(lambda: count(rows, url) == 100)
    until(lambda: landing.metric("lag_records") == 0 and landing.problem() is None)
    assert landing.metric("events_duplicate_total") == 0
    assert landing.stop() == 0


def test_a_zombie_neither_lands_nor_moves_offsets(
    land: Land, database: Database, event_log: EventLog, rows: Rows
) -> None:
    url = database()
    zombie = land(url, event_log)
    until(lambda: zombie.partitions() == [0, 1, 2])
    event_log.writer().write([event("before")])
    until(lambda: count(rows, url) == 1)
    with Lock(url) as lock:
        event_log.writer().write(event(f"{number:04}") for number in range(1000))
        lock.wait_for_waiting()
        zombie.freeze()
    # Its transaction waits for it, and ends when it is killed or the database loses patience: here at once.
    until(lambda: rows(url, WAITING_FOR_ITS_PROGRAM)[0]["n"] == 1)
    execute(url, KILL_CONNECTIONS)
    heir = land(url, event_log)
    until(lambda: heir.partitions() == [0, 1, 2])
    until(lambda: count(rows, url) == 1001)
    event_log.writer().write(event(f"{number:04}") for number in range(1000, 1500))
    until(lambda: count(rows, url) == 1501)
    after = rows(url, NEXT)

    zombie.thaw()
    zombie.log.wait_for("offsets were moved by another")
    assert rows(url, NEXT) == after
    # It is a member again, like any other.
    until(lambda: sorted(zombie.partitions() + heir.partitions()) == [0, 1, 2])
    event_log.writer().write(event(f"{number:04}") for number in range(1500, 1600))
    until(lambda: count(rows, url) == 1601)
    assert heir.metric("events_duplicate_total") + zombie.metric("events_duplicate_total") == 0
    assert zombie.metric("partitions_fenced_total") > 0
    assert [zombie.stop(), heir.stop()] == [0, 0]


def test_landings_that_are_killed_and_come_and_go_lose_nothing(
    land: Land, database: Database, event_log: EventLog, rows: Rows
) -> None:
    url = database()
    landings = [land(url, event_log), land(url, event_log)]
    with landing_under_load(event_log, url=url, rows=rows) as load:
        for _ in range(2):
            load.wait_for_landing()
            killed = landings.pop(0)
            killed.kill()
            landings.append(land(url, event_log))
            load.wait_for_landing()
            assert landings.pop(0).stop() == 0
            landings.append(land(url, event_log))
    assert [each.stop() for each in landings] == [0, 0]


def test_a_database_that_is_killed_again_and_again_loses_nothing(
    land: Land, mortal_postgres: PostgresServer, event_log: EventLog, rows: Rows
) -> None:
    url = mortal_postgres.new_database()
    landing = land(url, event_log)
    with landing_under_load(event_log, url=url, rows=rows) as load:
        for _ in range(3):
            load.wait_for_landing()
            with away(mortal_postgres, landing):
                until(lambda: (landing.problem() or "").startswith("the database: "))
    assert landing.metric("failures_total", at="database") >= 3
    assert landing.stop() == 0


def test_partitions_that_come_while_the_database_is_away_land_when_it_is_back(
    land: Land, mortal_postgres: PostgresServer, event_log: EventLog, rows: Rows
) -> None:
    url = mortal_postgres.new_database()
    heir, other = land(url, event_log), land(url, event_log)
    until(lambda: sorted(heir.partitions() + other.partitions()) == [0, 1, 2])
    until(lambda: 0 < len(heir.partitions()) < 3)
    event_log.writer().write(event(f"{number:03}") for number in range(300))
    until(lambda: count(rows, url) == 300)
    mortal_postgres.kill()
    event_log.writer().write(event(f"{number:03}") for number in range(300, 600))
    other.kill()
    until(lambda: (heir.problem() or "").startswith("the database: "))
    mortal_postgres.start()
    until(lambda: heir.partitions() == [0, 1, 2])
    until(lambda: count(rows, url) == 600)
    assert heir.stop() == 0


def test_a_broker_that_is_killed_and_comes_back_loses_nothing(
    land: Land, kafka_installation: Installation, tmp_path: Path, database: Database, rows: Rows
) -> None:
    url = database()
    with running_kafka(kafka_installation, folder=tmp_path / "kafka", brokers=1) as cluster:
        event_log = make_log(cluster)
        landing = land(url, event_log)
        with landing_under_load(event_log, url=url, rows=rows) as load:
            load.wait_for_landing()
            with away(cluster, landing):
                until(lambda: landing.problem() is not None)
        assert landing.stop() == 0
