"""The life of one ChurnModel on the rig: what its author does, what becomes of its pods, and what can be seen of it."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import Final

from kubernetes.client import ApiException

from churnguard_cluster.objects import Document, Objects, reference
from churnguard_cluster.player import Player
from churnguard_cluster.waiting import wait_for
from churnguard_core.gates import GateOutcome
from churnguard_core.names import (
    ANNOTATION_TRAIN_REQUESTED_AT,
    API_VERSION,
    KIND,
    LABEL_MODEL,
    bundle_path,
)
from churnguard_core.result import BundleReference, TrainingResult, encode_result

NAME: Final = "telco"
STORE: Final = "s3://bundles/models"
PORT: Final = 8080
EXPECTED_SCORE: Final = 0.25
MODEL: Final[Document] = {
    "apiVersion": API_VERSION,
    "kind": KIND,
    "metadata": {"name": NAME},
    "spec": {
        "data": {
            "source": {"simulator": {"rows": 7043, "seed": 7}},
            "columns": {"label": {"name": "Churn", "positive": "Yes"}},
        },
        "gates": [{"metric": "rocAuc", "min": "0.80"}],
    },
}


class Predictor(BaseHTTPRequestHandler):
    """Answers predictions as a server of the revision would."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        answers = [{"risk_score": EXPECTED_SCORE} for _ in asked["instances"]]
        content = json.dumps({"predictions": answers}).encode()
        self.send_response(http.client.OK)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@dataclass(kw_only=True)
class Story:
    """What happens to one ChurnModel: its author, the pods, and what can be seen of it."""

    objects: Objects
    namespace: str
    player: Player
    address: str
    name: str = NAME

    @property
    def identity(self) -> Document:
        """What names the model."""
        return reference(API_VERSION, KIND, self.name)

    def create(self, **spec: object) -> None:
        """The model comes to be, with these fields of its spec besides."""
        document = {**self.identity, "spec": {**MODEL["spec"], **spec}}
        self.objects.create(document, namespace=self.namespace)

    def edit(self, change: Callable[[Document], object]) -> None:
        """The author changes the spec."""
        self._replace(lambda found: change(found["spec"]))

    def ask_to_train(self, when: str) -> None:
        annotation = {ANNOTATION_TRAIN_REQUESTED_AT: when}
        self._replace(lambda found: found["metadata"].setdefault("annotations", {}).update(annotation))

    def _replace(self, change: Callable[[Document], object]) -> None:
        def replaces() -> bool:
            found = self.model
            change(found)
            try:
                self.objects.replace(found, namespace=self.namespace)
            except ApiException as error:
                # The operator wrote the status meanwhile.
                if error.status != http.client.CONFLICT:
                    raise
                return False
            return True

        wait_for(replaces, what=f"{self.name} to be changed")

    def delete(self, document: Document) -> None:
        self.objects.delete(document, namespace=self.namespace)

    @property
    def model(self) -> Document:
        return self.objects.get(self.identity, namespace=self.namespace)

    @property
    def status(self) -> Document:
        found: Document = self.model.get("status", {})
        return found

    def condition(self, kind: str) -> tuple[str, str]:
        found = next((each for each in self.status.get("conditions", ()) if each["type"] == kind), None)
        return (found["status"], found["reason"]) if found else ("", "")

    def wait_for_condition(self, kind: str, status: str, reason: str) -> None:
        wait_for(
            lambda: self.condition(kind) == (status, reason),
            what=f"{kind} to be {status} {reason}",
            seen=lambda: self.status.get("conditions"),
        )

    def wait_for_object(self, api_version: str, kind: str, name: str) -> Document:
        wanted = reference(api_version, kind, name)
        return wait_for(lambda: self.objects.find(wanted, namespace=self.namespace), what=f"{kind} {name}")

    def children(self, api_version: str, kind: str) -> list[Document]:
        return self.objects.list(
            api_version, kind, namespace=self.namespace, labelSelector=f"{LABEL_MODEL}={self.name}"
        )

    def finish_training(self, *, revision: str, auc: float = 0.85) -> None:
        job = f"{revision}-train"
        self.wait_for_object("batch/v1", "Job", job)
        self.player.succeed(job=job, message=self.result(revision, auc=auc))

    def result(self, revision: str, *, auc: float = 0.85) -> str:
        """What a training of this revision leaves."""
        return result_of(revision, namespace=self.namespace, auc=auc, model=self.name)

    def bring_up(self, *, revision: str) -> str:
        """The revision's InferenceService comes up, and the test answers for it; its name."""
        name: str = wait_for(
            lambda: next(
                (
                    each["metadata"]["name"]
                    for each in self.children("serving.kserve.io/v1beta1", "InferenceService")
                    if each["metadata"]["name"].startswith(f"{revision}-")
                ),
                None,
            ),
            what=f"the InferenceService of {revision}",
            seen=lambda: self.status.get("conditions"),
        )
        self.player.make_ready(deployment=f"{name}-predictor", addresses=[self.address])
        return name

    def selected(self) -> str:
        """The InferenceService that callers reach; empty when there is no Service."""
        service = self.objects.find(reference("v1", "Service", self.name), namespace=self.namespace)
        app = str(service["spec"]["selector"]["app"]) if service else ""
        return app.removeprefix("isvc.").removesuffix("-predictor")

    def wait_until_selected(self, name: str) -> None:
        wait_for(lambda: self.selected() == name, what=f"callers to reach {name}", seen=self.selected)

    def events(self) -> list[str]:
        """Reasons of the events about the model, in no order."""
        found = self.objects.list("events.k8s.io/v1", "Event", namespace=self.namespace)
        about = [(each["regarding"]["kind"], each["regarding"].get("name")) for each in found]
        return [each["reason"] for each, who in zip(found, about, strict=True) if who == (KIND, self.name)]

    def wait_for_events(self, *reasons: str) -> None:
        """Returns when these events have been told about the model, and no others."""
        wait_for(
            lambda: sorted(self.events()) == sorted(reasons),
            what=f"the events {reasons}",
            seen=self.events,
        )

    def versions(self) -> dict[str, str]:
        """resourceVersion of the model and all its children."""
        kinds = (
            (API_VERSION, KIND),
            ("v1", "ConfigMap"),
            ("v1", "Service"),
            ("v1", "ServiceAccount"),
            ("batch/v1", "Job"),
            ("serving.kserve.io/v1beta1", "InferenceService"),
        )
        return {
            f"{kind} {each['metadata']['name']}": each["metadata"]["resourceVersion"]
            for api_version, kind in kinds
            for each in self.objects.list(api_version, kind, namespace=self.namespace)
        }

    def serve(self) -> str:
        """From nothing to the first revision that serves; the name of its InferenceService."""
        self.create()
        self.finish_training(revision=f"{self.name}-r1")
        name = self.bring_up(revision=f"{self.name}-r1")
        self.wait_for_condition("Ready", "True", "RevisionServing")
        self.wait_until_selected(name)
        return name


def result_of(revision: str, *, namespace: str, auc: float, model: str = NAME) -> str:
    digest = f"sha256:{revision.encode().hex():0<64}"
    path = bundle_path(namespace=namespace, model=model, revision=revision, digest=digest)
    result = TrainingResult(
        verdict="Trained",
        model=model,
        revision=revision,
        bundle=BundleReference(uri=f"{STORE}/{path}", digest=digest),
        algorithm="XGBoost",
        metrics={"rocAuc": auc, "logLoss": 0.4},
        baseline={"logLoss": 0.6},
        gates=(GateOutcome(gate="rocAuc at least 0.80", passed=auc >= 0.8),),
        empty_score=EXPECTED_SCORE,
    )
    return encode_result(result).decode()
