"""KServe's own clients against our server, and KServe's own handlers around the same service."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import httpx
import kserve.model_server
import numpy as np
import pytest
from fastapi import FastAPI
from kserve import (
    InferenceGRPCClient,
    InferenceRESTClient,
    InferInput,
    InferRequest,
    InferResponse,
    ModelRepository,
    RESTConfig,
)
from kserve.protocol.dataplane import DataPlane
from kserve.protocol.model_repository_extension import ModelRepositoryExtension
from kserve.protocol.rest.server import RESTServer

from churnguard_serving.kserve_model import ChurnPredictor
from churnguard_serving.large import LargeRequests

Server = Any
Customers = Callable[..., list[dict[str, Any]]]
ARRAYS: dict[str, tuple[str, type[Any]]] = {
    "tenure": ("INT64", np.int64),
    "monthlyCharges": ("FP64", np.float64),
    "contract": ("BYTES", np.object_),
    "paperless": ("BOOL", np.bool_),
    "supportCalls": ("BYTES", np.object_),
}
pytestmark = pytest.mark.filterwarnings(
    # KServe's own use of it, in every answer of its handlers.
    "ignore:ORJSONResponse is deprecated:fastapi.exceptions.FastAPIDeprecationWarning",
)


def request_of(customers: list[dict[str, Any]], *, binary: bool) -> InferRequest:
    inputs = []
    for name, (datatype, dtype) in ARRAYS.items():
        tensor = InferInput(name, [len(customers)], datatype)
        values = np.array([customer[name] for customer in customers], dtype=dtype)
        tensor.set_data_from_numpy(values, binary_data=binary)
        inputs.append(tensor)
    return InferRequest("telco", inputs)


def numbers(answer: InferResponse) -> list[float]:
    assert [output.name for output in answer.outputs] == ["risk_score", "risk_level"]
    scores: list[float] = answer.outputs[0].as_numpy().tolist()
    return scores


@pytest.fixture
def kserve_application(service: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[FastAPI]:
    """KServe's application around our model, without anything of ours in front."""
    application = FastAPI()
    monkeypatch.setattr(kserve.model_server, "app", application)
    large = LargeRequests()
    models = ModelRepository()
    models.update(ChurnPredictor(service("boosting"), large=large))
    RESTServer(
        "kserve.model_server:app",
        DataPlane(model_registry=models),
        ModelRepositoryExtension(model_registry=models),
        0,
    ).create_application()
    yield application
    large.close()


async def over_rest(
    protocol: str, ask: Callable[[InferenceRESTClient], Awaitable[Any]], *, application: FastAPI | None = None
) -> Any:
    transport = httpx.AsyncHTTPTransport() if application is None else httpx.ASGITransport(application)
    client = InferenceRESTClient(RESTConfig(protocol=protocol, retries=0, transport=transport))
    try:
        return await ask(client)
    finally:
        await client.close()


async def over_grpc(server: Server, ask: Callable[[InferenceGRPCClient], Awaitable[Any]]) -> Any:
    assert server.port
    async with InferenceGRPCClient(f"127.0.0.1:{server.grpc_port}", retries=2) as client:
        return await ask(client)


@pytest.mark.parametrize("count", [1, 17, 600])
def test_kserves_clients_get_the_scorers_numbers(
    count: int, server: Server, scorer: Any, complete_customers: Customers
) -> None:
    customers = complete_customers(count, seed=8)
    expected = [scorer("boosting").score(customer) for customer in customers]

    async def ask() -> list[list[float]]:
        found = []
        for verb in ("infer", "explain"):
            answer = await over_rest(
                "v1",
                lambda client, verb=verb: getattr(client, verb)(  # type: ignore[misc]
                    server.url, model_name="telco", data={"instances": customers}
                ),
            )
            found.append([one["risk_score"] for one in answer["predictions"]])
        for binary in (False, True):
            request = request_of(customers, binary=binary)
            answer = await over_rest(
                "v2",
                lambda client, request=request: client.infer(  # type: ignore[misc]
                    server.url, model_name="telco", data=request
                ),
            )
            found.append(numbers(answer))
            request = request_of(customers, binary=binary)
            answer = await over_grpc(server, lambda client, request=request: client.infer(request))  # type: ignore[misc]
            found.append(numbers(answer))
        return found

    for scores in asyncio.run(ask()):
        assert scores == pytest.approx(expected, rel=0, abs=1e-12)


@pytest.mark.parametrize("count", [1, 17])
def test_kserves_own_handlers_give_the_same_numbers(
    count: int, server: Server, kserve_application: FastAPI, complete_customers: Customers
) -> None:
    customers = complete_customers(count, seed=9)

    async def ask(url: str, application: FastAPI | None) -> list[Any]:
        body = {"instances": customers}
        v1 = [
            await over_rest(
                "v1",
                lambda client, verb=verb: getattr(client, verb)(url, model_name="telco", data=body),  # type: ignore[misc]
                application=application,
            )
            for verb in ("infer", "explain")
        ]
        v2 = await over_rest(
            "v2",
            lambda client: client.infer(url, model_name="telco", data=request_of(customers, binary=False)),
            application=application,
        )
        return [*(answer["predictions"] for answer in v1), numbers(v2)]

    async def both() -> tuple[list[Any], list[Any]]:
        return await ask(server.url, None), await ask("http://kserve", kserve_application)

    (predicted, explained, inferred), (theirs, their_explained, their_inferred) = asyncio.run(both())
    for ours, other in ((predicted, theirs), (explained, their_explained)):
        assert [one["risk_score"] for one in ours] == [one["risk_score"] for one in other]
    assert [one["shap_values"] for one in explained] == [one["shap_values"] for one in their_explained]
    assert inferred == their_inferred


def test_clients_find_server_and_model_ready(server: Server) -> None:
    async def ask() -> list[bool]:
        return [
            await over_rest("v2", lambda client: client.is_server_ready(server.url)),
            await over_rest("v2", lambda client: client.is_server_live(server.url)),
            await over_rest("v2", lambda client: client.is_model_ready(server.url, "telco")),
            await over_rest("v1", lambda client: client.is_server_live(server.url)),
            await over_rest("v1", lambda client: client.is_model_ready(server.url, "telco")),
            await over_grpc(server, lambda client: client.is_server_ready()),
            await over_grpc(server, lambda client: client.is_server_live()),
            await over_grpc(server, lambda client: client.is_model_ready("telco")),
        ]

    assert asyncio.run(ask()) == [True] * 8


@pytest.mark.parametrize("verb", ["predict", "explain"])
def test_a_callers_headers_never_come_back(verb: str, server: Server) -> None:
    asked = {"instances": [{"tenure": 1}]}
    answer = server.post(
        f"/v1/models/telco:{verb}", asked, Authorization="Bearer sesame", Cookie="id=sesame", X_Key="sesame"
    )
    assert answer.status == 200
    assert "sesame" not in answer.body.decode() + str(answer.headers)
    assert answer.headers.keys() <= {"date", "content-type", "content-length"}


def test_kserves_handler_would_have_sent_them_back(kserve_application: FastAPI) -> None:
    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(kserve_application)
        async with httpx.AsyncClient(transport=transport, base_url="http://kserve") as client:
            return await client.post(
                "/v1/models/telco:explain", json={"instances": [{}]}, headers={"Authorization": "sesame"}
            )

    # The reason why no explanation reaches it; when this fails, KServe has mended it.
    assert asyncio.run(ask()).headers["authorization"] == "sesame"
