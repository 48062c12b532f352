"""containerd with runc and a bridge for pods, in the mount namespace that the whole node shares."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from churnguard_cluster.node import mounts, sandbox
from churnguard_cluster.node.ctr import SOCKET, Ctr
from churnguard_cluster.node.images.cache import ImageCache
from churnguard_cluster.node.images.image import Image
from churnguard_cluster.node.images.store import ImageStore
from churnguard_cluster.node.requirements import cni_folder, program, search_path
from churnguard_cluster.process import Process
from churnguard_cluster.rig import Rig

POD_RANGE: Final = "10.244.0.0/16"

CONFIGURATION: Final = """\
version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
disabled_plugins = [
  "io.containerd.internal.v1.opt",
  "io.containerd.internal.v1.tracing",
  "io.containerd.snapshotter.v1.aufs",
  "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.zfs",
  "io.containerd.tracing.processor.v1.otlp",
]

[grpc]
address = "{socket}"

[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{sandbox}"
# Without CAP_SYS_RESOURCE, as in many virtual machines of CI, no sandbox starts: "can't get final child's PID".
restrict_oom_score_adj = true

[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "{plugins}"
conf_dir = "{networks}"

[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "overlayfs"
default_runtime_name = "runc"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
SystemdCgroup = false
"""


@dataclass(frozen=True, kw_only=True)
class Containerd:
    """A started containerd."""

    rig: Rig
    process: Process

    @classmethod
    def start(cls, rig: Rig) -> Containerd:
        """Starts it with the images that are unpacked in the cache already."""
        folder = rig.folder_of("containerd")
        networks = folder / "networks"
        networks.mkdir()
        (networks / "10-pods.conflist").write_text(json.dumps(_pod_network()))
        configuration = folder / "config.toml"
        configuration.write_text(
            CONFIGURATION.format(
                socket=SOCKET, sandbox=sandbox.IMAGE, plugins=cni_folder(), networks=networks
            )
        )
        with ImageStore(cache=ImageCache.of_user()).lent(folder / "root") as loan:
            command = mounts.covering_command(
                folder=folder / "root",
                command=[program("containerd"), f"--config={configuration}"],
                read_only=loan.read_only,
            )
            process = rig.start(
                name="containerd",
                command=command,
                environment={"PATH": search_path()},  # it finds runc, iptables and its shim there
                pass_fds=[loan.descriptor],
            )
        return cls(rig=rig, process=process)

    @property
    def ctr(self) -> Ctr:
        return Ctr(containerd=self.process)

    def wait_until_ready(self) -> None:
        """Returns when it answers and has the image of sandboxes."""
        folder = self.rig.folder_of("containerd")
        self.process.wait_until(mounts.outside(folder=folder / "root", path=SOCKET).exists)
        self.process.wait_until(self.ctr.answers)
        self.ctr.import_archive(sandbox.write_archive(folder / "sandbox.tar"))
        self.ctr.wait_until_managed()

    def load(self, image: Image) -> None:
        """Makes an image known to pods, under its name."""
        if image.reference not in self.ctr.images():
            self.ctr.import_image(image)
            self.ctr.wait_until_managed()

    def command(self, *command: str) -> list[str]:
        """The command that runs another one among the node's mounts."""
        return mounts.joining_command(pid=self.process.identity.pid, command=list(command))


def _pod_network() -> dict[str, Any]:
    bridge = {
        "type": "bridge",
        "bridge": "cni0",
        "isGateway": True,
        "ipMasq": True,
        "hairpinMode": True,  # a pod may be answered by itself through its Service
        "ipam": {
            "type": "host-local",
            "ranges": [[{"subnet": POD_RANGE}]],
            "routes": [{"dst": "0.0.0.0/0"}],
        },
    }
    portmap = {"type": "portmap", "capabilities": {"portMappings": True}}
    return {"cniVersion": "0.4.0", "name": "pods", "plugins": [bridge, portmap]}
