"""A rig: one folder, one network, and the processes that share them."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from churnguard_cluster import process
from churnguard_cluster.namespace import HostNetwork, Network, NetworkNamespace
from churnguard_cluster.process import MARK, Process
from churnguard_cluster.state import RigFolder


@dataclass(frozen=True, kw_only=True)
class Rig:
    """What every piece of a cluster stands on."""

    folder: RigFolder
    network: Network
    seconds: dict[str, float] = field(default_factory=dict)
    """How long each piece took to become ready."""
    processes: list[Process] = field(default_factory=list)
    """What this process has started in the rig."""

    @classmethod
    def create(cls, folder: RigFolder) -> Rig:
        """A rig in a network namespace of its own for root, on the host's loopback for everybody else."""
        (folder.path / "logs").mkdir()
        (folder.path / "tmp").mkdir()
        if os.geteuid() != 0:
            return cls(folder=folder, network=HostNetwork())
        namespace = NetworkNamespace(name=folder.id)
        namespace.create()
        return cls(folder=folder, network=namespace)

    @property
    def id(self) -> str:
        """A short name for what the rig has outside its folder."""
        return self.folder.id

    @property
    def logs(self) -> Path:
        """Folder of the logs of all pieces, one file each."""
        return self.folder.path / "logs"

    def folder_of(self, piece: str) -> Path:
        """A folder for this piece alone."""
        path = self.folder.path / piece
        path.mkdir(exist_ok=True, mode=0o700)
        return path

    def environment(self) -> dict[str, str]:
        """What every process of the rig finds in its environment, and nothing else.

        No proxies above all: Go's programs would ask the machine's proxy for the rig's own addresses.
        """
        path = self.folder.path
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(path),
            "TMPDIR": str(path / "tmp"),
            MARK: str(path),
        }

    def start(
        self,
        *,
        name: str,
        command: Sequence[str | Path],
        environment: Mapping[str, str] | None = None,
        pass_fds: Sequence[int] = (),
    ) -> Process:
        """Starts a program in the rig's network."""
        started = process.start(
            name=name,
            command=self.network.command([str(part) for part in command]),
            folder=self.folder.path,
            log=self.logs / f"{name}.log",
            environment=self.environment() | dict(environment or {}),
            pass_fds=pass_fds,
        )
        self.processes.append(started)
        return started

    def kill_processes(self) -> None:
        """Ends what this process has started, the newest first: nothing in a rig is worth a slow end."""
        for each in reversed(self.processes):
            each.kill()

    @contextmanager
    def timed(self, piece: str) -> Iterator[None]:
        """Notes the seconds that the block takes under the piece's name."""
        start = time.perf_counter()
        yield
        self.seconds[piece] = time.perf_counter() - start
