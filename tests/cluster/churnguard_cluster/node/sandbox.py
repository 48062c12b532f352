"""The image of pods' sandboxes: one program that waits and reaps, made on the spot from a program of this machine."""

from __future__ import annotations

import hashlib
import io
import json
import platform
import tarfile
from pathlib import Path
from typing import Any, Final

from churnguard_cluster.node.requirements import program

IMAGE: Final = "docker.io/library/churnguard-sandbox:1"
ARCHITECTURES: Final = {"x86_64": "amd64", "aarch64": "arm64"}


def write_archive(path: Path) -> Path:
    """Writes the image as an archive that ``ctr images import`` reads."""
    layer = _tar({"catatonit": Path(program("catatonit")).read_bytes()})
    config = {
        "architecture": ARCHITECTURES.get(platform.machine(), platform.machine()),
        "os": "linux",
        # -P: wait for a signal and reap orphans, which is all that a sandbox does.
        "config": {"Entrypoint": ["/catatonit", "-P"], "Env": ["PATH=/"]},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
    }
    manifest = [{"Config": "config.json", "RepoTags": [IMAGE], "Layers": ["layer.tar"]}]
    files = {"manifest.json": _json(manifest), "config.json": _json(config), "layer.tar": layer}
    path.write_bytes(_tar(files))
    return path


def _json(content: Any) -> bytes:
    return json.dumps(content).encode()


def _tar(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o755
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()
