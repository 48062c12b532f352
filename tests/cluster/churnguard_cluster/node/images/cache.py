"""The folder of bases, images and the layers between them; outside the tree, beside the built tools."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from churnguard_cluster.node.images.image import PREFIX


@dataclass(frozen=True, kw_only=True)
class ImageCache:
    """A folder that survives the tests."""

    root: Path

    @classmethod
    def of_user(cls) -> ImageCache:
        """The cache below ``CHURNGUARD_CACHE``, or the user's usual folder of caches."""
        caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        root = Path(os.environ.get("CHURNGUARD_CACHE") or caches / "churnguard").absolute() / "images"
        root.mkdir(parents=True, exist_ok=True)
        return cls(root=root)

    @property
    def layers(self) -> Path:
        """Data of a Docker daemon of our own, so that a rebuild repeats only what changed."""
        return self.root / "docker"

    def archive(self, component: str, *, key: str) -> Path:
        """Where the archive of an image belongs."""
        return self.root / f"{PREFIX}{component}_{key}.tar"

    def has_archive_of(self, reference: str) -> bool:
        """Whether the image of this full name (``docker.io/library/churnguard-serving:0123``) is in an archive."""
        name, _, key = reference.rpartition("/")[2].partition(":")
        return self.archive(name.removeprefix(PREFIX), key=key).exists()

    @contextlib.contextmanager
    def locked(self, part: str) -> Iterator[None]:
        """Holds off other processes that work on this part of the cache."""
        with (self.root / f"{part}.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def keep_newest(self, pattern: str, *, count: int) -> None:
        """Removes all but the newest files of a pattern."""
        newest_first = sorted(self.root.glob(pattern), key=lambda file: file.stat().st_mtime, reverse=True)
        for file in newest_first[count:]:
            file.unlink()
