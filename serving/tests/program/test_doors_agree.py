"""The same customers get the same numbers through every door, and these are the scorer's."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from math import log
from typing import Any

import grpc
import numpy as np
import pytest
from kserve import InferInput, InferRequest, InferResponse
from kserve.protocol.grpc.grpc_predict_v2_pb2_grpc import GRPCInferenceServiceStub

Server = Any
Customers = Callable[..., list[dict[str, Any]]]
Found = list[tuple[float, str]]

KINDS = ("boosting", "logistic", "forest", "svm")
EXPLAINED = ("boosting", "logistic", "forest")
DATATYPES = {
    "tenure": "INT64",
    "monthlyCharges": "FP64",
    "contract": "BYTES",
    "paperless": "BOOL",
    "supportCalls": "BYTES",
}
ARRAYS = {"INT64": np.int64, "FP64": np.float64, "BYTES": np.object_, "BOOL": np.bool_}


def v1(verb: str) -> Callable[[Server, Any], Found]:
    def ask(server: Server, customers: Any) -> Found:
        answer = server.post(f"/v1/models/telco:{verb}", {"instances": customers})
        assert answer.status == 200, answer.body
        return [(found["risk_score"], found["risk_level"]) for found in answer.json["predictions"]]

    return ask


def v2_json(server: Server, customers: Any) -> Found:
    inputs = [
        {
            "name": name,
            "shape": [len(customers)],
            "datatype": datatype,
            "data": [customer[name] for customer in customers],
        }
        for name, datatype in DATATYPES.items()
    ]
    answer = server.post("/v2/models/telco/infer", {"id": "7", "inputs": inputs})
    assert answer.status == 200, answer.body
    assert answer.json["id"] == "7"
    return outputs(answer.json["outputs"])


def outputs(given: list[dict[str, Any]]) -> Found:
    score, level = given
    assert (score["name"], score["datatype"], level["name"], level["datatype"]) == (
        "risk_score",
        "FP64",
        "risk_level",
        "BYTES",
    )
    assert score["shape"] == level["shape"] == [len(score["data"])]
    return list(zip(score["data"], level["data"], strict=True))


def request_of(customers: Sequence[dict[str, Any]], *, binary: bool, columns: bool) -> InferRequest:
    inputs = []
    shape = [len(customers), 1] if columns else [len(customers)]
    for name, datatype in DATATYPES.items():
        values: np.ndarray[Any, Any] = np.array(
            [customer[name] for customer in customers], dtype=ARRAYS[datatype]
        )
        tensor = InferInput(name, shape, datatype)
        tensor.set_data_from_numpy(values.reshape(shape), binary_data=binary)
        inputs.append(tensor)
    parameters = {"binary_data_output": True} if binary else None
    return InferRequest("telco", inputs, request_id="7", parameters=parameters)


def arrays(response: InferResponse) -> Found:
    assert response.id == "7"
    score, level = (output.as_numpy().tolist() for output in response.outputs)
    return [
        (one, two.decode() if isinstance(two, bytes) else two) for one, two in zip(score, level, strict=True)
    ]


def v2_binary(server: Server, customers: Any) -> Found:
    body, length = request_of(customers, binary=True, columns=False).to_rest()
    answer = server.post(
        "/v2/models/telco/infer",
        body,
        Content_Type="application/octet-stream",
        Inference_Header_Content_Length=str(length),
    )
    assert answer.status == 200, answer.body
    split = int(answer.headers["inference-header-content-length"])
    assert json.loads(answer.body[:split])["model_version"] in ("golden-r1", "telco-r4")
    return arrays(InferResponse.from_bytes(answer.body, split))


def v2_binary_in_json_out(server: Server, customers: Any) -> Found:
    request = request_of(customers, binary=True, columns=True)
    request.parameters = None
    body, length = request.to_rest()
    answer = server.post("/v2/models/telco/infer", body, Inference_Header_Content_Length=str(length))
    assert answer.status == 200, answer.body
    assert "inference-header-content-length" not in answer.headers
    assert answer.json["model_version"]
    return outputs(answer.json["outputs"])


def over_grpc(*, binary: bool, columns: bool) -> Callable[[Server, Any], Found]:
    def ask(server: Server, customers: Any) -> Found:
        assert server.port
        address = f"127.0.0.1:{server.grpc_port}"
        with grpc.insecure_channel(address, options=[("grpc.enable_http_proxy", 0)]) as channel:
            request = request_of(customers, binary=binary, columns=columns)
            request.parameters = None
            answer = GRPCInferenceServiceStub(channel).ModelInfer(
                request.to_grpc(), timeout=60, wait_for_ready=True
            )
        assert answer.model_version in ("golden-r1", "telco-r4")
        return arrays(InferResponse.from_grpc(answer))

    return ask


DOORS: dict[str, Callable[[Server, Any], Found]] = {
    "v1 predict": v1("predict"),
    "v1 explain": v1("explain"),
    "v2 JSON": v2_json,
    "v2 binary": v2_binary,
    "v2 binary, JSON back": v2_binary_in_json_out,
    "gRPC": over_grpc(binary=False, columns=False),
    "gRPC raw": over_grpc(binary=True, columns=True),
}


@pytest.mark.parametrize(
    ("kind", "door"),
    [(kind, door) for kind in KINDS for door in DOORS if kind != "svm" or door != "v1 explain"],
)
def test_every_door_gives_the_scorers_numbers_for_few_and_many(
    kind: str, door: str, running: Any, scorer: Any, complete_customers: Customers
) -> None:
    customers = complete_customers(600)
    expected = [scorer(kind).score(customer) for customer in customers]
    levels = ["high" if score >= 0.65 else "medium" if score >= 0.35 else "low" for score in expected]
    for count in (1, 2, 16, 17, 600):
        found = DOORS[door](running(kind), customers[-count:])
        assert [score for score, _ in found] == pytest.approx(expected[-count:], rel=0, abs=1e-12)
        assert [level for _, level in found] == levels[-count:]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("count", [1, 16, 17, 600])
def test_records_with_gaps_are_scored_by_what_they_have(
    kind: str, count: int, running: Any, scorer: Any, customers: Customers
) -> None:
    asked = customers(count, seed=5)
    expected = [scorer(kind).score(customer) for customer in asked]
    found = v1("predict")(running(kind), asked)
    assert [score for score, _ in found] == pytest.approx(expected, rel=0, abs=1e-12)


@pytest.mark.parametrize("kind", EXPLAINED)
@pytest.mark.parametrize("count", [1, 16, 17, 600])
def test_reasons_are_sorted_by_size_and_add_up_to_the_score(
    kind: str, count: int, running: Any, scorer: Any, customers: Customers
) -> None:
    asked = customers(count, seed=6)
    answer = running(kind).post("/v1/models/telco:explain", {"instances": asked})
    assert answer.status == 200
    assert len(answer.json["predictions"]) == count
    for customer, found in zip(asked, answer.json["predictions"], strict=True):
        reasons = found["shap_values"]
        score = found["risk_score"]
        total = found["baseline"] + sum(reasons.values())
        if kind == "forest":
            assert found["space"] == "probability"
            assert total == pytest.approx(score, abs=1e-9)
        else:
            assert found["space"] == "logOdds"
            assert total == pytest.approx(log(score / (1 - score)), abs=1e-9)
        sizes = [abs(value) for value in reasons.values()]
        assert sizes == sorted(sizes, reverse=True)
        assert 0 not in sizes
        expected = scorer(kind).explain(customer)
        assert reasons == pytest.approx(expected.reasons, abs=1e-9)
        assert found["baseline"] == pytest.approx(expected.baseline, abs=1e-12)


def test_insights_follow_the_strongest_reason_that_raises_the_risk(server: Server) -> None:
    new = {"tenure": 1, "contract": "Month-to-month"}
    loyal = {"tenure": 70, "contract": "Two year"}
    answer = server.post("/v1/models/telco:explain", {"instances": [new, loyal]})
    advised, left_alone = answer.json["predictions"]
    assert set(advised["insights"]) == {"Offer a 12-month contract", "Call in the first weeks"}
    first = "contract" if advised["insights"][0].startswith("Offer") else "tenure"
    assert first == next(name for name in advised["shap_values"] if name in ("contract", "tenure"))
    assert left_alone["insights"] == []


def test_every_answer_carries_model_and_revision(server: Server) -> None:
    for verb in ("predict", "explain"):
        answer = server.post(f"/v1/models/telco:{verb}", {"instances": [{}]}).json
        assert list(answer) == ["predictions", "model", "revision"]
        assert (answer["model"], answer["revision"]) == ("telco", "golden-r1")
    tensor = {"name": "tenure", "shape": [1], "datatype": "FP64", "data": [3.5]}
    for path in ("/v2/models/telco/infer", "/v2/models/telco/versions/golden-r1/infer"):
        answer = server.post(path, {"inputs": [tensor]}).json
        assert (answer["model_name"], answer["model_version"]) == ("telco", "golden-r1")


@pytest.mark.parametrize("count", [1, 17])
def test_an_svm_says_that_it_has_no_reasons(running: Any, count: int) -> None:
    answer = running("svm").post("/v1/models/telco:explain", {"instances": [{"tenure": 1}] * count})
    assert answer.status == 400
    assert answer.json == {
        "error": "an SVM has no exact reasons; train with XGBoost, LogisticRegression or RandomForest "
        "to explain scores"
    }


def test_an_answer_is_json_and_says_its_length(server: Server) -> None:
    answer = server.post("/v1/models/telco:predict", {"instances": [{}]})
    assert answer.headers["content-type"] == "application/json"
    assert int(answer.headers["content-length"]) == len(answer.body)
    assert "server" not in answer.headers
    assert json.loads(answer.body)["predictions"][0]["risk_level"] in ("low", "medium", "high")
