"""What a machine needs for a node, and a message that says all of what is missing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from churnguard_cluster.errors import MissingToolError, UnsupportedError
from churnguard_cluster.tools import tool

PACKAGES_FILE: Final = "tests/cluster/node-packages.txt"
CNI_PLUGINS: Final = ("bridge", "host-local", "loopback", "portmap")
# Debian's, and where the releases of the CNI project and most other distributions put them.
CNI_FOLDERS: Final = (Path("/usr/lib/cni"), Path("/opt/cni/bin"), Path("/usr/libexec/cni"))
NODE_PROGRAMS: Final = {
    "catatonit": "catatonit",
    "conntrack": "conntrack",
    "containerd": "containerd",
    "containerd-shim-runc-v2": "containerd",
    "ctr": "containerd",
    "ip": "iproute2",
    "iptables": "iptables",
    "mount": "mount",
    "nsenter": "util-linux",
    "runc": "runc",
    "sysctl": "procps",
    "unshare": "util-linux",
}
NODE_TOOLS: Final = ("coredns", "kube-proxy", "kube-scheduler", "kubelet", "metrics-server")
IMAGE_PROGRAMS: Final = {
    "debootstrap": "debootstrap",
    "docker": "docker.io",
    "dockerd": "docker.io",
    "unshare": "util-linux",
}


def search_path() -> str:
    """Where programs are looked for: also where distributions put the administrator's."""
    return f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin:/usr/local/sbin"


def program(name: str) -> str:
    """Path of an installed program; the name itself when there is none, so that the error names it."""
    return shutil.which(name, path=search_path()) or name


def cni_folder() -> Path | None:
    """The folder with all CNI plugins that a node needs."""
    for folder in CNI_FOLDERS:
        if all((folder / plugin).exists() for plugin in CNI_PLUGINS):
            return folder
    return None


def missing_packages(programs: Mapping[str, str]) -> dict[str, str]:
    """Programs that are not installed, with the Debian packages that bring them."""
    return {
        name: package for name, package in programs.items() if shutil.which(name, path=search_path()) is None
    }


def check_node() -> None:
    """Refuses, with everything that is missing at once, a machine on which no node can run."""
    _check(purpose="a real node", programs=NODE_PROGRAMS, plugins=cni_folder())


def check_image_build() -> None:
    """Refuses a machine that can build no images: without a running Docker it must start one of its own."""
    _check(purpose="building images without a running Docker", programs=IMAGE_PROGRAMS, plugins=Path("/"))


def can_run_a_node() -> bool:
    """Whether this user of this machine can start a node."""
    return os.geteuid() == 0 and not missing_packages(NODE_PROGRAMS) and cni_folder() is not None


def check_tools() -> None:
    """Refuses to start a node half: MissingToolError when one of its built programs is missing."""
    for name in NODE_TOOLS:
        tool(name)


def _check(*, purpose: str, programs: Mapping[str, str], plugins: Path | None) -> None:
    if os.geteuid() != 0:
        raise UnsupportedError(
            f"{purpose} needs root: it makes namespaces, mounts and cgroups. Run the command with sudo, "
            "or on an existing cluster with CHURNGUARD_TEST_CLUSTER=existing and KUBECONFIG."
        )
    missing = missing_packages(programs)
    if plugins is None:
        folders = " or ".join(map(str, CNI_FOLDERS))
        missing[f"the CNI plugins {', '.join(CNI_PLUGINS)} (in {folders})"] = "containernetworking-plugins"
    if missing:
        raise MissingToolError(
            f"{purpose} needs {', '.join(missing)}. On Debian and its relatives:\n"
            f"  apt-get install --no-install-recommends {' '.join(sorted(set(missing.values())))}\n"
            f"(all packages of a node are in {PACKAGES_FILE})"
        )
