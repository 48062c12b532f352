"""The quick start of the README, command by command, as a newcomer would type it."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

LINKED = (".venv", "manifests", "Makefile", "requirements.lock", "tools")


@pytest.fixture
def clone(root: Path, tmp_path: Path) -> Path:
    """A folder that looks like the repository and takes what the commands write."""
    for name in LINKED:
        (tmp_path / name).symlink_to(root / name)
    return tmp_path


def commands_of(block: str) -> list[str]:
    return [command for line in block.splitlines() if (command := line.partition("  #")[0].strip())]


def run(command: str, *, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "-euc", command],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "NO_COLOR": "1"},
    )


@pytest.mark.slow
def test_the_quick_start_works_as_it_is_written(
    root: Path, clone: Path, blocks: Callable[[str, str], list[str]]
) -> None:
    commands = commands_of(blocks("README.md", "sh")[0])
    assert [command.split()[:2] for command in commands] == [
        ["make", "setup"],
        [".venv/bin/churnguard", "validate"],
        [".venv/bin/churnguard", "seed"],
        [".venv/bin/churnguard", "train"],
        [".venv/bin/churnguard", "bundle"],
        ["make", "help"],
    ]
    shown = {}
    for command in commands:
        # The environment that runs this test was made by it: seen to exist, not installed again.
        typed = f"make --dry-run --directory={root} setup" if command == "make setup" else command
        ran = run(typed, folder=clone)
        assert ran.returncode == 0, f"{command}\n{ran.stdout}\n{ran.stderr}"
        shown[command.split()[1]] = ran.stdout
    assert "retention/telco" in shown["validate"] or "default/telco is valid" in shown["validate"]
    assert "7,043 customers" in shown["seed"]
    assert "ROC AUC" in shown["bundle"]
    assert re.search(r"telco-r1\b", shown["bundle"])
    assert {path.name for path in clone.iterdir()} == {*LINKED, "customers.csv", "store"}


def test_the_quick_start_names_only_commands_that_exist(
    root: Path, blocks: Callable[[str, str], list[str]]
) -> None:
    for command in commands_of(blocks("README.md", "sh")[0]):
        if command.startswith("make "):
            assert run(f"make --dry-run {command.removeprefix('make ')}", folder=root).returncode == 0
        else:
            assert (root / command.split()[0]).exists()
