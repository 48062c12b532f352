"""Wrong tensors in KServe's binary extension and over gRPC."""

from __future__ import annotations

import json
from typing import Any

import grpc
import pytest
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb
from kserve.protocol.grpc.grpc_predict_v2_pb2_grpc import GRPCInferenceServiceStub

Server = Any
V2 = "/v2/models/telco/infer"
BINARY = {"name": "tenure", "shape": [1], "datatype": "FP64", "parameters": {"binary_data_size": 8}}
NUMBER = b"\0\0\0\0\0\0\xf0?"


@pytest.mark.parametrize(
    ("document", "tail", "words"),
    [
        ([], NUMBER, "no v2 request"),
        ({}, NUMBER, "no v2 request"),
        ({"inputs": [7]}, NUMBER, "no v2 request"),
        ({"inputs": [BINARY]}, NUMBER[:3], "no v2 request"),
        ({"inputs": [{**BINARY, "shape": [2]}]}, NUMBER, "no v2 request"),
        ({"inputs": [{**BINARY, "shape": "1"}]}, NUMBER, ""),
        ({"inputs": [{**BINARY, "datatype": "FP65"}]}, NUMBER, "no v2 request"),
        ({"inputs": [{**BINARY, "datatype": 7}]}, NUMBER, "no v2 request"),
        ({"inputs": [{**BINARY, "datatype": "BYTES"}]}, NUMBER, "no v2 request"),
        ({"inputs": [{**BINARY, "name": ["tenure"]}]}, NUMBER, ""),
        ({"inputs": [{**BINARY, "name": 7}]}, NUMBER, ""),
        ({"inputs": [{**BINARY, "parameters": {"binary_data_size": -8}}]}, NUMBER, ""),
        ({"inputs": [{**BINARY, "parameters": {"binary_data_size": "8"}}]}, NUMBER, "no v2 request"),
        ({"inputs": [BINARY], "id": 7}, NUMBER, ""),
        ({"inputs": [BINARY], "id": {"a": 1}}, NUMBER, ""),
        ({"inputs": [BINARY], "parameters": [1]}, NUMBER, ""),
        ({"inputs": [BINARY], "outputs": [{"name": "nothing"}]}, NUMBER, ""),
        ({"inputs": [BINARY], "outputs": [{"name": "risk_score", "parameters": 1}]}, NUMBER, ""),
        ({"inputs": [BINARY], "outputs": 7}, NUMBER, "no v2 request"),
        ({"inputs": [BINARY]}, b"\0\0\0\0\0\0\xf8\x7f", "cannot be used"),
        ({"inputs": [{**BINARY, "datatype": "BYTES"}]}, b"\4\0\0\0\xff\xff\xff\xff", ""),
        ({"inputs": []}, b"", "no inputs"),
    ],
)
def test_wrong_binary_tensors_are_refused(document: Any, tail: bytes, words: str, server: Server) -> None:
    head = json.dumps(document).encode()
    answer = server.post(V2, head + tail, Inference_Header_Content_Length=str(len(head)))
    assert answer.status == 400, answer.body
    assert words in answer.json["error"]


@pytest.mark.parametrize("length", ["-1", "x", "1e1", "10000", "9" * 30, ""])
def test_a_wrong_length_of_the_json_before_tensors_is_refused(length: str, server: Server) -> None:
    answer = server.post(V2, {"inputs": [BINARY]}, Inference_Header_Content_Length=length)
    assert answer.status == 400
    assert "Inference-Header-Content-Length" in answer.json["error"]


def grpc_input(**changed: Any) -> Any:
    given = {
        "name": "tenure",
        "shape": [1],
        "datatype": "FP64",
        "contents": {"fp64_contents": [3.0]},
        **changed,
    }
    return pb.ModelInferRequest.InferInputTensor(**given)


@pytest.mark.parametrize(
    ("asked", "code", "words"),
    [
        ({"inputs": []}, "INVALID_ARGUMENT", "there are no inputs"),
        ({"inputs": [grpc_input(shape=[2])]}, "INVALID_ARGUMENT", "; tenure: shape [2] does not fit"),
        ({"inputs": [grpc_input(datatype="FP65")]}, "INVALID_ARGUMENT", ""),
        ({"inputs": [grpc_input(contents={"fp64_contents": [float("nan")]})]}, "INVALID_ARGUMENT", "tenure"),
        ({"inputs": [grpc_input(contents={"fp64_contents": []}, shape=[0])]}, "INVALID_ARGUMENT", "empty"),
        (
            {"inputs": [grpc_input(shape=[10_001], contents={"fp64_contents": [1.0] * 10_001})]},
            "INVALID_ARGUMENT",
            "at most 10000",
        ),
        ({"inputs": [grpc_input()], "model_name": "nobody"}, "NOT_FOUND", "nobody"),
        ({"inputs": [grpc_input(), grpc_input()]}, "INVALID_ARGUMENT", "tenure: given twice"),
        (
            {"inputs": [grpc_input(contents=None)], "raw_input_contents": [b"123"]},
            "INVALID_ARGUMENT",
            "tenure",
        ),
        (
            {"inputs": [grpc_input()], "raw_input_contents": [NUMBER]},
            "INVALID_ARGUMENT",
            "raw_input_contents",
        ),
        (
            {"inputs": [grpc_input(datatype="BYTES", contents={"bytes_contents": [b"\xff"]})]},
            "INVALID_ARGUMENT",
            "tenure",
        ),
        (
            {"inputs": [grpc_input(contents={"fp64_contents": [1.0] * 2_000_000}, shape=[2_000_000])]},
            "RESOURCE_EXHAUSTED",
            "",
        ),
    ],
)
def test_grpc_says_what_is_wrong(asked: dict[str, Any], code: str, words: str, server: Server) -> None:
    assert server.port
    with grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel:
        stub = GRPCInferenceServiceStub(channel)
        with pytest.raises(grpc.RpcError) as caught:
            stub.ModelInfer(pb.ModelInferRequest(**{"model_name": "telco", **asked}), timeout=60)
    assert caught.value.code().name == code
    assert words in caught.value.details()
    assert "instances[None]" not in caught.value.details()


def test_afterwards_the_server_answers_as_before(server: Server) -> None:
    head = json.dumps({"inputs": [BINARY]}).encode()
    assert server.post(V2, head + NUMBER, Inference_Header_Content_Length=str(len(head))).status == 200
    assert not server.log.find("a request failed")
