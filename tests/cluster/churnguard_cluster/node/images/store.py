"""Unpacked images that nodes share: unpacking takes half a minute, and would have to be done for each rig.

A containerd of the cache unpacks what is built. A node gets a copy of its two small databases, and the layers
themselves as read-only mounts; what its containers write goes to layers of its own.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from churnguard_cluster import process
from churnguard_cluster.node import mounts
from churnguard_cluster.node.ctr import SOCKET, Ctr
from churnguard_cluster.node.images.cache import ImageCache
from churnguard_cluster.node.images.image import Image
from churnguard_cluster.node.requirements import program, search_path
from churnguard_cluster.process import MARK

PART: Final = "unpacked"
ROOT: Final = "/var/lib/containerd"
DATABASES: Final = (
    "io.containerd.metadata.v1.bolt/meta.db",
    "io.containerd.snapshotter.v1.overlayfs/metadata.db",
)
BLOBS: Final = "io.containerd.content.v1.content/blobs/sha256"
LAYERS: Final = "io.containerd.snapshotter.v1.overlayfs/snapshots"
CONFIGURATION: Final = f"""\
version = 2
root = "{ROOT}"
state = "/run/containerd"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt"]

[grpc]
address = "{SOCKET}"
"""


@dataclass(frozen=True, kw_only=True)
class Loan:
    """The unpacked images, for one node."""

    read_only: Mapping[Path, Path]
    """What to mount, and where."""
    descriptor: int
    """An open file that marks the layers as in use, for as long as a process has it."""


@dataclass(frozen=True, kw_only=True)
class ImageStore:
    """A folder in which containerd has unpacked images."""

    cache: ImageCache

    @property
    def folder(self) -> Path:
        return self.cache.root / PART

    def hold(self, images: Sequence[Image]) -> None:
        """Unpacks images that are not yet; needs root and containerd."""
        wanted = {image.reference: image for image in images}
        if wanted.keys() <= self._noted():
            return
        with self.cache.locked(PART), self._containerd() as ctr:
            for reference in wanted.keys() - ctr.images().keys():
                ctr.import_image(wanted[reference])
            if not self._is_lent():
                ctr.remove(lambda name: not self.cache.has_archive_of(name))
            held = ctr.images()
            self._note.write_text("\n".join(held))

    @contextlib.contextmanager
    def lent(self, folder: Path) -> Iterator[Loan]:
        """The images for a node whose covered folders lie in ``folder``; copies and places are made there."""
        mine, theirs = (mounts.outside(folder=each, path=ROOT) for each in (self.folder, folder))
        with self.cache.locked(PART), self._in_use.open("w") as file:
            fcntl.flock(file, fcntl.LOCK_SH)
            self._end()
            places = _copied(mine, theirs) if self._note.exists() else {}
            yield Loan(read_only=places, descriptor=file.fileno())

    @property
    def _note(self) -> Path:
        return self.folder / "images"

    @property
    def _in_use(self) -> Path:
        return self.cache.root / "in-use"

    def _noted(self) -> set[str]:
        return set(self._note.read_text().split()) if self._note.exists() else set()

    def _is_lent(self) -> bool:
        with self._in_use.open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    @contextlib.contextmanager
    def _containerd(self) -> Iterator[Ctr]:
        """A containerd that works on the store."""
        self._end()
        self.folder.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="churnguard-containerd-") as folder:
            configuration = Path(folder) / "config.toml"
            configuration.write_text(CONFIGURATION)
            command = [program("containerd"), f"--config={configuration}"]
            containerd = process.start(
                name="containerd",
                command=mounts.covering_command(folder=self.folder, command=command),
                folder=self.folder,
                log=self.cache.root / "containerd.log",
                environment={"PATH": search_path(), MARK: str(self.folder)},
            )
            ctr = Ctr(containerd=containerd)
            try:
                containerd.wait_until(ctr.answers)
                yield ctr
            finally:
                containerd.stop()

    def _end(self) -> None:
        """Ends a containerd whose starter was killed: nothing else may write while the databases are read."""
        process.kill_all(lambda pid: process.bears_mark(pid, folder=self.folder))


def _copied(mine: Path, theirs: Path) -> dict[Path, Path]:
    for database in DATABASES:
        (theirs / database).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(mine / database, theirs / database)
    shared = [Path(part) / name for part in (BLOBS, LAYERS) for name in os.listdir(mine / part)]
    for path in shared:
        _make_place(theirs / path, like=mine / path)
    return {mine / path: ROOT / path for path in shared}


def _make_place(place: Path, *, like: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    if like.is_dir():
        place.mkdir()
    else:
        place.touch()
