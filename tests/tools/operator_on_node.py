"""The operator on a real node as its manifests have it: a Deployment of our image, with its account and rights."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

from churnguard_cluster.namespace import run
from churnguard_cluster.node.images.image import Image
from churnguard_cluster.objects import Document, Objects, reference
from churnguard_cluster.tools import tool
from churnguard_cluster.waiting import wait_for

MANIFESTS: Final = Path(__file__).parents[2] / "manifests" / "operator"
INSTALLED: Final = "namespace: churnguard\n"
NAME: Final = "churnguard-operator"
CONTAINER: Final = "operator"
STORE_CLAIM: Final = "store"
STORE: Final = f"pvc://{STORE_CLAIM}/models"
DEPLOYMENT: Final = reference("apps/v1", "Deployment", NAME)
LEASE: Final = reference("coordination.k8s.io/v1", "Lease", NAME)
ROLL_OUT_SECONDS: Final = 300.0


@dataclass(frozen=True, kw_only=True)
class OperatorOnNode:
    """The operator of one namespace, which works there."""

    objects: Objects
    kubeconfig: Path
    namespace: str
    images: Mapping[str, Image]
    drain_seconds: int

    def install(self) -> None:
        """What `kubectl apply -k` installs, with our images and a place for bundles; returns when one replica leads."""
        text = run(str(tool("kubectl")), "kustomize", str(MANIFESTS))
        for document in yaml.safe_load_all(text.replace(INSTALLED, f"namespace: {self.namespace}\n")):
            self.objects.create(self._filled_in(document))
        self.wait_until_available()
        wait_for(self.holder, what="a replica to lead", seconds=ROLL_OUT_SECONDS)

    def set_serving_image(self, component: str) -> None:
        """Upgrades it to another image of predictors; returns when all replicas know it."""
        deployment = self.objects.get(DEPLOYMENT, namespace=self.namespace)
        (container,) = deployment["spec"]["template"]["spec"]["containers"]
        argument = f"--serving-image={self.images[component].name}"
        container["args"] = [
            argument if each.startswith("--serving-image=") else each for each in container["args"]
        ]
        self.objects.merge({**DEPLOYMENT, "spec": deployment["spec"]}, namespace=self.namespace)
        self.wait_until_available()

    def wait_until_available(self) -> None:
        """Returns when all replicas are of the newest template and ready, and no other is left."""

        def seen() -> Document:
            return self.objects.get(DEPLOYMENT, namespace=self.namespace)

        def is_current() -> bool:
            found = seen()
            wanted, status = found["spec"]["replicas"], found.get("status", {})
            is_observed = status.get("observedGeneration") == found["metadata"]["generation"]
            counts = {status.get(name) for name in ("replicas", "updatedReplicas", "availableReplicas")}
            return is_observed and counts == {wanted} and len(self.pods()) == wanted

        wait_for(is_current, what="the operator's replicas", seconds=ROLL_OUT_SECONDS, seen=seen)

    def pods(self) -> dict[str, str]:
        """Names of its pods by their unique ids."""
        selector = f"app.kubernetes.io/name={NAME}"
        found = self.objects.list("v1", "Pod", namespace=self.namespace, labelSelector=selector)
        return {each["metadata"]["uid"]: each["metadata"]["name"] for each in found}

    def kill(self) -> None:
        """Takes all its pods away at once, without a moment to finish."""
        for name in self.pods().values():
            pod = reference("v1", "Pod", name)
            self.objects.delete(pod, namespace=self.namespace, gracePeriodSeconds="0")

    def holder(self) -> str:
        """Who holds the Lease; empty when nobody does."""
        found = self.objects.find(LEASE, namespace=self.namespace)
        return str(found["spec"].get("holderIdentity") or "") if found else ""

    def run(self, *command: str) -> str:
        """What a command prints in one of its pods."""
        kubectl = [str(tool("kubectl")), f"--kubeconfig={self.kubeconfig}", f"--namespace={self.namespace}"]
        done = subprocess.run(
            [*kubectl, "exec", f"deployment/{NAME}", "--", *command], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _filled_in(self, document: Document) -> Document:
        if document["kind"] != "Deployment":
            return document
        (container,) = document["spec"]["template"]["spec"]["containers"]
        container["image"] = self.images["operator"].name
        container["args"] = [self._named(argument) for argument in container["args"]]
        container["args"] += [f"--store={STORE}", f"--drain-seconds={self.drain_seconds}"]
        return document

    def _named(self, argument: str) -> str:
        """The argument with the image that was built for it."""
        option, _, value = argument.partition("=")
        image = self.images.get(value.removeprefix("churnguard-"))
        return argument if image is None else f"{option}={image.name}"
