"""Runs that are stopped, killed or crash: no bundle, or a whole one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from churnguard_core.progress import decode_progress
from churnguard_storage import Credentials, open_store

pytestmark = pytest.mark.slow

# The real program, held where its bundle is written but not yet in its place.
HELD_BEFORE_THE_RENAME = """
import runpy, sys

def hold(event, arguments):
    if event == "os.rename" and ".tmp-" in str(arguments[0]):
        print("held", flush=True)
        sys.stdin.read()

sys.addaudithook(hold)
runpy.run_module("churnguard_training", run_name="__main__", alter_sys=True)
"""


def is_search(line: bytes) -> bool:
    progress = decode_progress(line)
    return progress is not None and progress.stage == "search"


def is_held(line: bytes) -> bool:
    return line == b"held"


def files_below(folder: Any) -> list[Any]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.fixture(scope="module")
def searching(start: Any, spec: Any) -> Any:
    """Two runs that have much to look for."""
    model = spec(algorithms=["XGBoost", "RandomForest"], search={"trials": 200})
    running = [start(model) for _ in range(2)]
    for run in running:
        run.wait_for(is_search)
    return running


def test_sigterm_in_the_search_ends_it_with_143_and_stores_nothing(searching: Any) -> None:
    running, _ = searching
    running.process.terminate()
    ended = running.finish()
    assert ended.code == 143
    assert {line.stage for line in ended.progress} == {"read", "check", "search"}
    assert ended.err == ""
    assert not ended.result_file.exists()
    assert not ended.store.exists()


def test_sigkill_in_the_search_stores_nothing(searching: Any) -> None:
    _, running = searching
    running.process.kill()
    assert running.finish().code == -9
    assert not running.store.exists()


@pytest.fixture(scope="module")
def held(start: Any, spec: Any) -> Any:
    """Two runs with all files written, neither bundle in its place."""
    running = [start(spec(), program=("-c", HELD_BEFORE_THE_RENAME)) for _ in range(2)]
    for run in running:
        run.wait_for(is_held)
        assert any(path.name == "manifest.json" for path in files_below(run.store))
    return running


def test_sigterm_in_the_writing_clears_away_what_was_written(held: Any) -> None:
    running, _ = held
    running.process.terminate()
    assert running.finish().code == 143
    assert files_below(running.store) == []


def test_sigkill_in_the_writing_leaves_no_bundle_and_a_retry_stores_the_same_digest(
    held: Any, train: Any, spec: Any, boosted: Any
) -> None:
    _, running = held
    running.process.kill()
    assert running.finish().code == -9
    store = open_store(running.store.as_uri(), credentials=Credentials())
    leftovers = files_below(running.store)
    assert leftovers
    assert store.list("") == ()

    retried = train(spec(), store=running.store)
    assert retried.code == 0, retried.err
    assert retried.result.bundle.digest == boosted.result.bundle.digest
    assert len(store.list("")) == 1
    assert len(store.sweep("retention/telco", before=datetime.now(UTC) + timedelta(days=1))) == 1
    assert not any(path.exists() for path in leftovers)


def test_a_crash_ends_with_1_and_a_result_that_says_so(train: Any, spec: Any) -> None:
    # A broken installation, as far as the plots of the card are concerned.
    crashed = train(spec(), MPLBACKEND="there is no such backend")
    assert crashed.code == 1
    assert (crashed.result.verdict, crashed.result.reason) == ("Failed", "Crashed")
    assert crashed.result.message.startswith("ValueError: ")
    assert crashed.result_file.read_bytes() == crashed.lines[-1]
    assert "Traceback" in crashed.err
    assert not crashed.store.exists()
