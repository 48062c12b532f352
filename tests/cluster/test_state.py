"""Folders of rigs: whose they are, and which were left behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from churnguard_cluster import leftovers
from churnguard_cluster.errors import ClusterError
from churnguard_cluster.process import MARK, Identity
from churnguard_cluster.state import OWNER, RigFolder, State


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> State:
    monkeypatch.setenv("CHURNGUARD_STATE", str(tmp_path / "state"))
    return State.of_user()


def abandoned_by(folder: RigFolder, *, pid: int) -> None:
    """Makes the rig one whose owner, a process of this number, started long ago and is gone."""
    (folder.path / OWNER).write_text(json.dumps(asdict(Identity(pid=pid, started="another boot/1"))))


def test_a_new_rig_belongs_to_this_process(state: State) -> None:
    folder = state.create("one")
    owner = folder.owner()
    assert owner is not None
    assert owner.pid == os.getpid()
    assert not folder.is_abandoned()
    assert [each.name for each in state.folders()] == ["one"]


def test_a_rig_that_was_given_up_stays(state: State) -> None:
    folder = state.create("one")
    folder.give_up()
    assert folder.owner() is None
    assert leftovers.remove_abandoned(state) == []
    assert folder.exists


def test_two_rigs_of_one_name_are_refused_and_nothing_is_left_of_the_second(state: State) -> None:
    state.create("one")
    with pytest.raises(ClusterError, match="there is a rig one"):
        state.create("one")
    assert [each.name for each in state.rigs.iterdir()] == ["one"]


def test_a_rig_is_abandoned_when_its_owner_is_gone_even_if_the_number_lives(state: State) -> None:
    folder = state.create("one")
    abandoned_by(folder, pid=os.getpid())
    assert folder.is_abandoned()


def test_what_is_abandoned_is_removed_with_its_processes_and_the_rest_stays(state: State) -> None:
    dead, mine = state.create("dead"), state.create("mine")
    sleepers = [
        subprocess.Popen(
            [sys.executable, "-c", "import time; time.sleep(600)"],
            env={**os.environ, MARK: str(folder.path)},
        )
        for folder in (dead, mine)
    ]
    abandoned_by(dead, pid=1)
    try:
        assert leftovers.remove_abandoned(state) == ["dead"]
        sleepers[0].wait(timeout=10)
        assert not dead.exists
        assert mine.exists
        assert sleepers[1].poll() is None
    finally:
        for each in sleepers:
            each.kill()
            each.wait()


def test_removing_what_is_not_there_does_nothing(state: State) -> None:
    leftovers.remove(state.folder("nobody"))


def test_rigs_of_one_name_in_two_folders_of_state_have_different_ids(tmp_path: Path) -> None:
    first, second = (State(root=tmp_path / name).folder("default").id for name in ("a", "b"))
    assert first != second
    assert len(first) <= 20


@pytest.mark.parametrize("name", ["", "..", "a/b", "A", "-a", "a" * 41])
def test_a_name_that_is_no_name_is_refused(name: str, state: State) -> None:
    with pytest.raises(ClusterError, match="cannot name a rig"):
        state.folder(name)


def test_a_folder_of_state_that_cannot_be_made_is_named_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CHURNGUARD_STATE", str(tmp_path / "file" / "below"))
    with pytest.raises(ClusterError, match=r"cannot make the folder .*CHURNGUARD_STATE"):
        State.of_user()
