"""Volumes without a storage driver: folders of the machine, bound to claims from the start."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from kubernetes import client

# Whom our images run as, see the Dockerfile. A folder of the machine cannot be given to a pod's group by Kubernetes.
IMAGE_USER: Final = 65532
SIZE: Final = "1Gi"  # compared with the claim and with nothing else


@dataclass(frozen=True, kw_only=True)
class StaticVolume:
    """A claim of a namespace, and the folder of the machine behind it."""

    namespace: str
    claim: str
    folder: Path

    def create(self, kube: Any) -> None:
        """Makes the folder, the volume and the claim, bound to each other."""
        self.folder.mkdir(parents=True, exist_ok=True)
        os.chown(self.folder, IMAGE_USER, IMAGE_USER)
        core = client.CoreV1Api(kube)
        core.create_persistent_volume(self.volume())
        core.create_namespaced_persistent_volume_claim(self.namespace, self.claim_object())

    @property
    def name(self) -> str:
        """Name of the volume, which is cluster-wide."""
        return f"{self.namespace}-{self.claim}"

    def volume(self) -> dict[str, Any]:
        return {
            "metadata": {"name": self.name},
            "spec": {
                "capacity": {"storage": SIZE},
                "accessModes": ["ReadWriteMany"],
                "storageClassName": "",
                "persistentVolumeReclaimPolicy": "Retain",
                "claimRef": {"namespace": self.namespace, "name": self.claim},
                "hostPath": {"path": str(self.folder), "type": "Directory"},
            },
        }

    def claim_object(self) -> dict[str, Any]:
        return {
            "metadata": {"name": self.claim},
            "spec": {
                "accessModes": ["ReadWriteMany"],
                "storageClassName": "",
                "volumeName": self.name,
                "resources": {"requests": {"storage": SIZE}},
            },
        }
