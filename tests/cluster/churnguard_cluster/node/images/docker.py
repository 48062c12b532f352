"""Docker: the one that runs on this machine, or else a daemon of our own that ends with the build."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from churnguard_cluster import process
from churnguard_cluster.errors import ClusterError
from churnguard_cluster.node import cgroups, requirements
from churnguard_cluster.node.images.cache import ImageCache
from churnguard_cluster.process import MARK

CGROUP: Final = "churnguard-images"
# Layers that were not used for long go when there are more; two images with all their stages take about 4 GB.
CONFIGURATION: Final = {"builder": {"gc": {"enabled": True, "defaultKeepStorage": "6GB"}}}
DEBIAN_CLIENT: Final = Path("/usr/bin/docker")


@dataclass(frozen=True, kw_only=True)
class Docker:
    """A Docker daemon that answers."""

    client: str
    environment: dict[str, str] = field(repr=False)
    network_options: tuple[str, ...] = ()

    def answers(self) -> bool:
        return self._run(["version"], capture_output=True).returncode == 0

    def has(self, image: str) -> bool:
        """Whether it knows the image."""
        return self._run(["image", "inspect", image], capture_output=True).returncode == 0

    def size(self, image: str) -> int:
        """Bytes of all layers of an image."""
        command = ["image", "inspect", "--format={{.Size}}", image]
        return int(self._checked(command, capture_output=True).stdout)

    def import_files(self, archive: Path, *, image: str) -> None:
        """Makes an image of one layer; without PATH nothing could be executed in its containers."""
        path = "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        with archive.open("rb") as content:
            self._checked(["import", f"--change={path}", "-", image], stdin=content, capture_output=True)

    def build(self, *, folder: Path, target: str, image: str, options: Sequence[str]) -> None:
        """Builds a target; what Docker prints goes to standard error."""
        arguments = ["build", f"--target={target}", f"--tag={image}", *self.network_options, *options]
        # Nothing on standard output but results; the plain form names the step that failed.
        self._checked([*arguments, "--progress=plain", str(folder)], stdout=2)

    def save(self, image: str, *, archive: Path) -> None:
        """Writes an image as an archive."""
        self._checked(["save", f"--output={archive}", image], capture_output=True)

    def forget(self, image: str) -> None:
        """Removes an image's name; its layers stay as a cache."""
        self._run(["image", "rm", image], capture_output=True)

    def _checked(self, arguments: list[str], **options: object) -> subprocess.CompletedProcess[str]:
        done = self._run(arguments, **options)
        if done.returncode != 0:
            raise ClusterError(f"docker {arguments[0]} failed: {(done.stderr or 'see above').strip()}")
        return done

    def _run(self, arguments: list[str], **options: object) -> subprocess.CompletedProcess[str]:
        command = [self.client, *arguments]
        return subprocess.run(command, env=self.environment, text=True, **options)  # type: ignore[call-overload,no-any-return]


def running() -> Docker | None:
    """The Docker that already runs on this machine, if one answers."""
    environment = {**os.environ, "DOCKER_BUILDKIT": "1"}
    found = Docker(client=requirements.program("docker"), environment=environment)
    try:
        return found if found.answers() else None
    except FileNotFoundError:
        return None


@contextlib.contextmanager
def own(cache: ImageCache) -> Iterator[Docker]:
    """A daemon of our own: no bridge, no firewall rules, its layers in the cache. Needs root."""
    requirements.check_image_build()
    # A build that was killed may have left its daemon, which holds the layers.
    _end(cache)
    cache.layers.mkdir(exist_ok=True)
    # A socket's path must be short.
    with tempfile.TemporaryDirectory(prefix="churnguard-docker-", dir="/tmp") as folder:
        socket = f"unix://{folder}/socket"
        # Debian's daemon and client fit; a newer client on the path may want a plug-in to build.
        client = str(DEBIAN_CLIENT) if DEBIAN_CLIENT.exists() else requirements.program("docker")
        environment = {**os.environ, "DOCKER_BUILDKIT": "1", "DOCKER_HOST": socket}
        docker = Docker(client=client, environment=environment, network_options=("--network=host",))
        daemon = process.start(
            name="dockerd",
            command=_daemon_command(cache, folder=Path(folder), socket=socket),
            folder=Path(folder),
            log=cache.root / "dockerd.log",
            environment={**os.environ, "PATH": requirements.search_path(), MARK: str(cache.layers)},
        )
        try:
            daemon.wait_until(docker.answers)
            yield docker
        finally:
            daemon.stop()
            _end(cache)


def _end(cache: ImageCache) -> None:
    process.kill_all(lambda pid: process.bears_mark(pid, folder=cache.layers))
    cgroups.kill(CGROUP)
    cgroups.remove(CGROUP)


def _daemon_command(cache: ImageCache, *, folder: Path, socket: str) -> list[str]:
    configuration = folder / "daemon.json"
    configuration.write_text(json.dumps(CONFIGURATION))
    return [
        # Its mounts go with it.
        *(requirements.program("unshare"), "--mount", "--propagation=private", "--"),
        requirements.program("dockerd"),
        f"--config-file={configuration}",
        f"--data-root={cache.layers}",
        f"--exec-root={folder}/exec",
        f"--pidfile={folder}/pid",
        f"--host={socket}",
        f"--cgroup-parent={CGROUP}",
        "--bridge=none",
        "--iptables=false",
        "--ip6tables=false",
        "--ip-forward=false",
        "--ip-masq=false",
    ]
