"""The mounts of a node, in a mount namespace of their own: they are gone when its last process is.

containerd, kubelet, the CNI library and the shims of containers write to fixed folders of the machine. Inside the
namespace these are folders of the rig, so two nodes never meet there, usual paths can stay as they are (a socket's
path must be short), and removing the rig's folder removes all of it.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from churnguard_cluster.errors import ClusterError
from churnguard_cluster.node.requirements import program

COVERED: Final = ("/run", "/var/lib", "/var/log")
# The kubelet sets these for the whole machine. It reads what is mounted here, finds them set, and changes nothing.
KERNEL_SETTINGS: Final = {
    "kernel/keys/root_maxbytes": "25000000",
    "kernel/keys/root_maxkeys": "1000000",
    "kernel/panic": "10",
    "kernel/panic_on_oops": "1",
    "vm/overcommit_memory": "1",
    "vm/panic_on_oom": "0",
}


def covering_command(
    *, folder: Path, command: list[str], read_only: Mapping[Path, Path] | None = None
) -> list[str]:
    """The command that runs ``command`` in a new mount namespace whose covered folders lie in ``folder``.

    ``read_only`` has further files and folders, and the place of each; places exist, below the covered folders.
    """
    check_visible(folder)
    script = "".join(_mount(_made(_behind(folder, place)), place) for place in COVERED)
    for name, value in KERNEL_SETTINGS.items():
        setting = Path("/proc/sys") / name
        if setting.exists():
            script += _mount(_written(folder / "kernel" / name, value), str(setting))
    for source, place in (read_only or {}).items():
        script += _mount(source, str(place)) + f"mount -o remount,bind,ro {place}\n"
    shell = ["/bin/sh", "-euc", f"{script}exec {shlex.join(command)}"]
    return [program("unshare"), "--mount", "--propagation=private", "--", *shell]


def joining_command(*, pid: int, command: list[str]) -> list[str]:
    """The command that runs ``command`` in the mount namespace of a process."""
    return [program("nsenter"), f"--mount=/proc/{pid}/ns/mnt", "--", *command]


def outside(*, folder: Path, path: str) -> Path:
    """Where a path of a covered folder is found outside the namespace."""
    return _behind(folder, path)


def check_visible(folder: Path) -> None:
    """Refuses a folder that the covered ones would hide from the node."""
    for place in COVERED:
        if folder.resolve().is_relative_to(place):
            raise ClusterError(
                f"a node cannot use {folder}: it has a {place} of its own. "
                "Name other folders in CHURNGUARD_STATE and CHURNGUARD_CACHE."
            )


def _behind(folder: Path, path: str) -> Path:
    return folder / path.lstrip("/")


def _mount(source: Path, target: str) -> str:
    return f"mount --bind {shlex.quote(str(source))} {target}\n"


def _made(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    return path


def _written(path: Path, value: str) -> Path:
    _made(path.parent)
    path.write_text(f"{value}\n")
    return path
