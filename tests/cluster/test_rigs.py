"""Whole rigs from outside: started by command, killed in the middle, side by side; none leaves anything behind."""

from __future__ import annotations

import functools
import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from churnguard_cluster import leftovers, process
from churnguard_cluster.cluster import Cluster, Level
from churnguard_cluster.fixtures import or_skip
from churnguard_cluster.namespace import RUN_FOLDER
from churnguard_cluster.objects import Objects, reference
from churnguard_cluster.state import RigFolder, State
from churnguard_cluster.tools import tool
from churnguard_cluster.waiting import wait_for

pytestmark = [pytest.mark.apiserver, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
# A test run of its own, which hangs once its cluster is up.
HANGING = """
import threading

def test_that_hangs(cluster, namespace):
    print("hanging", flush=True)
    threading.Event().wait()

def test_that_passes(objects, namespace):
    assert objects.list("v1", "ServiceAccount", namespace=namespace)
"""


@pytest.fixture(scope="module", autouse=True)
def _tools() -> None:
    for name in ("etcd", "kube-apiserver", "kube-controller-manager"):
        or_skip(functools.partial(tool, name))


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[State]:
    """State of its own, so that rigs of other sessions are left alone."""
    monkeypatch.setenv("CHURNGUARD_STATE", str(tmp_path / "state"))
    monkeypatch.delenv("CHURNGUARD_TEST_CLUSTER", raising=False)
    monkeypatch.delenv("CHURNGUARD_TEST_LEVEL", raising=False)
    found = State.of_user()
    yield found
    for folder in found.folders():
        leftovers.remove(folder)


def processes_of(folder: RigFolder) -> list[int]:
    pids = [int(each.name) for each in Path("/proc").iterdir() if each.name.isdigit()]
    return [pid for pid in pids if process.bears_mark(pid, folder=folder.path)]


def assert_nothing_is_left(folder: RigFolder) -> None:
    assert not folder.exists
    assert processes_of(folder) == []
    assert not (RUN_FOLDER / folder.id).exists()
    mounts = Path("/proc/self/mounts").read_text()
    assert folder.id not in mounts
    assert str(folder.path) not in mounts
    assert not list(Path("/sys/fs/cgroup").glob(f"*/{folder.id}"))


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "churnguard_cluster", *arguments], capture_output=True, text=True, cwd=ROOT
    )


def pytest_run(file: Path, *options: str) -> subprocess.Popen[str]:
    """A session of its own on a file that lies outside the repository."""
    plugin = ["-p", "churnguard_cluster.fixtures", "-p", "no:cacheprovider"]
    return subprocess.Popen(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-s",
            *plugin,
            f"-c{ROOT / 'pyproject.toml'}",
            *options,
            str(file),
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def run_on(kubeconfig: Path, *files: str) -> subprocess.CompletedProcess[str]:
    """One test of each file, on a cluster that is there already."""
    return subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"),
            *("-k", "forbids or evicted or second_is_refused"),
            *(f"tests/apiserver/{file}" for file in files),
        ],
        cwd=ROOT,
        env={**os.environ, "CHURNGUARD_TEST_CLUSTER": "existing", "KUBECONFIG": str(kubeconfig)},
        capture_output=True,
        text=True,
    )


def test_a_run_that_was_killed_does_not_disturb_the_next_and_leaves_nothing_after_it(
    state: State, tmp_path: Path
) -> None:
    file = tmp_path / "test_hanging.py"
    file.write_text(HANGING)
    killed = pytest_run(file, "-k", "hangs")
    assert killed.stdout is not None
    printed = list(itertools.takewhile(lambda line: "hanging" not in line, killed.stdout))
    assert killed.poll() is None, printed
    (folder,) = state.folders()
    assert processes_of(folder)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert folder.is_abandoned()

    following = pytest_run(file, "-k", "passes")
    output, _ = following.communicate()
    assert following.returncode == 0, output
    assert state.folders() == []
    assert_nothing_is_left(folder)


def test_a_start_that_was_killed_is_cleaned_up_by_down(state: State) -> None:
    starting = subprocess.Popen(
        [sys.executable, "-m", "churnguard_cluster", "up", "--name", "killed"], stderr=subprocess.DEVNULL
    )
    folder = state.folder("killed")
    wait_for(lambda: processes_of(folder), what="the first process of the rig")
    starting.kill()
    starting.wait()
    assert command("down", "--name", "other").returncode == 0
    assert_nothing_is_left(folder)


def test_two_rigs_side_by_side_have_the_same_names_and_do_not_meet(state: State) -> None:
    first = Cluster.start(name="first", level=Level.APISERVER)
    second = Cluster.start(name="second", level=Level.APISERVER)
    try:
        for cluster in (first, second):
            document = {**reference("v1", "ConfigMap", "same"), "data": {"rig": cluster.rig.folder.name}}
            Objects(cluster.kube).create(document, namespace="default")
        first.stop()
        found = Objects(second.kube).get(reference("v1", "ConfigMap", "same"), namespace="default")
        assert found["data"] == {"rig": "second"}
        assert_nothing_is_left(first.rig.folder)
    finally:
        second.stop()
    assert_nothing_is_left(second.rig.folder)


def test_up_and_down_can_be_repeated(state: State) -> None:
    or_skip(lambda: tool("kserve-controller"))
    up = command("up", "--name", "mine")
    assert up.returncode == 0, up.stderr
    kubeconfig = Path(up.stdout.strip())
    assert kubeconfig == state.folder("mine").kubeconfig
    assert "kube-apiserver" in up.stderr
    pids = processes_of(state.folder("mine"))

    again = command("up", "--name", "mine")
    assert (again.returncode, again.stdout) == (0, up.stdout)
    assert "already up" in again.stderr
    assert processes_of(state.folder("mine")) == pids
    other = command("up", "--name", "mine", "--level", "node")
    assert other.returncode == 1
    assert "is up at level apiserver, not node" in other.stderr

    existing = run_on(kubeconfig, "test_jobs.py", "test_writing.py", "test_inference_service.py")
    assert existing.returncode == 0, existing.stdout
    assert "2 passed, 1 skipped" in existing.stdout
    assert "only a cluster without nodes has played ones" in existing.stdout

    assert command("down", "--name", "mine").returncode == 0
    assert_nothing_is_left(state.folder("mine"))
    gone = command("down", "--name", "mine")
    assert (gone.returncode, "there is no cluster mine" in gone.stderr) == (0, True)
