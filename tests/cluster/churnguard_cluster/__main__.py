"""``python -m churnguard_cluster up|down``: a cluster that stays until it is taken down."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from kubernetes import client
from urllib3.exceptions import HTTPError

from churnguard_cluster import leftovers
from churnguard_cluster.cluster import Cluster, Level
from churnguard_cluster.errors import ClusterError
from churnguard_cluster.kubeconfig import logged_in
from churnguard_cluster.state import RigFolder, State

LEVEL_FILE: Final = "level"
REQUEST_SECONDS: Final = 5


def up(*, name: str, level: Level) -> Path:
    """Kubeconfig of the cluster of this name, which runs when this returns."""
    folder = State.of_user().folder(name)
    if folder.exists and folder.owner() is None:
        if _answers(folder):
            _say_that_it_is_up(folder, level=level)
            return folder.kubeconfig
        # Processes do not survive the machine's next start, but the folder does.
        _say(f"cluster {name} has stopped: cleaning up and starting it again")
        leftovers.remove(folder)
    start = time.perf_counter()
    cluster = Cluster.start(name=name, level=level)
    try:
        cluster.require_kserve()
    except BaseException:
        cluster.stop()
        raise
    (folder.path / LEVEL_FILE).write_text(level)
    folder.give_up()
    for piece, seconds in cluster.rig.seconds.items():
        _say(f"{seconds:6.1f} s  {piece}")
    _say(
        f"{time.perf_counter() - start:6.1f} s  in all: cluster {name} is up, logs are in {cluster.rig.logs}"
    )
    return cluster.kubeconfig


def down(*, name: str) -> None:
    """Leaves nothing of the cluster of this name, nor of those whose owner was killed."""
    state = State.of_user()
    with state.locked():
        for abandoned in leftovers.remove_abandoned(state):
            _say(f"removed what was left of {abandoned}")
        folder = state.folder(name)
        was_there = folder.exists
        leftovers.remove(folder)
    _say(f"cluster {name} is down" if was_there else f"there is no cluster {name}")


def _answers(folder: RigFolder) -> bool:
    if not folder.kubeconfig.exists():
        return False
    with logged_in(folder.kubeconfig) as kube:
        try:
            client.VersionApi(kube).get_code(_request_timeout=REQUEST_SECONDS)
        except (client.ApiException, HTTPError):
            return False
    return True


def _say_that_it_is_up(folder: RigFolder, *, level: Level) -> None:
    found = (folder.path / LEVEL_FILE).read_text()
    if found != level:
        raise ClusterError(
            f"cluster {folder.name} is up at level {found}, not {level}: take it down first, "
            "or give the other one another --name"
        )
    _say(f"cluster {folder.name} is already up")


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m churnguard_cluster", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    starting = commands.add_parser("up", help="start a cluster and print the path of its kubeconfig")
    starting.add_argument("--level", type=Level, choices=list(Level), default=Level.APISERVER)
    stopping = commands.add_parser("down", help="take a cluster down, and what was left of killed test runs")
    for command in (starting, stopping):
        command.add_argument("--name", default="default")
    given = parser.parse_args(arguments)
    try:
        if given.command == "up":
            print(up(name=given.name, level=given.level))
        else:
            down(name=given.name)
    except ClusterError as error:
        _say(f"error: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
