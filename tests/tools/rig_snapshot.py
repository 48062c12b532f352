"""What there is in a namespace at one moment: the ChurnModels and all that is made for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from churnguard_cluster.objects import Document, Objects
from churnguard_core.names import API_VERSION, KIND, LABEL_MODEL, LABEL_REVISION

LABEL_PURPOSE: Final = "churnguard.dev/purpose"
KINDS: Final = {
    KIND: API_VERSION,
    "Job": "batch/v1",
    "InferenceService": "serving.kserve.io/v1beta1",
    "Deployment": "apps/v1",
    "Service": "v1",
    "ConfigMap": "v1",
    "ServiceAccount": "v1",
}


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """Documents of a namespace by kind. Those of one kind are of one moment, kinds are read one after the other."""

    documents: Mapping[str, list[Document]]

    @classmethod
    def take(cls, objects: Objects, *, namespace: str) -> Snapshot:
        return cls(
            documents={
                kind: objects.list(api_version, kind, namespace=namespace)
                for kind, api_version in KINDS.items()
            }
        )

    def model(self, name: str) -> ModelSnapshot | None:
        """What there is of one ChurnModel; none when it is gone."""
        found = self.find(KIND, name)
        return ModelSnapshot(document=found, snapshot=self) if found else None

    def find(self, kind: str, name: str) -> Document | None:
        return next((each for each in self.documents[kind] if each["metadata"]["name"] == name), None)

    def labelled(self, kind: str, model: str) -> list[Document]:
        """Objects that bear a ChurnModel's name as their label."""
        return [each for each in self.documents[kind] if labels(each).get(LABEL_MODEL) == model]


@dataclass(frozen=True, kw_only=True)
class ModelSnapshot:
    """A ChurnModel and its children."""

    document: Document
    snapshot: Snapshot

    @property
    def name(self) -> str:
        return str(self.document["metadata"]["name"])

    @property
    def status(self) -> Document:
        found: Document = self.document.get("status", {})
        return found

    @property
    def conditions(self) -> dict[str, Document]:
        return {each["type"]: each for each in self.status.get("conditions", ())}

    def condition(self, kind: str) -> tuple[str, str]:
        """Status and reason."""
        found = self.conditions.get(kind, {})
        return found.get("status", ""), found.get("reason", "")

    def named(self, part: str) -> str | None:
        """The InferenceService that a part of the status names: ``serving`` or ``candidate``."""
        found: str | None = self.status.get(part, {}).get("inferenceService")
        return found

    def children(self, kind: str) -> list[Document]:
        return self.snapshot.labelled(kind, self.name)

    def inference_services(self) -> set[str]:
        return {each["metadata"]["name"] for each in self.children("InferenceService")}

    def active_jobs(self, purpose: str) -> list[Document]:
        """Jobs that run and are not on their way out."""
        return [
            job
            for job in self.children("Job")
            if labels(job).get(LABEL_PURPOSE) == purpose
            and not is_finished(job)
            and "deletionTimestamp" not in job["metadata"]
        ]

    def service(self) -> Document | None:
        """The Service of the model's name, whosoever it is."""
        return self.snapshot.find("Service", self.name)

    def owns(self, child: Document) -> bool:
        owners = child["metadata"].get("ownerReferences", ())
        return any(owner["uid"] == self.document["metadata"]["uid"] for owner in owners)

    def ready_pods(self, inference_service: str) -> int:
        """How many of its pods answer."""
        deployment = self.snapshot.find("Deployment", f"{inference_service}-predictor")
        return int(deployment.get("status", {}).get("readyReplicas", 0)) if deployment else 0

    def is_ready(self, inference_service: str) -> bool:
        """Whether KServe says so; while it grows, KServe does not, though pods answer."""
        found = self.snapshot.find("InferenceService", inference_service)
        if found is None or "deletionTimestamp" in found["metadata"]:
            return False
        conditions = found.get("status", {}).get("conditions", ())
        return any((each["type"], each["status"]) == ("Ready", "True") for each in conditions)


def labels(document: Document) -> dict[str, str]:
    found: dict[str, str] = document["metadata"].get("labels", {})
    return found


def revision_of(document: Document) -> str:
    return labels(document).get(LABEL_REVISION, "")


def is_finished(job: Document) -> bool:
    conditions: list[dict[str, Any]] = job.get("status", {}).get("conditions") or []
    return any(each["type"] in ("Complete", "Failed") and each["status"] == "True" for each in conditions)
