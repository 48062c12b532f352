"""A ChurnModel on a real node: what its author does to it, and what can be seen of it and of its pods."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from churnguard_cluster.dump import objects as all_objects
from churnguard_cluster.objects import Document, Objects, reference
from churnguard_cluster.waiting import wait_for
from churnguard_core.names import ANNOTATION_TRAIN_REQUESTED_AT, API_VERSION, KIND

SAMPLE: Final = Path(__file__).parents[2] / "manifests" / "samples" / "telco.yaml"
NAME: Final = "telco"
MODEL: Final = reference(API_VERSION, KIND, NAME)
# A training on two processors, beside everything else that the node does.
SECONDS: Final = 300.0


@dataclass(frozen=True, kw_only=True)
class ModelOnNode:
    """The Telco sample, in a namespace."""

    objects: Objects
    namespace: str

    def apply_sample(self) -> None:
        self.objects.create(yaml.safe_load(SAMPLE.read_text()), namespace=self.namespace)

    def edit(self, **spec: Any) -> None:
        """Changes these fields of its spec, as a merge patch does."""
        self.objects.merge({**MODEL, "spec": spec}, namespace=self.namespace)

    def ask_to_train(self, when: str) -> None:
        annotated = {"name": NAME, "annotations": {ANNOTATION_TRAIN_REQUESTED_AT: when}}
        self.objects.merge({**MODEL, "metadata": annotated}, namespace=self.namespace)

    def delete(self) -> None:
        self.objects.delete(MODEL, namespace=self.namespace)

    @property
    def document(self) -> Document | None:
        return self.objects.find(MODEL, namespace=self.namespace)

    @property
    def spec(self) -> Document:
        found: Document = (self.document or {}).get("spec", {})
        return found

    @property
    def status(self) -> Document:
        found: Document = (self.document or {}).get("status", {})
        return found

    def condition(self, kind: str) -> tuple[str, str]:
        """Status and reason of a condition; empty when nothing was said about the spec as it is."""
        document = self.document or {}
        generation = document.get("metadata", {}).get("generation")
        for each in document.get("status", {}).get("conditions", ()):
            if each["type"] == kind and each["observedGeneration"] == generation:
                return each["status"], each["reason"]
        return "", ""

    def wait_for(self, kind: str, status: str, reason: str) -> None:
        """Returns when a condition says this of the spec as it is."""
        wait_for(
            lambda: self.condition(kind) == (status, reason),
            what=f"{kind} to be {status} {reason}",
            seconds=SECONDS,
            seen=lambda: self.status,
        )

    def wait_until_served_alone(self, by: str) -> None:
        """Returns when the spec as it is is satisfied, callers reach this revision, and no other pods are left."""

        def is_alone() -> bool:
            status = self.status
            name = status["serving"]["inferenceService"]
            return (
                self.condition("Ready") == ("True", "RevisionServing")
                and (status["serving"]["revision"], self.selected()) == (by, name)
                and "candidate" not in status
                and self.predictors().keys() == {name}
            )

        wait_for(
            is_alone,
            what=f"{by} to serve alone",
            seconds=SECONDS,
            seen=lambda: {"status": self.status, "selected": self.selected(), "pods": self.predictors()},
        )

    def wait_until_selected(self, revision: str) -> None:
        """Returns when callers reach this revision."""
        wait_for(
            lambda: (
                self.status["serving"]["revision"] == revision and self.selected() == self.inference_service()
            ),
            what=f"callers to reach {revision}",
            seconds=SECONDS,
            seen=lambda: self.status,
        )

    def wait_until_recorded(self, revision: str) -> None:
        """Returns when the status says what became of a revision."""
        wait_for(
            lambda: any(each["name"] == revision for each in self.status["revisions"]),
            what=f"the end of {revision}",
            seconds=SECONDS,
            seen=lambda: self.status,
        )

    def inference_service(self, part: str = "serving") -> str:
        """Name of the InferenceService that serves, or of the ``candidate``; empty when there is none."""
        return str(self.status.get(part, {}).get("inferenceService", ""))

    def selected(self) -> str:
        """The InferenceService that callers reach; empty when there is no Service."""
        service = self.objects.find(reference("v1", "Service", NAME), namespace=self.namespace)
        app = str(service["spec"]["selector"]["app"]) if service else ""
        return app.removeprefix("isvc.").removesuffix("-predictor")

    def predictors(self) -> dict[str, dict[str, int]]:
        """Restarts of the predictors' pods by the ReplicaSet they belong to, by their InferenceService.

        Pods that are going away count too. Not by the pods' names: the autoscaler takes and adds some by itself.
        """
        found: dict[str, dict[str, int]] = {}
        label = "serving.kserve.io/inferenceservice"
        for pod in self.objects.list("v1", "Pod", namespace=self.namespace, labelSelector=label):
            metadata, statuses = pod["metadata"], pod["status"].get("containerStatuses", [])
            of_its_service = found.setdefault(metadata["labels"][label], {})
            owner = metadata["ownerReferences"][0]["uid"]
            restarts = sum(each["restartCount"] for each in statuses)
            of_its_service[owner] = of_its_service.get(owner, 0) + restarts
        return found

    def record(self, revision: str) -> Mapping[str, Any]:
        """What the status has on record of a revision."""
        return next(each for each in self.status["revisions"] if each["name"] == revision)

    def what_bears_its_name(self) -> list[str]:
        """Everything in the namespace whose name begins with the model's, be it the model's own or a child's child."""
        return [
            f"{kind}/{each['metadata']['name']}"
            for kind, found in all_objects(self.objects.kube, namespace=self.namespace)
            for each in found
            # Figures of a pod outlast it by a minute.
            if each["metadata"]["name"].startswith(NAME) and kind != "pods.metrics"
        ]
