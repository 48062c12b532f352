"""A cluster that is there already, for the tests that any cluster can pass: kind on a laptop, a cluster of CI."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kubernetes import client, config

from churnguard_cluster.errors import ClusterError, UnsupportedError
from churnguard_cluster.player import Player

KSERVE_DEFINITION = "inferenceservices.serving.kserve.io"


@dataclass(frozen=True, kw_only=True)
class ExistingCluster:
    """Somebody's cluster. Tests leave nothing in it but our own definitions."""

    kubeconfig: Path
    kube: Any
    node: None = None
    logs: None = None

    @classmethod
    def named_by_environment(cls) -> ExistingCluster:
        """The cluster of ``KUBECONFIG``, which must be named: the tests take no cluster by chance."""
        named = os.environ.get("KUBECONFIG", "")
        if not Path(named).is_file():
            raise ClusterError(
                f"KUBECONFIG names no file ({named!r}): set it to the kubeconfig of the cluster to test on"
            )
        return cls(kubeconfig=Path(named), kube=config.new_client_from_config(named, persist_config=False))

    def require_kserve(self) -> None:
        """Does nothing where KServe is installed; UnsupportedError elsewhere, because tests install nothing here."""
        names = [each.metadata.name for each in self._definitions()]
        if KSERVE_DEFINITION not in names:
            raise UnsupportedError("KServe is not installed in this cluster, and the tests do not install it")

    def player(self, namespace: str) -> Player:
        raise UnsupportedError(
            f"the pods of {namespace} are real: only a cluster without nodes has played ones"
        )

    def stop(self) -> None:
        """Closes the connection; the cluster stays."""
        self.kube.close()

    def _definitions(self) -> list[Any]:
        found: list[Any] = client.ApiextensionsV1Api(self.kube).list_custom_resource_definition().items
        return found
