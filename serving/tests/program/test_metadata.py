"""What the server tells about itself, and what it refuses to do."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb
from kserve.protocol.grpc.grpc_predict_v2_pb2_grpc import GRPCInferenceServiceStub

Server = Any

INPUTS = [
    ("tenure", "FP64", [-1]),
    ("monthlyCharges", "FP64", [-1]),
    ("contract", "BYTES", [-1]),
    ("paperless", "BOOL", [-1]),
    ("supportCalls", "BYTES", [-1]),
]
OUTPUTS = [("risk_score", "FP64", [-1]), ("risk_level", "BYTES", [-1])]


def described(tensors: list[dict[str, Any]]) -> list[tuple[str, str, list[int]]]:
    return [(tensor["name"], tensor["datatype"], tensor["shape"]) for tensor in tensors]


def test_the_models_metadata_names_its_tensors(server: Server) -> None:
    found = server.get("/v2/models/telco").json
    assert found["name"] == "telco"
    assert described(found["inputs"]) == INPUTS
    assert described(found["outputs"]) == OUTPUTS


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/", {"status": "alive"}),
        ("/v1/models", {"models": ["telco"]}),
        ("/v1/models/telco", {"name": "telco", "ready": True}),
        ("/v2/models", {"models": ["telco"]}),
        ("/v2/models/telco/ready", {"name": "telco", "ready": True}),
        ("/v2/health/live", {"live": True}),
        ("/v2/health/ready", {"ready": True}),
    ],
)
def test_kserves_routes_are_there(path: str, expected: Any, server: Server) -> None:
    answer = server.get(path)
    assert (answer.status, answer.json) == (200, expected)


def test_the_server_names_its_extensions_and_its_api(server: Server) -> None:
    assert {"name", "version", "extensions"} <= server.get("/v2").json.keys()
    paths = server.get("/openapi.json").json["paths"]
    assert {"/v1/models/{model_name}:predict", "/v2/models/{model_name}/infer"} <= paths.keys()


@pytest.mark.parametrize("path", ["/v1/models/nobody", "/v2/models/nobody", "/v2/models/nobody/ready"])
def test_another_model_is_not_found(path: str, server: Server) -> None:
    answer = server.get(path)
    assert answer.status == 404
    assert "nobody" in answer.json["error"]


@pytest.mark.parametrize("verb", ["load", "unload"])
@pytest.mark.parametrize("model", ["telco", "nobody"])
def test_models_are_neither_loaded_nor_unloaded_by_request(verb: str, model: str, server: Server) -> None:
    answer = server.post(f"/v2/repository/models/{model}/{verb}", {})
    assert answer.status == 404
    assert "nothing is answered here" in answer.json["error"]
    assert server.get("/v2/models/telco/ready").status == 200


def test_nor_over_grpc(server: Server) -> None:
    assert server.port
    with grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel:
        stub = GRPCInferenceServiceStub(channel)
        for call, message in (
            (stub.RepositoryModelLoad, pb.RepositoryModelLoadRequest(model_name="telco")),
            (stub.RepositoryModelUnload, pb.RepositoryModelUnloadRequest(model_name="telco")),
        ):
            with pytest.raises(grpc.RpcError) as caught:
                call(message, timeout=30)
            assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
            assert "one bundle for life" in caught.value.details()
        assert stub.ModelReady(pb.ModelReadyRequest(name="telco"), timeout=30).ready


def test_grpc_names_the_same_tensors(server: Server) -> None:
    assert server.port
    with grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel:
        stub = GRPCInferenceServiceStub(channel)
        found = stub.ModelMetadata(pb.ModelMetadataRequest(name="telco"), timeout=30)
    assert [(tensor.name, tensor.datatype, list(tensor.shape)) for tensor in found.inputs] == INPUTS
    assert [(tensor.name, tensor.datatype, list(tensor.shape)) for tensor in found.outputs] == OUTPUTS


def test_the_documentation_is_off_until_it_is_asked_for(server: Server, start: Any) -> None:
    assert server.get("/docs").status == 404
    with_docs = start("boosting", "--docs")
    assert b"swagger" in with_docs.get("/docs").body


def test_settings_are_followed_while_requests_are_answered(start: Any) -> None:
    server = start("boosting", serving={"levels": {"medium": "0", "high": "1"}})

    def level() -> str:
        found = server.post("/v1/models/telco:predict", {"instances": [{}]}).json
        risk: str = found["predictions"][0]["risk_level"]
        return risk

    assert level() == "medium"
    server.serving.write_text('{"levels": {"medium": "0", "high": "0"}}')
    server.log.wait_for("settings changed")
    assert level() == "high"
    server.serving.write_text('{"levels": {"medium": "1", "high": "0"}}')
    problem = server.log.wait_for("settings unchanged: the new file cannot be used")["problem"]
    assert "must not exceed" in problem
    assert level() == "high"
    server.serving.write_text('{"limits": {"maxInstances": 1}}')
    while server.post("/v1/models/telco:predict", {"instances": [{}, {}]}).status != 413:
        assert server.process.poll() is None
    assert level() == "low"
