"""InferenceServices and the way to them."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from churnguard_core.churnmodel.types import ChurnModel, Resources
from churnguard_operator.children.inferenceservice import inference_service, name_of
from churnguard_operator.children.serving_file import serving_file
from churnguard_operator.children.traffic import stable_service
from churnguard_operator.observed import Document, ModelView
from churnguard_operator.settings import Settings
from churnguard_operator_tests.children import BUNDLE, DIGEST, REMOTE, predictor


def test_an_inference_service_is_standard_local_and_of_our_server(served: Document) -> None:
    assert served["metadata"]["annotations"] == {
        "serving.kserve.io/deploymentMode": "Standard",
        "serving.kserve.io/autoscalerClass": "hpa",
    }
    assert served["metadata"]["labels"]["networking.kserve.io/visibility"] == "cluster-local"
    spec = served["spec"]["predictor"]
    scaling = [spec[name] for name in ("minReplicas", "maxReplicas", "scaleMetric", "scaleTarget")]
    assert scaling == [2, 5, "memory", 60]
    (container,) = spec["containers"]
    assert container["name"] == "kserve-container"
    assert container["args"] == [
        "--bundle=file:///mnt/models",
        f"--digest={DIGEST}",
        "--name=telco",
        "--serving=/etc/churnguard/serving/serving.json",
        "--port=8080",
        "--grpc-port=8081",
        "--drain-seconds=10",
    ]
    assert container["env"] == [{"name": "STORAGE_URI", "value": BUNDLE.uri}]
    assert container["readinessProbe"]["httpGet"] == {"path": "/v2/health/ready", "port": 8080}
    assert spec["terminationGracePeriodSeconds"] > 10
    assert container["ports"][0]["containerPort"] == 8080


def test_a_bundle_in_s3_is_fetched_by_our_server_with_its_keys(
    view: ModelView, model: ChurnModel, settings: Settings
) -> None:
    remote = inference_service(
        view, predictor(model, bundle=REMOTE), name="telco-r7-abcde", replicas=(1, 3), settings=settings
    )
    pod = remote["spec"]["predictor"]
    (container,) = pod["containers"]
    assert container["args"][0] == f"--bundle={REMOTE.uri}"
    assert "env" not in container
    assert {"name": "store-secret", "secret": {"secretName": "writer", "defaultMode": 0o440}} in pod[
        "volumes"
    ]


def test_the_serving_file_holds_levels_and_insights(view: ModelView, model: ChurnModel) -> None:
    file = serving_file(view, model.spec.serving, name="telco-r7-abcde", revision="telco-r7")
    assert file["metadata"]["name"] == "telco-r7-abcde"
    assert json.loads(file["data"]["serving.json"]) == {
        "levels": {"medium": "0.20", "high": "0.50"},
        "insights": [{"when": {"feature": "Contract", "equals": "Month-to-month"}, "text": "Call"}],
    }


def test_replicas_and_targets_are_no_part_of_the_name_and_all_else_is(
    view: ModelView, model: ChurnModel, settings: Settings
) -> None:
    def name(changed: ChurnModel, *, by_us: bool = False, with_settings: Settings = settings) -> str:
        return name_of(view, predictor(changed, by_us=by_us), settings=with_settings)

    def serving(**changes: Any) -> ChurnModel:
        spec = msgspec.structs.replace(
            model.spec, serving=msgspec.structs.replace(model.spec.serving, **changes)
        )
        return msgspec.structs.replace(model, spec=spec)

    scaling = model.spec.serving.autoscaling
    same = [
        serving(replicas=msgspec.structs.replace(model.spec.serving.replicas, min=3)),
        serving(autoscaling=msgspec.structs.replace(scaling, target=99)),
        serving(route=None),
    ]
    assert {name(each) for each in same} == {name(model)}
    other = Settings(training_image=settings.training_image, serving_image="another:2", store=settings.store)
    different = [
        name(model),
        name(serving(insights=())),
        name(serving(levels=type(model.spec.serving.levels)())),
        name(serving(resources=type(model.spec.serving.resources)(memory="1Gi"))),
        name(model, by_us=True),
        name(model, with_settings=other),
    ]
    assert len(set(different)) == len(different)


def test_the_stable_service_leads_to_the_pods_of_one_inference_service(view: ModelView) -> None:
    service = stable_service(view, inference_service="telco-r7-abcde")
    assert service["metadata"]["name"] == "telco"
    assert service["spec"]["selector"] == {"app": "isvc.telco-r7-abcde-predictor"}
    assert [(port["port"], port["targetPort"]) for port in service["spec"]["ports"]] == [
        (80, 8080),
        (8081, 8081),
    ]


def test_a_route_leads_from_the_gateway_to_the_stable_service(everything: list[Document]) -> None:
    (route,) = (child for child in everything if child["kind"] == "HTTPRoute")
    spec = route["spec"]
    assert spec["parentRefs"][0]["name"] == "public"
    assert spec["parentRefs"][0]["namespace"] == "edge"
    assert spec["hostnames"] == ["churn.example.com"]
    (rule,) = spec["rules"]
    assert rule["matches"] == [{"path": {"type": "PathPrefix", "value": "/telco"}}]
    assert rule["backendRefs"] == [{"name": "telco", "port": 80}]
    assert rule["filters"][0]["urlRewrite"]["path"]["replacePrefixMatch"] == "/"


def test_a_scaled_object_asks_prometheus_for_the_requests_of_its_own_pods(everything: list[Document]) -> None:
    (scaled,) = (child for child in everything if child["kind"] == "ScaledObject")
    assert scaled["spec"]["scaleTargetRef"]["name"] == "telco-r7-abcde-predictor"
    assert (scaled["spec"]["minReplicaCount"], scaled["spec"]["maxReplicaCount"]) == (0, 5)
    (trigger,) = scaled["spec"]["triggers"]
    assert trigger["metadata"]["threshold"] == "20"
    assert 'pod=~"telco-r7-abcde-predictor-.*"' in trigger["metadata"]["query"]
    assert 'namespace="retention"' in trigger["metadata"]["query"]


@pytest.mark.parametrize(
    ("cpu", "limit"), [(None, None), ("500m", None), ("1", None), ("1500m", "1500m"), ("2", "2")]
)
def test_a_request_above_kserves_own_limit_brings_its_own(
    view: ModelView, model: ChurnModel, settings: Settings, cpu: str | None, limit: str | None
) -> None:
    serving = msgspec.structs.replace(model.spec.serving, resources=Resources(cpu=cpu))
    wanted = msgspec.structs.replace(model, spec=msgspec.structs.replace(model.spec, serving=serving))
    made = inference_service(
        view, predictor(wanted), name="telco-r7-abcde", replicas=(1, 3), settings=settings
    )
    (container,) = made["spec"]["predictor"]["containers"]
    assert container["resources"]["limits"].get("cpu") == limit
