"""Programs and module sources that ``tests/tools/build`` has put into its cache."""

from __future__ import annotations

import functools
import subprocess
import sys
from pathlib import Path
from typing import Final

from churnguard_cluster.errors import MissingToolError

BUILD: Final = Path(__file__).parents[2] / "tools" / "build"


@functools.cache
def tool(name: str) -> Path:
    """Path of a built program; MissingToolError, with the command that builds it, when there is none."""
    return _asked("--path", name)


@functools.cache
def source(name: str) -> Path:
    """Folder of the sources of a tool's module, which hold its CRDs and manifests."""
    return _asked("--source", name)


def _asked(*arguments: str) -> Path:
    found = subprocess.run([sys.executable, str(BUILD), *arguments], capture_output=True, text=True)
    if found.returncode != 0:
        raise MissingToolError(found.stderr.strip())
    return Path(found.stdout.strip())
