"""A build that is killed or runs twice at the same time, with the real Go and a program of three lines."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from provision import golang
from provision.binaries import Binary, build, locate
from provision.building import Building
from provision.cache import ASIDE
from provision.catalogue import Module, Tool
from provision.errors import GoMissingError, ToolError

START_SECONDS = 60
PROGRAM = """import sys
from pathlib import Path
from test_building import binary_of
from provision.binaries import build
build(binary=binary_of(folder=Path(sys.argv[1])))
"""


def binary_of(*, folder: Path) -> Binary:
    """The program in the folder; skips where no Go can build it."""
    module = Module(folder=folder, upstream="example.test/ship")
    try:
        go = golang.find_go(folder=folder)
    except GoMissingError as error:
        pytest.skip(str(error))
    return locate(tool=Tool(name="ship", module=module, package="example.test/ship"), go=go)


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CHURNGUARD_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "go.mod").write_text("module example.test/ship\n\ngo 1.24.0\n")
    (folder / "go.sum").touch()
    (folder / "ship.go").write_text('package main\n\nfunc main() { print("afloat") }\n')
    return folder


def started(source: Path) -> subprocess.Popen[bytes]:
    folder = Path(__file__).parent
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(source)],
        env={**os.environ, "PYTHONPATH": str(folder)},
        process_group=0,
    )


def unfinished(binary: Binary) -> list[Path]:
    return list(binary.path.parent.glob(f"{ASIDE}*"))


def test_a_built_program_runs_and_leaves_nothing_beside_it(source: Path) -> None:
    binary = binary_of(folder=source)
    build(binary=binary)
    ran = subprocess.run([binary.path], capture_output=True, text=True, check=True)
    assert ran.stderr == "afloat"
    assert unfinished(binary) == []


def test_a_build_that_fails_says_what_go_says_and_leaves_nothing(source: Path) -> None:
    (source / "ship.go").write_text("package main\n\nfunc main() { sink() }\n")
    binary = binary_of(folder=source)
    with pytest.raises(ToolError, match="undefined: sink"):
        build(binary=binary)
    assert not binary.path.exists()
    assert unfinished(binary) == []


def test_a_killed_build_leaves_no_binary_and_the_next_one_clears_up(source: Path) -> None:
    binary = binary_of(folder=source)
    process = started(source)
    deadline = time.monotonic() + START_SECONDS
    while not unfinished(binary):
        assert process.poll() is None, "ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.001)  # between two looks; the loop ends by what it sees
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not binary.path.exists()
    assert unfinished(binary) != []
    build(binary=binary)
    assert binary.path.exists()
    assert unfinished(binary) == []


def test_processes_that_build_the_same_program_all_get_it(source: Path) -> None:
    binary = binary_of(folder=source)
    processes = [started(source) for _ in range(3)]
    assert [process.wait(timeout=START_SECONDS) for process in processes] == [0, 0, 0]
    assert os.access(binary.path, os.X_OK)
    assert unfinished(binary) == []


def test_the_second_process_takes_what_the_first_built(source: Path) -> None:
    binary = binary_of(folder=source)
    build(binary=binary)
    before = binary.path.stat()
    build(binary=binary)
    assert binary.path.stat().st_ino == before.st_ino


def test_of_many_modules_the_others_are_built_although_one_fails(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    binaries = []
    for name in ("first", "second", "third"):
        folder = tmp_path / name
        shutil.copytree(source, folder)
        (folder / "ship.go").write_text(f'package main\n\nfunc main() {{ print("{name}") }}\n')
        if name == "second":
            (folder / "ship.go").write_text("package main\n\nfunc main() { sink() }\n")
        binaries.append(binary_of(folder=folder))
    building = Building(missing=[*binaries, binaries[0]])
    building.run()
    assert [binary.path.exists() for binary in binaries] == [True, False, True]
    assert (len(building.built), building.failed) == (3, ["ship"])
    told = capsys.readouterr()
    assert "[2/4] ship: " in told.err
    assert "undefined: sink" in told.err
    assert told.out.count(" s\n") == 3
