"""The Job controller, the kubelet and KServe, played by hand."""

from __future__ import annotations

from dataclasses import dataclass

from churnguard_core.gates import GateOutcome
from churnguard_core.names import LABEL_REVISION, bundle_path
from churnguard_core.result import BundleReference, TrainingResult, encode_result
from churnguard_operator.names import digest_of
from churnguard_operator.observed import Document
from churnguard_operator_tests.objects import NAMESPACE, Objects, stamp


@dataclass
class Players(Objects):
    """Nothing is played by itself."""

    def on_job(self, job: Document) -> None:
        name = job["metadata"]["name"]
        labels = {**job["spec"]["template"]["metadata"]["labels"], "batch.kubernetes.io/job-name": name}
        self.objects["Pod", f"{name}-pod"] = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": f"{name}-pod",
                "uid": f"uid-{next(self._count)}",
                "creationTimestamp": stamp(self.now),
                "labels": labels,
                "ownerReferences": [{"uid": job["metadata"]["uid"], "controller": True}],
            },
            "status": {"phase": "Pending"},
        }

    def end_job(
        self,
        name: str,
        *,
        exit_code: int = 0,
        message: str = "",
        reason: str = "",
        job_reason: str = "",
    ) -> None:
        job, pod = self.objects["Job", name], self.objects.get(("Pod", f"{name}-pod"))
        kind = "Complete" if exit_code == 0 and not job_reason else "Failed"
        final = {
            "type": kind,
            "status": "True",
            "reason": job_reason or ("" if kind == "Complete" else "BackoffLimitExceeded"),
            "lastTransitionTime": stamp(self.now),
        }
        job["status"] = {"conditions": [final]}
        if pod is not None:
            (container,) = job["spec"]["template"]["spec"]["containers"]
            end = {"exitCode": exit_code, "message": message, "reason": reason}
            pod["status"] = {
                "phase": "Succeeded" if exit_code == 0 else "Failed",
                "containerStatuses": [{"name": container["name"], "state": {"terminated": end}}],
            }

    def finish_training(self, *, accepted: bool = True, seed: int = 0) -> str:
        """The running training ends well; the name of its revision."""
        (name,) = self.active_jobs()
        revision = self.objects["Job", name]["metadata"]["labels"][LABEL_REVISION]
        self.end_job(name, message=self.result(revision, accepted=accepted, seed=seed))
        return str(revision)

    def result(
        self, revision: str, *, accepted: bool = True, seed: int = 0, digest: str | None = None
    ) -> str:
        digest = digest or f"sha256:{digest_of([revision, seed])}"
        path = bundle_path(namespace=NAMESPACE, model=self.name, revision=revision, digest=digest)
        store = self.settings.store.uri if self.settings.store else ""
        found = TrainingResult(
            verdict="Trained",
            model=self.name,
            revision=revision,
            bundle=BundleReference(uri=f"{store}/{path}", digest=digest),
            algorithm="XGBoost",
            metrics={"rocAuc": 0.85, "logLoss": 0.4 if accepted else 0.9},
            baseline={"logLoss": 0.6},
            gates=(GateOutcome(gate="logLoss below the prevalence baseline", passed=accepted),),
            empty_score=0.25,
        )
        return encode_result(found).decode()

    def refusal(self, revision: str, *, reason: str, message: str = "") -> str:
        found = TrainingResult(
            verdict="Refused", model=self.name, revision=revision, reason=reason, message=message
        )
        return encode_result(found).decode()

    def play_kserve(self, name: str, *, ready: bool = True, message: str = "") -> None:
        """Make the Deployment of an InferenceService with all pods ready, or none."""
        document = self.objects["InferenceService", name]
        replicas = document["spec"]["predictor"]["minReplicas"]
        state = "True" if ready else "False"
        document["status"] = {
            "conditions": [
                {"type": "Ready", "status": state, "reason": "" if ready else "Down", "message": message}
            ],
            "modelStatus": {"transitionStatus": "UpToDate" if ready else "InProgress"},
        }
        existing = self.objects.get(("Deployment", f"{name}-predictor"))
        uid = existing["metadata"]["uid"] if existing else f"uid-{next(self._count)}"
        self.objects["Deployment", f"{name}-predictor"] = {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {
                "name": f"{name}-predictor",
                "uid": uid,
                "creationTimestamp": stamp(self.now),
                "generation": 1,
                "ownerReferences": [{"uid": document["metadata"]["uid"], "controller": True}],
            },
            "spec": {"replicas": replicas},
            "status": {
                "observedGeneration": 1,
                "replicas": replicas,
                "updatedReplicas": replicas,
                "readyReplicas": replicas if ready else 0,
            },
        }

    def scale_deployment(self, name: str, replicas: int) -> None:
        deployment = self.objects["Deployment", f"{name}-predictor"]
        deployment["spec"]["replicas"] = replicas
        deployment["status"] |= {
            "replicas": replicas,
            "updatedReplicas": replicas,
            "readyReplicas": replicas,
        }

    def play_gateway(self, *, refusal: str = "", gateway: str = "public") -> None:
        """The Gateway's controller answers to the HTTPRoute, if there is one: it takes it, or says why not."""
        route = self.objects.get(("HTTPRoute", self.name))
        if route is None:
            return
        accepted = {
            "type": "Accepted",
            "status": "False" if refusal else "True",
            "reason": refusal or "Accepted",
        }
        resolved = {"type": "ResolvedRefs", "status": "True", "reason": "ResolvedRefs"}
        parent = {"parentRef": {"name": gateway}, "conditions": [accepted, resolved]}
        route["status"] = {"parents": [parent]}

    def bring_up(self) -> None:
        for name in self.inference_services():
            self.play_kserve(name)

    def foreign_service(self) -> None:
        self.objects["Service", self.name] = {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": self.name, "uid": "foreign", "labels": {"app": "shop"}},
            "spec": {"selector": {"app": "shop"}},
        }
