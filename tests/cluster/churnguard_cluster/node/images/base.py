"""A base image where no registry is in reach: Debian's packages, as the published slim image of Python has them."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Final

from churnguard_cluster.errors import ClusterError
from churnguard_cluster.node.images.cache import ImageCache
from churnguard_cluster.node.requirements import program

# The release and the Python of the Dockerfile's default base.
RELEASE: Final = "trixie"
PACKAGES: Final = ("ca-certificates", "python3", "python3-venv")
# Of no use in a container, or made anew in each.
LEFT_OUT: Final = (
    "./dev/",
    "./usr/share/doc/",
    "./usr/share/info/",
    "./usr/share/locale/",
    "./usr/share/man/",
    "./var/cache/",
    "./var/lib/apt/lists/",
    "./var/log/",
)
LOG_LINES: Final = 20


def name() -> str:
    """The base under the name of all that determines it."""
    parts = (RELEASE, *PACKAGES, *LEFT_OUT)
    return f"churnguard-base:{hashlib.sha256(repr(parts).encode()).hexdigest()[:12]}"


def archive(cache: ImageCache) -> Path:
    """The base's files as a tar archive, made unless it is cached; takes a minute or two."""
    target = cache.root / f"{name().replace(':', '-')}.tar"
    if not target.exists():
        with tempfile.TemporaryDirectory(prefix="base-", dir=cache.root) as aside:
            _bootstrap(Path(aside) / "root")
            packed = _pack(Path(aside) / "root", Path(aside) / "base.tar")
            packed.replace(target)
        cache.keep_newest("churnguard-base-*.tar", count=1)
    return target


def _bootstrap(root: Path) -> None:
    command = [
        *(program("debootstrap"), "--variant=minbase", f"--include={','.join(PACKAGES)}"),
        *(RELEASE, str(root)),
    ]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        end = "\n".join(done.stdout.splitlines()[-LOG_LINES:])
        raise ClusterError(f"debootstrap cannot make the base image; it ends:\n{end}")


def _pack(root: Path, target: Path) -> Path:
    def kept(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
        return None if entry.name.startswith(LEFT_OUT) else entry

    with tarfile.open(target, "w") as packed:
        packed.add(root, arcname=".", filter=kept)
    shutil.rmtree(root)
    return target
