"""What all pods of ours have in common: the restricted Pod Security level, resources, mounts."""

from __future__ import annotations

from typing import Final

from churnguard_core.churnmodel.types import Resources
from churnguard_core.names import CLAIM_MOUNT_ROOT
from churnguard_operator.observed import Document
from churnguard_operator.settings import PodResources

USER: Final = 65532

SECRET_ROOT: Final = "/var/run/secrets/churnguard"  # noqa: S105 - a folder
"""Where the programs look for the keys of a role's Secret, see docs/training.md."""

RESTRICTED_POD: Final[Document] = {
    "runAsNonRoot": True,
    "runAsUser": USER,
    "runAsGroup": USER,
    # A claim's files must be writable for this user; most drivers make them root's.
    "fsGroup": USER,
    "fsGroupChangePolicy": "OnRootMismatch",
    "seccompProfile": {"type": "RuntimeDefault"},
}
RESTRICTED_CONTAINER: Final[Document] = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "runAsNonRoot": True,
    "capabilities": {"drop": ["ALL"]},
}


def resources_of(wanted: Resources, *, default: PodResources) -> Document:
    """Requests and limits, all written out: a namespace's own defaults would surprise."""
    memory = wanted.memory or default.memory
    limit = wanted.memory or default.memory_limit
    return {
        "requests": {"cpu": wanted.cpu or default.cpu, "memory": memory},
        "limits": {"memory": limit},
    }


def claim_of(uri: str | None) -> str | None:
    """The claim that an address lies in; None when it lies elsewhere."""
    if uri is None or not uri.startswith("pvc://"):
        return None
    return uri.removeprefix("pvc://").partition("/")[0]


def scratch() -> tuple[Document, Document]:
    """Volume and mount of the only folder that a program may write to."""
    return {"name": "tmp", "emptyDir": {}}, {"name": "tmp", "mountPath": "/tmp"}  # noqa: S108


def claim_mounts(claims: dict[str, bool]) -> tuple[list[Document], list[Document]]:
    """Volumes and mounts of claims by name; the value says whether it is only read."""
    volumes, mounts = [], []
    for index, (claim, is_read_only) in enumerate(sorted(claims.items())):
        # A claim's name may hold dots and be longer than a volume's.
        volume = f"claim-{index}"
        volumes.append({"name": volume, "persistentVolumeClaim": {"claimName": claim}})
        mount = {"name": volume, "mountPath": f"{CLAIM_MOUNT_ROOT}/{claim}"}
        mounts.append({**mount, "readOnly": True} if is_read_only else mount)
    return volumes, mounts


def secret_mounts(secrets: dict[str, str | None]) -> tuple[list[Document], list[Document]]:
    """Volumes and mounts of Secrets by role, ``source`` or ``store``."""
    volumes, mounts = [], []
    for role, secret in sorted(secrets.items()):
        if secret is not None:
            # Readable for our group only; 0440, as JSON has no octal numbers.
            volumes.append({"name": f"{role}-secret", "secret": {"secretName": secret, "defaultMode": 0o440}})
            mounts.append({"name": f"{role}-secret", "mountPath": f"{SECRET_ROOT}/{role}", "readOnly": True})
    return volumes, mounts
