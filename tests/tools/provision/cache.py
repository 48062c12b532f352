"""The folders outside the tree in which everything built or installed is kept, and who may write there."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ASIDE: Final = ".unfinished-"


def cache_root() -> Path:
    """Folder of everything that is built or installed once."""
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(os.environ.get("CHURNGUARD_CACHE") or caches / "churnguard").absolute()


@contextlib.contextmanager
def sole_writer(folder: Path) -> Iterator[Path]:
    """A fresh folder beside what ``folder`` will hold; a second process waits until the first is done.

    What is finished is renamed out of it, so ``folder`` never holds anything half. The system takes the lock from
    a process that dies, and whoever holds it clears what the dead one left.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for left in folder.glob(f"{ASIDE}*"):
            shutil.rmtree(left, ignore_errors=True)
        with tempfile.TemporaryDirectory(prefix=ASIDE, dir=folder) as aside:
            yield Path(aside)
