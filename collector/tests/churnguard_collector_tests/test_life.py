"""A collector's life: it says what it needs, it drains, it loses its database and finds it again."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from churnguard_collector_tests.collectors import Collector
from churnguard_collector_tests.write_keys import SERVER, hashed, key_file
from churnguard_servers.clients import basic
from churnguard_servers.postgres import PostgresServer
from churnguard_servers.processes import PATIENCE, until

pytestmark = [pytest.mark.servers, pytest.mark.slow]

Start = Callable[..., Collector]
Run = Callable[..., subprocess.CompletedProcess[str]]
Rows = Callable[..., list[dict[str, Any]]]
EVENT = {"userId": "u", "event": "x"}


def problem(done: subprocess.CompletedProcess[str]) -> str:
    line = json.loads(done.stderr.splitlines()[-1])
    assert (done.returncode, line["message"]) == (2, "refused"), done.stderr
    text: str = line["problem"]
    return text


def test_a_draining_collector_is_not_ready_and_goes_on_answering(start: Start, database: Any) -> None:
    collector = start(database(), "--drain-seconds", "3600")
    assert collector.get("/readyz").status == 200
    collector.process.send_signal(signal.SIGTERM)
    collector.log.wait_for("draining")
    ready = collector.get("/readyz")
    assert (ready.status, ready.json["problem"], ready.headers["connection"]) == (503, "draining", "close")
    assert collector.get("/healthz").status == 200
    answer = collector.send("/v1/track", EVENT)
    assert (answer.results, answer.headers["connection"]) == (["ok"], "close")
    assert collector.stop(signal.SIGINT) == 0
    assert [json.loads(line)["message"] for line in collector.log.to_the_end()] == [
        "ready",
        "draining",
        "stopped",
    ]


def test_a_request_under_way_is_answered_before_the_end(start: Start, database: Any, rows: Rows) -> None:
    url = database()
    collector = start(url)
    body = json.dumps({**EVENT, "messageId": "under-way"}).encode()
    lines = [f"{name}: {value}" for name, value in basic(SERVER).items()]
    head = "\r\n".join(["POST /v1/track HTTP/1.1", "Host: x", f"Content-Length: {len(body)}", *lines, "", ""])
    with socket.create_connection(("127.0.0.1", collector.port), timeout=PATIENCE) as caller:
        caller.sendall(head.encode() + body[:5])
        # When what came later was answered, the head above has been read.
        assert [collector.get("/healthz").status for _ in range(3)] == [200] * 3
        collector.process.send_signal(signal.SIGTERM)
        collector.log.wait_for("draining")
        caller.sendall(body[5:])
        answer = b"".join(iter(lambda: caller.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert collector.process.wait(PATIENCE) == 0
    assert [row["message_id"] for row in rows(url)] == ["under-way"]


def test_what_is_broken_off_shows_in_the_exit_code(start: Start, database: Any) -> None:
    collector = start(database())
    head = b"POST /v1/track HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{"
    with socket.create_connection(("127.0.0.1", collector.port), timeout=PATIENCE) as caller:
        caller.sendall(head)
        assert [collector.get("/healthz").status for _ in range(3)] == [200] * 3
        collector.process.send_signal(signal.SIGINT)
        until(lambda: not _accepts(collector.port))
        assert collector.stop(signal.SIGINT) == 3
    stopped = collector.log.wait_for("stopped")
    assert (stopped["requests"], stopped["events"]) == (1, 0)


def _accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=PATIENCE).close()
    except (ConnectionRefusedError, ConnectionResetError):
        return False
    return True


def test_a_database_that_dies_and_comes_back_is_told_and_used_again(
    start: Start, mortal_postgres: PostgresServer, rows: Rows
) -> None:
    url = mortal_postgres.new_database()
    collector = start(url)
    assert collector.send("/v1/track", {**EVENT, "messageId": "before"}).results == ["ok"]

    mortal_postgres.kill()
    collector.log.wait_for("the database cannot be reached")
    # The second connection may end a moment after the first.
    until(lambda: collector.get("/readyz").status == 503)
    assert collector.get("/readyz").json["problem"] == "the database cannot be reached"
    assert collector.get("/healthz").status == 200
    answer = collector.send("/v1/track", {**EVENT, "messageId": "meanwhile"})
    assert (answer.status, answer.results, answer.headers["retry-after"]) == (503, ["unavailable"], "1")
    batch = [{**EVENT, "type": "track"}, {"type": "track"}]
    answer = collector.send("/v1/batch", {"batch": batch})
    assert (answer.status, answer.results) == (503, ["unavailable", "schema"])

    mortal_postgres.start()
    collector.log.wait_for("the database is back")
    until(lambda: collector.get("/readyz").status == 200)
    assert collector.send("/v1/track", {**EVENT, "messageId": "after"}).results == ["ok"]
    assert {row["message_id"] for row in rows(url)} == {"before", "after"}
    assert collector.stop() == 0


def test_keys_are_read_again_while_it_runs(start: Start, database: Any) -> None:
    collector = start(database())
    assert collector.send("/v1/track", EVENT, key="new").status == 401
    entry = {"id": "new", "sha256": hashed("new"), "kind": "server", "workspace": "demo"}
    # As a mounted Secret changes: another file takes the name.
    other = collector.keys.with_suffix(".new")
    other.write_text(json.dumps(key_file(keys=[entry])))
    other.rename(collector.keys)
    collector.log.wait_for("keys changed")
    assert collector.send("/v1/track", EVENT, key="new").results == ["ok"]
    assert collector.send("/v1/track", EVENT, key=SERVER).status == 401


def test_what_hinders_it_is_said_before_it_listens(
    run: Run, postgres: PostgresServer, tmp_path: Path
) -> None:
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps(key_file()))
    serve = ("serve", "--keys", str(keys), "--host", "127.0.0.1", "--port", "0")
    assert "nowhere to keep events" in problem(run(*serve))
    assert "DATABASE_URL holds no address" in problem(run(*serve, "--sink", "postgres"))
    assert "KAFKA_BOOTSTRAP must be HOST:PORT" in problem(run(*serve, "--bootstrap", "nonsense"))
    assert "cannot be read" in problem(run(*serve, "--database", str(tmp_path / "missing")))
    empty = postgres.url("postgres")
    assert "there are no tables, this program needs version" in problem(run(*serve, url=empty))
    unreachable = f"postgresql://u:Sesame4711@/x?host={tmp_path}"
    assert "the database cannot be reached" in (said := problem(run(*serve, url=unreachable)))
    assert "Sesame4711" not in said
    keys.write_text("{}")
    assert "keys.json: Object missing required field `workspaces`" in problem(run(*serve, url=empty))


@pytest.mark.parametrize("option", [("--port", "70000"), ("--keep-days", "0"), ("--drain-seconds", "-1")])
def test_wrong_options_are_usage_errors(option: tuple[str, str], run: Run) -> None:
    done = run("serve", "--keys", "x", *option)
    assert done.returncode == 2
    assert f"{option[1]} is not between" in done.stderr
