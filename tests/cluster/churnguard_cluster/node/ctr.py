"""Images of a running containerd, by its own command line client."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from churnguard_cluster.errors import ClusterError
from churnguard_cluster.node import mounts
from churnguard_cluster.node.images.delta import write_delta
from churnguard_cluster.node.images.image import Image
from churnguard_cluster.node.requirements import program, search_path
from churnguard_cluster.process import POLL_SECONDS, Process

SOCKET: Final = "/run/containerd/containerd.sock"
NAMESPACE: Final = "k8s.io"
# Set by containerd's Kubernetes interface once it knows an image; before, the kubelet would try to pull it.
MANAGED: Final = "io.cri-containerd.image=managed"
MANAGED_SECONDS: Final = 60.0


@dataclass(frozen=True, kw_only=True)
class Ctr:
    """A client of a containerd that was started among mounts of its own."""

    containerd: Process

    def answers(self) -> bool:
        return self._run("version").returncode == 0

    def images(self) -> dict[str, str]:
        """Names of the images, each with the rest of its line: digest, size, labels."""
        lines = self._checked("images", "list").splitlines()[1:]
        return {name: rest for name, _, rest in (line.partition(" ") for line in lines)}

    def import_archive(self, archive: Path) -> None:
        """Unpacks the images of an archive (``docker save``)."""
        # Given as a stream, because the client has other mounts than we have.
        with archive.open("rb") as content:
            self._checked("images", "import", "-", stdin=content)

    def import_image(self, image: Image) -> None:
        """Unpacks what is not there of an image."""
        present = set(self._checked("content", "list", "--quiet").split())
        with tempfile.TemporaryDirectory(prefix="image-", dir=image.archive.parent) as folder:
            target = Path(folder) / "delta.tar"
            self.import_archive(
                write_delta(image.archive, target, reference=image.reference, present=present)
            )

    def wait_until_managed(self) -> None:
        """Returns when Kubernetes' interface knows all images."""
        deadline = time.monotonic() + MANAGED_SECONDS
        while unmanaged := [name for name, rest in self.images().items() if MANAGED not in rest]:
            if time.monotonic() > deadline:
                raise ClusterError(f"containerd did not take over the images {', '.join(unmanaged)}")
            time.sleep(POLL_SECONDS)  # between two looks

    def remove(self, is_meant: Callable[[str], bool]) -> None:
        """Removes images, and all that only they need."""
        if names := [name for name in self.images() if is_meant(name)]:
            self._checked("images", "remove", "--sync", *names)

    def _checked(self, *arguments: str, stdin: Any = subprocess.DEVNULL) -> str:
        done = self._run(*arguments, stdin=stdin)
        if done.returncode != 0:
            raise ClusterError(f"ctr {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout

    def _run(self, *arguments: str, stdin: Any = subprocess.DEVNULL) -> subprocess.CompletedProcess[str]:
        client = [program("ctr"), f"--address={SOCKET}", f"--namespace={NAMESPACE}", *arguments]
        command = mounts.joining_command(pid=self.containerd.identity.pid, command=client)
        environment = {"PATH": search_path()}
        return subprocess.run(command, stdin=stdin, capture_output=True, text=True, env=environment)
