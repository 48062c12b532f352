"""A node that is taken down, or whose owner was killed, leaves nothing on the machine."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from churnguard_cluster import leftovers
from churnguard_cluster.cluster import Cluster, Level
from churnguard_cluster.fixtures import LEVEL, or_skip
from churnguard_cluster.namespace import RUN_FOLDER
from churnguard_cluster.node import cgroups, requirements, sandbox
from churnguard_cluster.node.mounts import KERNEL_SETTINGS
from churnguard_cluster.node.workloads import container, pod_spec
from churnguard_cluster.objects import Objects, reference
from churnguard_cluster.process import bears_mark
from churnguard_cluster.state import RigFolder, State
from churnguard_cluster.waiting import wait_for

pytestmark = [pytest.mark.cluster, pytest.mark.slow, pytest.mark.timeout(600)]

ROOT = Path(__file__).parents[2]
# A test run of its own; each test has a pod of the sandbox's image, which is there without building any.
RUNS = """
import threading
from churnguard_cluster.node.sandbox import IMAGE
from churnguard_cluster.node.workloads import container, pod_spec
from churnguard_cluster.objects import reference
from churnguard_cluster.waiting import wait_for

def run_a_pod(objects, namespace):
    # The image names no user, and the pod may not be root.
    main = container(name="main", image=IMAGE, command=["/catatonit", "-P"])
    main["securityContext"] = {**main["securityContext"], "runAsUser": 65532}
    pod = {**reference("v1", "Pod", "first"), "spec": pod_spec(main)}
    objects.create(pod, namespace=namespace)
    wait_for(lambda: objects.get(pod, namespace=namespace)["status"]["phase"] == "Running", what="the pod to run")

def test_that_hangs(node, objects, namespace):
    run_a_pod(objects, namespace)
    print("hanging", flush=True)
    threading.Event().wait()

def test_that_passes(node, objects, namespace):
    run_a_pod(objects, namespace)
"""


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[State]:
    """State of its own, so that rigs of other sessions are left alone."""
    if os.environ.get(LEVEL) != Level.NODE:
        pytest.skip("takes a minute and root, see `make test-cluster`")
    or_skip(requirements.check_node)
    or_skip(requirements.check_tools)
    monkeypatch.setenv("CHURNGUARD_STATE", str(tmp_path / "state"))
    monkeypatch.delenv("CHURNGUARD_TEST_CLUSTER", raising=False)
    found = State.of_user()
    yield found
    for folder in found.folders():
        leftovers.remove(folder)


def processes() -> list[int]:
    return [int(each.name) for each in Path("/proc").iterdir() if each.name.isdigit()]


def of_rig(folder: RigFolder) -> list[int]:
    """Processes that the rig started, and those in its containers."""
    return [
        pid for pid in processes() if bears_mark(pid, folder=folder.path) or cgroups.holds(folder.id, pid)
    ]


def host() -> dict[str, object]:
    """What a node might change for the whole machine; other rigs, which may come and go meanwhile, do not."""
    interfaces = sorted(each.name for each in Path("/sys/class/net").iterdir())
    saved = subprocess.run(["iptables-save"], capture_output=True, text=True).stdout.splitlines()
    usual = ("/run/containerd", "/var/lib/cni", "/var/lib/kubelet", "/var/log/pods", "/var/log/containers")
    return {
        "interfaces": interfaces,
        "chains and rules": sorted(line.split(" [")[0] for line in saved if line[:1] in ":-"),
        "settings": {name: Path("/proc/sys", name).read_text() for name in KERNEL_SETTINGS},
        "folders": [place for place in usual if Path(place).exists()],
    }


def mounts_of(folder: RigFolder) -> list[str]:
    """Places of the mounts that the machine itself sees of the rig."""
    lines = [line.split() for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    return [each[4] for each in lines if folder.id in each[4] or str(folder.path) in (*each[3:5],)]


def session(tmp_path: Path, expression: str) -> subprocess.Popen[str]:
    """A test run of its own on a file outside the repository."""
    file = tmp_path / "test_runs.py"
    file.write_text(RUNS)
    command = [sys.executable, "-m", "pytest", "-q", "-s", "-p", "no:cacheprovider"]
    command += [
        "-p",
        "churnguard_cluster.fixtures",
        f"-c{ROOT / 'pyproject.toml'}",
        "-k",
        expression,
        str(file),
    ]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def assert_nothing_is_left(folder: RigFolder) -> None:
    assert of_rig(folder) == []
    assert cgroups.groups(folder.id) == []
    assert mounts_of(folder) == []
    assert not folder.exists
    assert not (RUN_FOLDER / folder.id).exists()


def test_a_run_that_was_killed_with_a_pod_leaves_nothing_after_the_next(state: State, tmp_path: Path) -> None:
    before = host()
    killed = session(tmp_path, "hangs")
    assert killed.stdout is not None
    printed = list(itertools.takewhile(lambda line: "hanging" not in line, killed.stdout))
    assert killed.poll() is None, printed
    (folder,) = state.folders()
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert any(cgroups.holds(folder.id, pid) for pid in processes()), "the pod goes on"

    following = session(tmp_path, "passes")
    output, _ = following.communicate()
    assert following.returncode == 0, output
    assert state.folders() == []
    assert_nothing_is_left(folder)
    assert host() == before


def test_up_and_down_leave_nothing(state: State) -> None:
    before = host()
    options = ["--name", "mine"]
    command = [sys.executable, "-m", "churnguard_cluster"]
    up = subprocess.run(
        [*command, "up", "--level", "node", *options], cwd=ROOT, capture_output=True, text=True
    )
    assert up.returncode == 0, up.stderr
    folder = state.folder("mine")
    assert of_rig(folder)
    assert host() == before
    assert mounts_of(folder) == [str(RUN_FOLDER / folder.id)]
    down = subprocess.run([*command, "down", *options], cwd=ROOT, capture_output=True, text=True)
    assert down.returncode == 0, down.stderr
    assert_nothing_is_left(folder)
    assert host() == before


def test_two_nodes_side_by_side_run_pods_of_the_same_name_and_do_not_meet(state: State) -> None:
    before = host()
    first = Cluster.start(name="first", level=Level.NODE)
    second = Cluster.start(name="second", level=Level.NODE)
    try:
        for cluster in (first, second):
            run_a_pod(cluster, name="same")
        first.stop()
        assert_nothing_is_left(first.rig.folder)
        pod = Objects(second.kube).get(reference("v1", "Pod", "same"), namespace="default")
        assert (pod["status"]["phase"], pod["status"]["containerStatuses"][0]["restartCount"]) == (
            "Running",
            0,
        )
        run_a_pod(second, name="later")
    finally:
        second.stop()
    assert_nothing_is_left(second.rig.folder)
    assert host() == before


def run_a_pod(cluster: Cluster, *, name: str) -> None:
    objects = Objects(cluster.kube)
    main = container(name="main", image=sandbox.IMAGE, command=["/catatonit", "-P"])
    main["securityContext"] = {**main["securityContext"], "runAsUser": 65532}  # the image names none
    pod = {**reference("v1", "Pod", name), "spec": pod_spec(main)}
    account = reference("v1", "ServiceAccount", "default")
    wait_for(lambda: objects.find(account, namespace="default"), what="the default service account")
    objects.create(pod, namespace="default")
    wait_for(
        lambda: objects.get(pod, namespace="default")["status"]["phase"] == "Running",
        what=f"the pod {name} of the rig {cluster.rig.folder.name} to run",
    )
