"""``churnguard up --events`` with the real collector and a real PostgreSQL."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from churnguard_core.events import topics
from churnguard_servers.kafka import KafkaCluster
from churnguard_servers.kafka_reading import records_of
from churnguard_servers.postgres import may_enter
from churnguard_servers.processes import until

Run = Callable[..., Any]
Start = Callable[..., subprocess.Popen[str]]

EVENTS = "churnguard.events"
ON_FREE_PORT = ("--events", "--events-port", "0")

pytestmark = [pytest.mark.servers, pytest.mark.slow]


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The current folder: one that PostgreSQL may enter as another user, as it must where root runs this."""
    if not may_enter(Path(sys.prefix)):
        pytest.skip("PostgreSQL, which does not run as root, may not be reached by nobody here")
    folder = Path(tempfile.mkdtemp(prefix="churnguard-up-"))
    folder.chmod(0o755)
    monkeypatch.chdir(folder)
    for name in [each for each in os.environ if each.startswith(("KAFKA_", "DATABASE_URL"))]:
        monkeypatch.delenv(name)
    yield folder
    monkeypatch.undo()
    shutil.rmtree(folder)


@dataclass(frozen=True, kw_only=True)
class Taking:
    """A running ``churnguard up --events``, and the two lines that it printed."""

    process: subprocess.Popen[str]
    curl: str
    psql: str

    @property
    def port(self) -> int:
        return int(self.curl.partition("localhost:")[2].partition("/")[0])

    def send(self) -> None:
        """What the page and the screen say."""
        sent = subprocess.run(["sh", "-c", f"{self.curl} --silent"], capture_output=True, check=True)
        assert [each["result"] for each in json.loads(sent.stdout)["results"]] == ["ok"]

    def look(self, query: str) -> list[list[str]]:
        """What the printed command finds, with another query."""
        command = f"{self.psql.partition(' -c ')[0]} --no-psqlrc --tuples-only --no-align -c '{query}'"
        found = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
        return [line.split("|") for line in found.stdout.splitlines()]


def ready(process: subprocess.Popen[str]) -> Taking:
    assert process.stdout is not None
    curl, psql = process.stdout.readline(), process.stdout.readline()
    if not psql:
        assert process.stderr is not None
        raise AssertionError(f"it ended before it took events:\n{process.stderr.read()}")
    return Taking(process=process, curl=curl.rstrip("\n"), psql=psql.rstrip("\n"))


@pytest.fixture
def taking(start: Start) -> Callable[..., Any]:
    """``with taking(...) as run``; SIGTERM at its end, which must be a success and leave nothing behind."""

    @contextmanager
    def run(*arguments: str | Path) -> Iterator[Taking]:
        with start("up", *arguments, *ON_FREE_PORT) as process:
            try:
                found = ready(process)
                yield found
            finally:
                process.send_signal(signal.SIGTERM)
                _, err = process.communicate()
        assert (process.returncode, err.splitlines()[-1]) == (0, "stopped"), err
        # Nobody missed what ended before.
        assert "cannot be reached" not in err
        assert not accepts(found.port)

    return run


def accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionRefusedError:
        return False
    return True


def children(pid: int) -> dict[str, int]:
    """Processes that this one started, by what they run."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = folder.joinpath("stat").read_text().rpartition(")")[2].split()[1]
            arguments = folder.joinpath("cmdline").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has just ended
        for name in ("bin/postgres", "churnguard_collector", "churnguard_streaming"):
            if parent == str(pid) and name in arguments:
                found[name] = int(folder.name)
    return found


def test_the_event_that_was_sent_is_found_once_also_after_a_restart(taking: Run, churnguard: Run) -> None:
    columns = "subject, type, name, properties"
    with taking() as run:
        run.send()
        ((subject, *event),) = run.look(f"SELECT {columns} FROM {EVENTS}")
        assert subject.startswith("k1_")
        assert event == ["track", "Product Added", '{"value": 30, "cart_id": "c1"}']
        # The printed line as it is, with its own query.
        shown = subprocess.run(["sh", "-c", run.psql], capture_output=True, text=True, check=True)
        assert "Product Added" in shown.stdout

        second = churnguard("up", *ON_FREE_PORT)
        assert (second.code, second.out) == (1, "")
        assert "error: PostgreSQL did not start (exit code 1): lock file" in second.err
        assert "another `churnguard up --events` may use its data" in second.err
        assert run.look(f"SELECT count(*) FROM {EVENTS}") == [["1"]]
    keys = Path("store/_events/write-keys.json")
    assert keys.stat().st_mode & 0o777 == 0o600
    written = keys.read_bytes()
    with taking() as run:
        assert run.look(f"SELECT {columns} FROM {EVENTS}") == [[subject, *event]]
        run.send()
        assert run.look(f"SELECT count(*), count(distinct subject) FROM {EVENTS}") == [["2", "1"]]
    assert keys.read_bytes() == written


@pytest.fixture
def model_that_is_served(
    model_file: Path, write_bundle: Callable[..., Path], stand_in_server: Callable[[str], Path]
) -> Path:
    """A ChurnModel with a bundle, beside which a stand-in for the server runs."""
    stand_in_server("serve()\nwait_for_the_end()\n")
    write_bundle(store=Path("store"))
    model_file.write_text(model_file.read_text() + "  serving: {revision: telco-r1}\n")
    return model_file


def test_a_model_is_served_while_events_are_taken_and_one_signal_ends_both(
    taking: Run, model_that_is_served: Path
) -> None:
    with taking(model_that_is_served, "--port", "0") as run:
        run.send()
        asks = [run.process.stdout.readline() for _ in range(2)]
        assert run.look(f"SELECT count(*) FROM {EVENTS}") == [["1"]]
    assert [":predict" in asks[0], ":explain" in asks[1]] == [True, True]


def test_a_collector_that_ends_by_itself_ends_everything(start: Start) -> None:
    with start("up", *ON_FREE_PORT) as process:
        run = ready(process)
        begun = children(process.pid)
        os.kill(begun["churnguard_collector"], signal.SIGKILL)
        _, err = process.communicate()
    assert process.returncode == 1
    assert "error: the collector ended by itself (killed by SIGKILL); everything was stopped" in err
    assert not accepts(run.port)
    assert not Path(f"/proc/{begun['bin/postgres']}").exists()


def test_ctrl_c_while_it_starts_leaves_nothing_running(start: Start) -> None:
    with start("up", *ON_FREE_PORT) as process:
        until(Path("store/_events/postgres.new").exists)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
    assert (process.returncode, out) == (130, "")
    assert err == "error: stopped by SIGINT; no events were taken yet\n"
    assert children(process.pid) == {}


def test_with_another_database_there_is_no_server_of_its_own(
    taking: Run, database: Callable[[], str], rows: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = database()
    monkeypatch.setenv("DATABASE_URL", url)
    with taking() as run:
        assert run.psql.startswith('psql "$DATABASE_URL" -c ')
        assert children(run.process.pid).keys() == {"churnguard_collector"}
        run.send()
        assert [row["name"] for row in rows(url)] == ["Product Added"]
    assert not Path("store/_events/postgres").exists()


def test_with_kafka_events_go_there_and_are_landed(
    taking: Run, kafka: KafkaCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    prefix = kafka.new_event_topics()
    monkeypatch.setenv("KAFKA_BOOTSTRAP", kafka.bootstrap)
    monkeypatch.setenv("KAFKA_TOPIC_PREFIX", prefix)
    with taking() as run:
        assert children(run.process.pid).keys() == {
            "bin/postgres",
            "churnguard_collector",
            "churnguard_streaming",
        }
        run.send()
        # It was acknowledged before it was landed.
        until(lambda: run.look(f"SELECT count(*) FROM {EVENTS}") == [["1"]])
    assert len(records_of(kafka.bootstrap, prefix + topics.EVENTS)) == 1


def test_without_topics_it_waits_and_says_which_are_missing(
    start: Start, kafka: KafkaCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP", kafka.bootstrap)
    monkeypatch.setenv("KAFKA_TOPIC_PREFIX", prefix := kafka.new_prefix())
    with start("up", *ON_FREE_PORT) as process:
        assert process.stderr is not None
        said = next(line for line in process.stderr if f"there is no topic {prefix}{topics.EVENTS}" in line)
        assert said.startswith("warning: the ")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
    assert (process.returncode, out) == (130, "")
    assert err.endswith("error: stopped by SIGINT; no events were taken yet\n")
    assert children(process.pid) == {}


def test_a_database_that_cannot_be_reached_is_named(churnguard: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://user:Sesame4711@/x?host=/nowhere")
    outcome = churnguard("up", *ON_FREE_PORT)
    assert (outcome.code, outcome.out) == (1, "")
    assert "error: the tables could not be made: the database cannot be reached" in outcome.err
    assert "Sesame4711" not in outcome.err


def test_data_of_another_postgresql_are_left_as_they_are(churnguard: Run) -> None:
    version = Path("store/_events/postgres/PG_VERSION")
    version.parent.mkdir(parents=True)
    version.write_text("9\n")
    outcome = churnguard("up", *ON_FREE_PORT)
    assert (outcome.code, outcome.out) == (1, "")
    assert "are of PostgreSQL 9, there is " in outcome.err
    assert "hint: move that folder away to begin anew" in outcome.err
    assert [path.name for path in version.parent.iterdir()] == ["PG_VERSION"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs PostgreSQL as somebody else")
def test_as_root_a_folder_that_nobody_may_enter_is_named(churnguard: Run, here: Path) -> None:
    here.chmod(0o700)
    outcome = churnguard("up", *ON_FREE_PORT)
    assert (outcome.code, outcome.out) == (1, "")
    assert "error: PostgreSQL does not run as root, and nobody may not reach " in outcome.err
    assert "hint: run this as another user" in outcome.err


def test_a_port_that_is_taken_is_refused_before_anything_starts(churnguard: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        outcome = churnguard("up", "--events", "--events-port", listener.getsockname()[1])
    assert (outcome.code, outcome.out) == (2, "")
    assert "hint: end that program, or choose another port with --events-port" in outcome.err
    assert not Path("store").exists()


def test_two_servers_cannot_have_one_port(churnguard: Run, model_file: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        free = listener.getsockname()[1]
    outcome = churnguard("up", model_file, "--port", free, "--events", "--events-port", free)
    assert (outcome.code, outcome.out) == (2, "")
    assert f"error: port {free} is wanted twice" in outcome.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "Missing argument 'FILE'; --events alone needs none."),
        (("--events", "--data", "x.csv"), "Missing argument 'FILE', which --data"),
        (("--events", "--retrain"), "Missing argument 'FILE', which --data"),
    ],
)
def test_without_a_model_there_must_be_events_and_nothing_else(
    churnguard: Run, arguments: tuple[str, ...], message: str
) -> None:
    outcome = churnguard("up", *arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert message in outcome.err
