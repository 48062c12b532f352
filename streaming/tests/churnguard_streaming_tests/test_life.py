"""A landing's life: it says what it needs, it shares its partitions, it drains."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from churnguard_servers.postgres import PostgresServer, execute
from churnguard_servers.processes import until
from churnguard_streaming_tests import hanging
from churnguard_streaming_tests.events import event
from churnguard_streaming_tests.landings import Landing
from churnguard_streaming_tests.locks import Lock
from churnguard_streaming_tests.logs import EventLog

pytestmark = [pytest.mark.servers, pytest.mark.slow]

Land = Callable[..., Landing]
Run = Callable[..., subprocess.CompletedProcess[str]]
Rows = Callable[..., list[dict[str, Any]]]


def problem(done: subprocess.CompletedProcess[str]) -> str:
    line = json.loads(done.stderr.splitlines()[-1])
    assert (done.returncode, line["message"]) == (2, "refused"), done.stderr
    text: str = line["problem"]
    return text


def test_what_hinders_it_is_said_at_once(run: Run, postgres: PostgresServer, tmp_path: Path) -> None:
    begin = ("run", "--host", "127.0.0.1", "--port", "0")
    assert "DATABASE_URL holds no address of a database" in problem(run(*begin))
    assert "cannot be read" in problem(run(*begin, "--database", str(tmp_path / "missing")))
    empty = postgres.url("postgres")
    assert "KAFKA_BOOTSTRAP must be" in problem(run(*begin, DATABASE_URL=empty))
    kafka = {"KAFKA_BOOTSTRAP": "127.0.0.1:1"}
    assert "this program needs version" in problem(run(*begin, DATABASE_URL=empty, **kafka))
    unreachable = f"postgresql://u:Sesame4711@/x?host={tmp_path}"
    said = problem(run(*begin, DATABASE_URL=unreachable, **kafka))
    assert "the database cannot be reached" in said
    assert "Sesame4711" not in said


def test_migrate_makes_the_tables(run: Run, postgres: PostgresServer, rows: Rows) -> None:
    execute(postgres.url("postgres"), "CREATE DATABASE to_land_in")
    url = postgres.url("to_land_in")
    for _ in range(2):
        done = run("migrate", DATABASE_URL=url)
        assert (done.returncode, json.loads(done.stderr)["message"]) == (0, "migrated")
    assert rows(url) == []


@pytest.mark.parametrize("option", [("--port", "70000"), ("--keep-days", "0"), ("--drain-seconds", "-1")])
def test_wrong_options_are_usage_errors(option: tuple[str, str], run: Run) -> None:
    done = run("run", *option)
    assert done.returncode == 2
    assert f"{option[1]} is not between" in done.stderr


def test_without_kafka_it_lives_and_is_not_ready(
    land: Land, database: Callable[[], str], event_log: EventLog
) -> None:
    landing = land(database(), event_log, KAFKA_BOOTSTRAP="127.0.0.1:1")
    until(lambda: (landing.problem() or "").startswith("Kafka: "))
    assert landing.get("/readyz")[0] == 503
    assert landing.get("/healthz")[0] == 200
    assert landing.get("/elsewhere")[0] == 404
    assert landing.stop() == 0


def test_it_wants_a_restart_while_its_reader_hangs_and_not_when_it_goes_on(
    land: Land, database: Callable[[], str], event_log: EventLog, tmp_path: Path
) -> None:
    hangs = tmp_path / "hangs"
    program = (str(Path(hanging.__file__)),)
    landing = land(database(), event_log, program=program, **{hanging.VARIABLE: str(hangs)})
    landing.wait_until_it_lands()
    hangs.touch()
    until(lambda: landing.get("/healthz")[0] == 503)
    assert landing.log.wait_for("landing hangs")["level"] == "error"
    hangs.unlink()
    until(lambda: landing.get("/healthz")[0] == 200)
    landing.wait_until_it_lands()
    assert landing.stop() == 0


def test_a_drain_waits_for_the_batch_under_way(
    land: Land, database: Callable[[], str], event_log: EventLog, rows: Rows
) -> None:
    url = database()
    landing = land(url, event_log, "--drain-seconds", "60")
    landing.wait_until_it_lands()
    with Lock(url) as lock:
        event_log.writer().write(event(f"{number}") for number in range(20))
        lock.wait_for_waiting()
        landing.process.send_signal(signal.SIGTERM)
        until(lambda: landing.problem() == "draining")
    assert landing.process.wait(120) == 0
    assert landing.log.wait_for("stopped")["records"] == 0
    assert len(rows(url)) > 0


def test_a_batch_that_does_not_end_in_time_shows_in_the_exit_code_and_lands_later(
    land: Land, database: Callable[[], str], event_log: EventLog, rows: Rows
) -> None:
    url = database()
    landing = land(url, event_log, "--drain-seconds", "0.5")
    landing.wait_until_it_lands()
    with Lock(url) as lock:
        event_log.writer().write([event("a")])
        lock.wait_for_waiting()
        assert landing.stop() == 3
    assert landing.log.wait_for("stopped")["records"] == 1
    again = land(url, event_log)
    until(lambda: len(rows(url)) == 1)
    assert again.stop(signal.SIGINT) == 0


def test_two_share_the_partitions_and_one_takes_over_from_the_other(
    land: Land, database: Callable[[], str], event_log: EventLog, rows: Rows
) -> None:
    url = database()
    writer = event_log.writer()
    first = land(url, event_log)
    until(lambda: first.partitions() == [0, 1, 2])
    second = land(url, event_log)
    third = land(url, event_log)
    fourth = land(url, event_log)
    everybody = [first, second, third, fourth]
    until(lambda: sorted(number for each in everybody for number in each.partitions()) == [0, 1, 2])
    until(lambda: sorted(len(each.partitions()) for each in everybody) == [0, 1, 1, 1])
    # One has nothing to do, which is no problem.
    for each in everybody:
        each.wait_until_it_lands()
    writer.write(event(f"{number:03}") for number in range(300))
    until(lambda: sum(each.metric("events_landed_total") for each in everybody) == 300)
    for each in everybody[:3]:
        assert each.stop() == 0
    until(lambda: fourth.partitions() == [0, 1, 2])
    writer.write(event(f"{number:03}") for number in range(300, 400))
    until(lambda: len(rows(url)) == 400)
    assert fourth.metric("events_duplicate_total") == 0
    assert fourth.stop() == 0
