"""Folders of rigs, and whose they are: what is left of a rig whose owner died can be found and cleaned.

A rig has one folder, named by the rig, below one folder of the user. A rig of a test session belongs to that process
and goes with it; a rig that was started to stay belongs to nobody, from the moment it is up.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from churnguard_cluster.errors import ClusterError
from churnguard_cluster.process import Identity

OWNER: Final = "owner.json"
NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?")


@dataclass(frozen=True, kw_only=True)
class RigFolder:
    """The folder of one rig, which holds everything that the rig writes."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def id(self) -> str:
        """A short name for what the rig has outside its folder: network namespace, interfaces, cgroups."""
        # Two users, or two folders of state, may each have a rig of the same name.
        return f"churnguard-{hashlib.sha256(str(self.path).encode()).hexdigest()[:8]}"

    def owner(self) -> Identity | None:
        """The process that the rig ends with; none for a rig that stays."""
        try:
            return Identity(**json.loads((self.path / OWNER).read_text()))
        except FileNotFoundError:
            return None

    def is_abandoned(self) -> bool:
        """Whether the rig's owner has died."""
        owner = self.owner()
        return owner is not None and not owner.is_alive()

    @property
    def kubeconfig(self) -> Path:
        """The administrator's way in from the host, once the rig is up."""
        return self.path / "kubeconfig"

    @property
    def exists(self) -> bool:
        return self.path.is_dir()

    def give_up(self) -> None:
        """Lets the rig outlive this process."""
        (self.path / OWNER).unlink()


@dataclass(frozen=True, kw_only=True)
class State:
    """All rigs of one user of this machine."""

    root: Path

    @classmethod
    def of_user(cls) -> State:
        """The state below ``CHURNGUARD_STATE``, or the user's usual folder of state."""
        usual = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "churnguard"
        root = Path(os.environ.get("CHURNGUARD_STATE") or usual).absolute()
        try:
            root.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise ClusterError(
                f"cannot make the folder {root} for the state of clusters: {error.strerror}. "
                "Name another one in CHURNGUARD_STATE."
            ) from error
        return cls(root=root)

    @property
    def rigs(self) -> Path:
        return self.root / "rigs"

    def folder(self, name: str) -> RigFolder:
        """The folder of the rig with this name, whether it exists or not."""
        if NAME.fullmatch(name) is None:
            raise ClusterError(
                f"{name!r} cannot name a rig: at most 40 of a-z, 0-9 and inner hyphens, please"
            )
        return RigFolder(path=self.rigs / name)

    def folders(self) -> list[RigFolder]:
        """Folders of all rigs that exist."""
        if not self.rigs.exists():
            return []
        return [RigFolder(path=each) for each in sorted(self.rigs.iterdir()) if NAME.fullmatch(each.name)]

    def create(self, name: str) -> RigFolder:
        """A new, empty folder that belongs to this process; ClusterError when there is one of that name."""
        folder = self.folder(name)
        self.rigs.mkdir(exist_ok=True)
        owner = Identity.of(os.getpid())
        assert owner is not None  # this process lives
        # Made aside and renamed, so that no folder is ever seen without its owner.
        aside = Path(tempfile.mkdtemp(prefix=".new-", dir=self.rigs))
        (aside / OWNER).write_text(json.dumps(asdict(owner)))
        try:
            aside.rename(folder.path)
        except OSError as error:
            shutil.rmtree(aside)
            raise ClusterError(
                f"there is a rig {name} in {folder.path}: take it down first, or choose another name"
            ) from error
        return folder

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Holds off other processes that start or clean rigs."""
        with (self.root / "lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
