"""Doors: what is answered at which path, from the bytes of a body to the bytes of an answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import msgspec
from msgspec import Struct

from churnguard_serving.predictor import Explained, Prediction
from churnguard_serving.protocols.binary import answer_binary
from churnguard_serving.protocols.v1 import InstanceReader
from churnguard_serving.protocols.v2 import read_inference, write_inference
from churnguard_serving.service import Service
from churnguard_web.asgi import Headers

Answer = tuple[bytes, Headers]
"""A body of JSON (or of JSON and tensors), and headers besides its type and length."""


@dataclass(frozen=True, slots=True)
class Door:
    """A path that is answered by us.

    ``answer`` takes the body, and the length of its JSON when tensors follow it.
    """

    protocol: str
    answer: Callable[[bytes, int | None], Answer]


class _Predictions(Struct, frozen=True, gc=False):
    predictions: list[Prediction]
    model: str
    revision: str


class _Explanations(Struct, frozen=True):
    predictions: list[Explained]
    model: str
    revision: str


_encode = msgspec.json.Encoder().encode


def doors_of(service: Service) -> Mapping[str, Door]:
    """The doors of a service by their paths."""
    name, revision = service.name, service.revision
    read = InstanceReader(service.features).read

    def predict(body: bytes, _: int | None) -> Answer:
        found = service.predict(read(body, limits=service.limits))
        return _encode(_Predictions(found, name, revision)), ()

    def explain(body: bytes, _: int | None) -> Answer:
        found = service.explain(read(body, limits=service.limits))
        return _encode(_Explanations(found, name, revision)), ()

    def infer(body: bytes, json_length: int | None) -> Answer:
        if json_length is not None:
            return answer_binary(body, json_length=json_length, service=service)
        asked = read_inference(body, limits=service.limits)
        found = service.predict(asked.instances)
        return write_inference(found, name=name, revision=revision, id=asked.id), ()

    return {
        f"/v1/models/{name}:predict": Door("v1", predict),
        f"/v1/models/{name}:explain": Door("v1", explain),
        f"/v2/models/{name}/infer": Door("v2", infer),
        f"/v2/models/{name}/versions/{revision}/infer": Door("v2", infer),
    }
