"""ChurnModels by the thousand on a real API server, as their operator has left them: trained twice, then suspended.

Their Jobs are over and no controller looks at them (``managedBy``): ten thousand pods would tell nothing more.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import kopf
import msgspec
import yaml

from churnguard_core.churnmodel.status import Headline, RevisionRecord, Status, TrainingRun
from churnguard_core.churnmodel.types import ChurnModel, Store
from churnguard_core.names import API_VERSION, KIND, bundle_path, revision_name
from churnguard_operator.children.training import training_job
from churnguard_operator.cluster.client import ApiClient
from churnguard_operator.cluster.requests import Request
from churnguard_operator.cluster.resources import CHURN_MODEL, JOB, Resource
from churnguard_operator.names import job_name
from churnguard_operator.observed import Document, ModelView
from churnguard_operator.policy.inputs import inputs_hash, job_hash
from churnguard_operator.settings import Settings
from churnguard_operator.views.model import view_model

REVISIONS: Final = 2
AT_A_TIME: Final = 12
SETTINGS: Final = Settings(training_image="churnguard-training", serving_image="churnguard-serving")
MISSED: Final = "missed rocAuc at least 0.85"
FIGURES: Final = Headline(
    roc_auc="0.8471",
    pr_auc="0.6654",
    log_loss="0.4132",
    brier="0.1344",
    ece="0.0213",
    f1="0.5876",
    f1_tuned="0.6391",
    precision_top_decile="0.7589",
    lift_top_decile="2.8598",
)
MANAGER_OF_JOBS: Final = "churnguard.dev/measured"


class StatusOf(Resource):
    """The status of a kind of objects, to be replaced as its controller does."""

    def item(self, namespace: str, name: str) -> str:
        """Path of one status."""
        return f"{super().item(namespace, name)}/status"


JOB_STATUS: Final = StatusOf(api_version=JOB.api_version, kind=JOB.kind, plural=JOB.plural)


class Uncounted:
    """Counts no requests."""

    def request_done(self, request: Request, *, status: int, seconds: float) -> None:
        """Nothing is counted."""


@dataclass(frozen=True, kw_only=True)
class Sown:
    """Where models are made, and where their bundles would be."""

    cluster: ApiClient
    namespace: str
    store: Store
    began: datetime


def sow(count: int, *, template: Document, namespace: str, store: str, kubeconfig: Path) -> None:
    """Make models ``m0`` to ``m<count - 1>`` of a template, each with its Jobs and its status but the conditions."""
    asyncio.run(_sow(count, template=template, namespace=namespace, store=store, kubeconfig=kubeconfig))


async def _sow(count: int, *, template: Document, namespace: str, store: str, kubeconfig: Path) -> None:
    began = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    login = connection(kubeconfig)
    numbers = iter(range(count))
    async with ApiClient(login=lambda: login, meter=Uncounted()) as cluster:
        sown = Sown(cluster=cluster, namespace=namespace, store=Store(uri=store), began=began)

        async def work() -> None:
            for number in numbers:
                await _make(sown, name=f"m{number}", template=template)

        async with asyncio.TaskGroup() as group:
            for _ in range(AT_A_TIME):
                group.create_task(work())


def connection(kubeconfig: Path) -> kopf.ConnectionInfo:
    """The way in that a kubeconfig with certificates in it describes."""
    content = yaml.safe_load(kubeconfig.read_text())
    (cluster,), (user,) = content["clusters"], content["users"]
    return kopf.ConnectionInfo(
        server=cluster["cluster"]["server"],
        ca_data=cluster["cluster"]["certificate-authority-data"],
        certificate_data=user["user"]["client-certificate-data"],
        private_key_data=user["user"]["client-key-data"],
    )


async def _make(sown: Sown, *, name: str, template: Document) -> None:
    document = {
        **template,
        "metadata": {"name": name, "namespace": sown.namespace},
        "spec": {**template["spec"], "suspend": True},
    }
    view = view_model(await sown.cluster.create(CHURN_MODEL, document))
    model = view.parsed
    assert model is not None, view.problems
    for number in range(1, REVISIONS + 1):
        job = training_job(
            view,
            model,
            revision=revision_name(model=name, number=number),
            attempt=1,
            store=sown.store,
            champion=None,
            settings=SETTINGS,
        )
        job["spec"]["managedBy"] = MANAGER_OF_JOBS
        made = await sown.cluster.create(JOB, job)
        ended = {**made, "status": job_status(_ran(sown, number=number))}
        await sown.cluster.replace(JOB_STATUS, ended)
    status = msgspec.json.decode(msgspec.json.encode(status_of(view, model, sown=sown)))
    # Applied, as the operator does: its fields are its own, and it will find them so.
    await sown.cluster.apply_status(
        {"apiVersion": API_VERSION, "kind": KIND, "metadata": document["metadata"], "status": status}
    )


def _ran(sown: Sown, *, number: int) -> tuple[datetime, datetime]:
    started = sown.began + timedelta(minutes=5 * number)
    return started, started + timedelta(minutes=1)


def job_status(ran: tuple[datetime, datetime]) -> Document:
    """Status of a Job that ended well, as the Job controller writes it."""
    started, finished = (moment.strftime("%Y-%m-%dT%H:%M:%SZ") for moment in ran)
    return {
        "startTime": started,
        "completionTime": finished,
        "succeeded": 1,
        "ready": 0,
        "terminating": 0,
        "uncountedTerminatedPods": {},
        "conditions": [
            {
                "type": kind,
                "status": "True",
                "reason": "CompletionsReached",
                "message": "Reached expected number of succeeded pods",
                "lastProbeTime": finished,
                "lastTransitionTime": finished,
            }
            for kind in ("SuccessCriteriaMet", "Complete")
        ],
    }


def status_of(view: ModelView, model: ChurnModel, *, sown: Sown) -> Status:
    """Status of a model whose revisions all missed a gate."""
    records = [
        _record(view, model, sown=sown, revision=revision_name(model=view.name, number=number), number=number)
        for number in range(REVISIONS, 0, -1)
    ]
    newest = records[0]
    return Status(
        observed_generation=view.generation,
        training=TrainingRun(
            revision=newest.name,
            job=job_name(revision=newest.name, attempt=1),
            trigger="Request",
            inputs_hash=newest.inputs_hash,
            job_hash=job_hash(model, store=sown.store),
            attempt=1,
            started=_ran(sown, number=REVISIONS)[0],
            finished=newest.finished,
            outcome="GateFailed",
            message=MISSED,
        ),
        revisions=tuple(records),
        last_revision=REVISIONS,
    )


def _record(view: ModelView, model: ChurnModel, *, sown: Sown, revision: str, number: int) -> RevisionRecord:
    digest = f"sha256:{number:064x}"
    path = bundle_path(namespace=view.namespace, model=view.name, revision=revision, digest=digest)
    return RevisionRecord(
        name=revision,
        finished=_ran(sown, number=number)[1],
        verdict="Rejected",
        metric=FIGURES.roc_auc,
        algorithm="XGBoost",
        inputs_hash=inputs_hash(model),
        empty_score="0.250000000",
        metrics=FIGURES,
        bundle=f"{sown.store.uri}/{path}",
        digest=digest,
        reason=MISSED,
    )
