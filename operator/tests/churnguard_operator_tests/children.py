"""A ChurnModel with everything in it, and what the operator makes of it."""

from __future__ import annotations

from typing import Any

import pytest

from churnguard_core.churnmodel.types import ChurnModel, Store
from churnguard_core.result import BundleReference
from churnguard_operator.children.inferenceservice import Predictor, inference_service
from churnguard_operator.children.prune import prune_job
from churnguard_operator.children.scaledobject import scaled_object
from churnguard_operator.children.serviceaccount import service_account
from churnguard_operator.children.serving_file import serving_file
from churnguard_operator.children.traffic import http_route, stable_service
from churnguard_operator.children.training import model_file, training_job
from churnguard_operator.observed import Document, ModelView
from churnguard_operator.settings import Settings
from churnguard_operator.views.model import view_model

DIGEST = f"sha256:{'0a' * 32}"
BUNDLE = BundleReference(uri="pvc://bundles/models/retention/telco/telco-r7-0a0a0a0a0a0a", digest=DIGEST)
REMOTE = BundleReference(uri="s3://churn/models/retention/telco/telco-r7-0a0a0a0a0a0a", digest=DIGEST)


@pytest.fixture
def view(spec: dict[str, Any]) -> ModelView:
    spec["data"]["source"] = {"file": {"uri": "pvc://datasets/telco.csv"}}
    spec["serving"] = {
        "levels": {"medium": "0.20", "high": "0.50"},
        "insights": [{"when": {"feature": "Contract", "equals": "Month-to-month"}, "text": "Call"}],
        "route": {"gateway": "edge/public", "hostname": "churn.example.com", "path": "/telco"},
        "autoscaling": {"metric": "memory", "target": 60},
    }
    metadata = {"name": "telco", "namespace": "retention", "uid": "the-uid", "generation": 3}
    return view_model(
        {"apiVersion": "churnguard.dev/v1alpha1", "kind": "ChurnModel", "metadata": metadata, "spec": spec}
    )


@pytest.fixture
def model(view: ModelView) -> ChurnModel:
    assert view.parsed is not None, view.problems
    return view.parsed


def predictor(model: ChurnModel, *, bundle: BundleReference = BUNDLE, by_us: bool = False) -> Predictor:
    return Predictor(
        revision="telco-r7",
        bundle=bundle,
        serving=model.spec.serving,
        secret_name="writer",
        is_scaled_by_us=by_us,
    )


@pytest.fixture
def served(view: ModelView, model: ChurnModel, settings: Settings) -> Document:
    return inference_service(
        view, predictor(model), name="telco-r7-abcde", replicas=(2, 5), settings=settings
    )


@pytest.fixture
def job(view: ModelView, model: ChurnModel, settings: Settings) -> Document:
    store = Store(uri="s3://churn/models", secret_name="writer")
    return training_job(
        view, model, revision="telco-r8", attempt=2, store=store, champion=REMOTE, settings=settings
    )


@pytest.fixture
def everything(
    view: ModelView, model: ChurnModel, settings: Settings, job: Document, served: Document
) -> list[Document]:
    route = model.spec.serving.route
    assert route is not None
    return [
        job,
        served,
        model_file(view, model, revision="telco-r8"),
        serving_file(view, model.spec.serving, name="telco-r7-abcde", revision="telco-r7"),
        service_account(view),
        stable_service(view, inference_service="telco-r7-abcde"),
        http_route(view, route),
        scaled_object(
            view,
            name="telco-r7-abcde",
            revision="telco-r7",
            replicas=(0, 5),
            target=20,
            prometheus_address="http://prometheus:9090",
        ),
        prune_job(view, keep=["telco-r7-0a0a0a0a0a0a"], store=Store(uri="pvc://bundles"), settings=settings),
    ]


def pods(everything: list[Document]) -> list[Document]:
    jobs = [child["spec"]["template"]["spec"] for child in everything if child["kind"] == "Job"]
    return [*jobs, *(each["spec"]["predictor"] for each in everything if each["kind"] == "InferenceService")]
