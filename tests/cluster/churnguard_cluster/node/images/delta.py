"""What of an image a containerd lacks, as an archive of its own.

An archive of ``docker save`` names layers by nothing that containerd could compare, so it would read and write all of
them again. In an OCI layout they are named by their content, and those that are there already can be left out: after
an edit of our code, that is all but the last layer.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Set
from pathlib import Path
from typing import IO, Any, Final

LAYOUT: Final = {"imageLayoutVersion": "1.0.0"}
INDEX_TYPE: Final = "application/vnd.oci.image.index.v1+json"
MANIFEST_TYPE: Final = "application/vnd.oci.image.manifest.v1+json"
CONFIG_TYPE: Final = "application/vnd.oci.image.config.v1+json"
LAYER_TYPE: Final = "application/vnd.oci.image.layer.v1.tar"
NAME: Final = "io.containerd.image.name"


def write_delta(archive: Path, target: Path, *, reference: str, present: Set[str]) -> Path:
    """Writes the image of an archive without the layers that are ``present``, to import under its full name.

    Returns the archive itself when it is an OCI layout already, as later versions of Docker write.
    """
    with tarfile.open(archive) as source:
        if "oci-layout" in source.getnames():
            return archive
        (saved,) = json.load(_opened(source, "manifest.json"))
        config = _opened(source, saved["Config"]).read()
        # Not compressed in the archive, so a layer's own digest is the digest of what it unpacks to.
        layers = dict(zip(json.loads(config)["rootfs"]["diff_ids"], saved["Layers"], strict=True))
        sizes = {digest: _sized(source, name) for digest, name in layers.items()}
        manifest = _json(
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST_TYPE,
                "config": _descriptor(CONFIG_TYPE, config),
                "layers": [
                    {"mediaType": LAYER_TYPE, "digest": digest, "size": size}
                    for digest, size in sizes.items()
                ],
            }
        )
        entry = {**_descriptor(MANIFEST_TYPE, manifest), "annotations": {NAME: reference}}
        index = _json({"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": [entry]})
        with tarfile.open(target, "w") as written:
            for name, content in (("oci-layout", _json(LAYOUT)), ("index.json", index)):
                _add(written, name, io.BytesIO(content), size=len(content))
            for content in (config, manifest):
                _add(written, _blob(_digest(content)), io.BytesIO(content), size=len(content))
            for digest in layers.keys() - present:
                _add(written, _blob(digest), _opened(source, layers[digest]), size=sizes[digest])
    return target


def _opened(source: tarfile.TarFile, name: str) -> IO[bytes]:
    content = source.extractfile(name)  # follows links: a layer that occurs twice is there once
    assert content is not None, name
    return content


def _sized(source: tarfile.TarFile, name: str) -> int:
    with _opened(source, name) as content:
        return content.seek(0, io.SEEK_END)


def _add(written: tarfile.TarFile, name: str, content: IO[bytes], *, size: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = size
    written.addfile(entry, content)


def _descriptor(media_type: str, content: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": _digest(content), "size": len(content)}


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _blob(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/')}"


def _json(content: Any) -> bytes:
    return json.dumps(content).encode()
