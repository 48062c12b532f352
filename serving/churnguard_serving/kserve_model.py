"""The service as a KServe model: what gRPC and KServe's own handlers call."""

from __future__ import annotations

import math
from functools import partial
from time import perf_counter
from typing import Any, Final

import msgspec
from kserve import InferRequest, InferResponse, Model
from kserve.errors import InvalidInput, ServerNotReady
from kserve.protocol.dataplane import DataPlane
from kserve.protocol.model_repository_extension import ModelRepositoryExtension

from churnguard_serving.large import Busy, LargeRequests
from churnguard_serving.problems import BadRequest
from churnguard_serving.protocols.tensors import input_types, instances_of_request, output_types, response_of
from churnguard_serving.protocols.v1 import read_instances
from churnguard_serving.service import Service

LARGE_VALUES: Final = 2_000
"""Requests with more values in their tensors are answered by a thread."""


class ChurnPredictor(Model):
    """The service behind KServe's interface."""

    def __init__(self, service: Service, *, large: LargeRequests) -> None:
        super().__init__(service.name)
        self._service = service
        self._large = large

    def start(self) -> None:
        """Nothing: the bundle is loaded before the server is made."""

    def stop(self) -> None:
        """Nothing: the service drains by itself."""

    def load(self) -> bool:
        """Whether it is ready; KServe asks so while a request meets a server that is not."""
        return self._service.ready

    async def healthy(self) -> bool:
        """Whether more requests should come."""
        return self._service.ready

    async def predict(
        self,
        payload: InferRequest | dict[str, Any],
        headers: dict[str, str] | None = None,  # noqa: ARG002
        response_headers: dict[str, str] | None = None,  # noqa: ARG002
    ) -> InferResponse | dict[str, Any]:
        """Predictions for a v1 body or a v2 request."""
        started, code = perf_counter(), 200
        try:
            if not isinstance(payload, InferRequest):
                records = read_instances(msgspec.json.encode(payload), limits=self._service.limits)
                return self._v1_answer(self._service.predict(records))
            if _values(payload) > LARGE_VALUES:
                return await self._large.run(partial(self._infer, payload))
            return self._infer(payload)
        except BadRequest as bad:
            code = bad.status
            raise InvalidInput(bad.text) from None
        except Busy:
            code = 503
            raise ServerNotReady from None
        finally:
            # HTTP has doors of its own, so whoever comes here came by gRPC.
            seconds = perf_counter() - started
            self._service.metrics.answered(protocol="grpc", code=code, seconds=seconds)

    async def explain(
        self,
        payload: dict[str, Any],
        headers: dict[str, str] | None = None,  # noqa: ARG002
    ) -> dict[str, Any]:
        """Explained predictions for a v1 body."""
        try:
            records = read_instances(msgspec.json.encode(payload), limits=self._service.limits)
            return self._v1_answer(self._service.explain(records))
        except BadRequest as bad:
            raise InvalidInput(bad.text) from None

    def get_input_types(self) -> list[dict[str, Any]]:
        """Tensors of a v2 request."""
        return input_types(self._service.features)

    def get_output_types(self) -> list[dict[str, Any]]:
        """Tensors of a v2 answer."""
        return output_types()

    def _infer(self, request: InferRequest) -> InferResponse:
        service = self._service
        found = service.predict(instances_of_request(request, limits=service.limits))
        return response_of(found, request=request, name=service.name, revision=service.revision)

    def _v1_answer(self, found: object) -> dict[str, Any]:
        answer = {"predictions": found, "model": self._service.name, "revision": self._service.revision}
        plain: dict[str, Any] = msgspec.to_builtins(answer)
        return plain


class HonestDataPlane(DataPlane):
    """KServe's data plane, whose server is ready when its models are."""

    async def ready(self) -> bool:
        """Whether more requests should come."""
        names = self.model_registry.get_models()
        return bool(names) and all([await self.model_registry.is_model_ready(name) for name in names])


class ClosedRepository(ModelRepositoryExtension):
    """No model is loaded or unloaded on a caller's word."""

    async def load(self, model_name: str) -> None:  # noqa: ARG002
        """Refused."""
        raise InvalidInput("models are not loaded by request: a server has one bundle for life")

    async def unload(self, model_name: str) -> None:  # noqa: ARG002
        """Refused."""
        raise InvalidInput("models are not unloaded by request: a server has one bundle for life")


def _values(request: InferRequest) -> int:
    return sum(math.prod(tensor.shape) for tensor in request.inputs)
