"""Processes of a rig: told from others for good, stopped with all that they started, quoted when they fail."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from churnguard_cluster import process
from churnguard_cluster.errors import PieceFailedError
from churnguard_cluster.process import MARK, Identity, Process
from churnguard_cluster.waiting import wait_for

SLEEPER = "import time; print('started', flush=True); time.sleep(600)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEPER}"
PARENT = f"""
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", {SLEEPER!r}])
print(child.pid, flush=True)
child.wait()
"""

Start = Callable[[str], Process]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a Python program as a process of the rig in ``tmp_path``."""
    started: list[Process] = []

    def begin(program: str) -> Process:
        begun = process.start(
            name="piece",
            command=[sys.executable, "-c", program],
            folder=tmp_path,
            log=tmp_path / f"{len(started)}.log",
            environment={**os.environ, MARK: str(tmp_path)},
        )
        started.append(begun)
        return begun

    yield begin
    for each in started:
        each.kill()
    process.kill_all(lambda pid: process.bears_mark(pid, folder=tmp_path))


def printed(piece: Process) -> str:
    piece.wait_until(lambda: piece.last_lines() != "")
    return piece.last_lines()


def test_a_living_process_is_itself_and_an_ended_one_is_nobody(start: Start) -> None:
    piece = start(SLEEPER)
    assert Identity.of(piece.identity.pid) == piece.identity
    assert piece.identity.is_alive()
    piece.kill()
    assert not piece.identity.is_alive()


def test_a_zombie_does_not_live() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)
    assert Path(f"/proc/{ended.pid}").exists()
    assert Identity.of(ended.pid) is None
    ended.wait()


def test_another_process_of_the_same_number_is_another(start: Start) -> None:
    identity = start(SLEEPER).identity
    earlier = Identity(pid=identity.pid, started=identity.started + "0")
    assert not earlier.is_alive()


def test_stop_ends_the_whole_group(start: Start) -> None:
    parent = start(PARENT)
    child = int(printed(parent).splitlines()[0])
    assert Identity.of(child)
    parent.stop()
    wait_for(lambda: Identity.of(child) is None, what="the child to end")


def test_stop_kills_what_does_not_listen(start: Start) -> None:
    stubborn = start(STUBBORN)
    printed(stubborn)
    stubborn.stop(seconds=0.2)
    assert stubborn.popen.returncode == -signal.SIGKILL


def test_a_piece_that_ends_is_reported_with_the_end_of_its_log(start: Start) -> None:
    piece = start("import sys; print('lines ' * 3); print('no such flag', file=sys.stderr); sys.exit(3)")
    with pytest.raises(PieceFailedError, match=r"piece ended with exit code 3(?s:.*)no such flag"):
        piece.wait_until(lambda: False)


def test_a_piece_that_takes_too_long_is_reported_with_the_end_of_its_log(start: Start) -> None:
    piece = start(SLEEPER)
    printed(piece)
    with pytest.raises(PieceFailedError, match=r"piece was not ready in 0 s(?s:.*)started"):
        piece.wait_until(lambda: False, seconds=0)


def test_a_grandchild_whose_parent_was_killed_is_found_by_its_mark(start: Start, tmp_path: Path) -> None:
    parent = start(PARENT)
    child = int(printed(parent).splitlines()[0])
    os.kill(parent.identity.pid, signal.SIGKILL)
    assert process.bears_mark(child, folder=tmp_path)
    process.kill_all(lambda pid: process.bears_mark(pid, folder=tmp_path))
    assert Identity.of(child) is None


def test_a_mark_is_of_one_folder_only(start: Start, tmp_path: Path) -> None:
    piece = start(SLEEPER)
    printed(piece)
    assert process.bears_mark(piece.identity.pid, folder=tmp_path)
    for other in (tmp_path / "below", tmp_path.parent, Path(f"{tmp_path}-2")):
        assert not process.bears_mark(piece.identity.pid, folder=other)
