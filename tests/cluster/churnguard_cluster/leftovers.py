"""Taking a rig down, whatever state it is in: running, half started, or abandoned by an owner that was killed."""

from __future__ import annotations

import contextlib
import os
import shutil

from churnguard_cluster import process
from churnguard_cluster.namespace import NetworkNamespace
from churnguard_cluster.node import cgroups
from churnguard_cluster.state import RigFolder, State


def remove(folder: RigFolder) -> None:
    """Leaves nothing of a rig: no process, cgroup, network namespace or file. Nothing happens when there is none."""
    process.kill_all(lambda pid: process.bears_mark(pid, folder=folder.path))
    if os.geteuid() == 0:
        _remove_what_only_root_makes(folder)
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(folder.path)


def remove_abandoned(state: State) -> list[str]:
    """Removes all rigs whose owner has died; returns their names."""
    abandoned = [folder for folder in state.folders() if folder.is_abandoned()]
    for folder in abandoned:
        remove(folder)
    return [folder.name for folder in abandoned]


def _remove_what_only_root_makes(folder: RigFolder) -> None:
    # Containers have neither the mark nor the rig's network.
    cgroups.kill(folder.id)
    cgroups.remove(folder.id)
    namespace = NetworkNamespace(name=folder.id)
    process.kill_all(namespace.holds)
    namespace.delete()
