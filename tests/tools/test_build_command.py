"""What the commands print for people and for other programs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from provision.binaries import locate_all
from provision.catalogue import TOOLS
from provision.errors import ToolError
from provision.golang import find_go
from provision.report import Built, table

FOLDER = Path(__file__).parent


def run(
    *arguments: str, script: str = "build", environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, FOLDER / script, *arguments],
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
    )


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, for these tests and the programs they start."""
    monkeypatch.setenv("CHURNGUARD_CACHE", str(tmp_path))
    return tmp_path


def place(*names: str) -> list[str]:
    """Files in place of built tools; skips where no Go tells their place."""
    try:
        binaries = locate_all(tools=[TOOLS[name] for name in names], go_for=find_go)
    except ToolError as error:
        pytest.skip(str(error))
    for binary in binaries:
        binary.path.parent.mkdir(parents=True)
        binary.path.touch()
    return [str(binary.path) for binary in binaries]


def test_the_path_of_each_built_tool_is_printed_in_the_order_asked(cache: Path) -> None:
    paths = place("kubectl", "etcd", "kubelet")
    done = run("--path", "kubectl", "etcd", "kubelet")
    assert (done.returncode, done.stdout.splitlines()) == (0, paths)


def test_no_path_is_printed_when_one_tool_is_missing(cache: Path) -> None:
    place("etcd")
    done = run("--path", "etcd", "kubectl")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "not built for this version yet: kubectl. Run: make tools\n"


def test_a_tool_that_make_tools_does_not_build_is_named_with_the_command_that_does(cache: Path) -> None:
    place("etcd")
    done = run("--path", "etcd", "envoy-gateway")
    assert done.stderr.endswith(" envoy-gateway. Run: tests/tools/build envoy-gateway\n")


def test_built_tools_are_not_built_again(cache: Path) -> None:
    place("etcd", "helm")
    done = run("etcd", "helm")
    assert done.returncode == 0
    assert done.stdout == f"tools in {cache / 'tools'}: 2, new: 0\n"


def test_without_go_it_says_how_to_come_by_one(cache: Path) -> None:
    done = run("--path", "etcd", environment={"PATH": str(cache)})
    assert (done.returncode, done.stdout) == (1, "")
    assert "Go is missing" in done.stderr
    assert "make tools" in done.stderr


def test_an_unknown_tool_is_answered_with_the_known_ones(cache: Path) -> None:
    done = run("etdc")
    assert done.returncode == 2
    assert "unknown tools: etdc; known: etcd, " in done.stderr


def test_an_unknown_module_is_answered_with_the_known_ones() -> None:
    done = run("--write", "kserf", script="replaces")
    assert done.returncode == 1
    assert done.stderr.startswith("unknown module: kserf; known: etcd, kubernetes, ")


def test_the_table_adds_up_megabytes_but_not_seconds_because_builds_go_side_by_side() -> None:
    rows = [
        Built(name="etcd", seconds=39.4, size=26_000_000),
        Built(name="kube-apiserver", seconds=185.0, size=102_400_000),
    ]
    assert table(rows, seconds=190.2).splitlines() == [
        "etcd                39 s      26 MB",
        "kube-apiserver     185 s     102 MB",
        "all                190 s     128 MB",
    ]
