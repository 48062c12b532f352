"""The cgroup of a rig: every container of its pods lies below it, so it finds and ends them all.

Containers do not bear the rig's mark in their environment, and a container may change everything else about itself.
Works with one hierarchy (version 2) and with one per controller (version 1, also beside an empty version 2).
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Final

from churnguard_cluster import process
from churnguard_cluster.errors import ClusterError
from churnguard_cluster.process import POLL_SECONDS

ROOT: Final = Path("/sys/fs/cgroup")
# Empty in a new group of version 1, and nothing can be put into a group without them.
INHERITED: Final = ("cpuset.cpus", "cpuset.mems")
REMOVE_SECONDS: Final = 20.0


def create(name: str) -> None:
    """Makes the rig's group in each hierarchy, fit to hold others."""
    found = _hierarchies()
    if not found:
        raise ClusterError(f"no cgroup hierarchy is mounted below {ROOT}: mount one, containers need it")
    for hierarchy in found:
        group = hierarchy / name
        group.mkdir(exist_ok=True)
        for file in INHERITED:
            if (group / file).exists() and not (group / file).read_text().strip():
                (group / file).write_text((hierarchy / file).read_text())


def holds(name: str, pid: int) -> bool:
    """Whether a process is in the rig's group or below."""
    try:
        lines = Path(f"/proc/{pid}/cgroup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return False
    # hierarchy:controllers:path, and a path may hold colons
    return any(f"{line.split(':', 2)[2]}/".startswith(f"/{name}/") for line in lines)


def kill(name: str) -> None:
    """Ends all processes in the rig's group and below, without asking."""
    process.kill_all(lambda pid: holds(name, pid))


def remove(name: str) -> None:
    """Removes the rig's empty group with all below; nothing happens when there is none."""
    deadline = time.monotonic() + REMOVE_SECONDS
    for group in groups(name):
        for folder, _, _ in os.walk(group, topdown=False):
            _remove_one(Path(folder), deadline=deadline)


def groups(name: str) -> list[Path]:
    """The rig's group in each hierarchy where it exists."""
    return [each / name for each in _hierarchies() if (each / name).is_dir()]


def _remove_one(group: Path, *, deadline: float) -> None:
    # A group is busy for a moment after its last process has ended.
    while group.exists():
        try:
            group.rmdir()
        except FileNotFoundError:
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(POLL_SECONDS)


def _hierarchies() -> list[Path]:
    """Where cgroup hierarchies are mounted; two controllers that share one may be mounted twice."""
    mounts = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    return [Path(fields[1]) for fields in mounts if fields[2] in ("cgroup", "cgroup2")]
