"""KServe's binary extension of v2: JSON, and tensors as raw bytes behind it."""

from __future__ import annotations

import msgspec
from kserve import InferRequest

from churnguard_serving.problems import BadRequest
from churnguard_serving.service import Service
from churnguard_serving.tensors import instances_of_request, response_of


def answer_binary(
    body: bytes, *, json_length: int, service: Service
) -> tuple[bytes, tuple[tuple[bytes, bytes], ...]]:
    """The answer's body, and headers besides its type and length.

    Raises:
        BadRequest: The body is no such request.
    """
    try:
        request = InferRequest.from_bytes(body, json_length, service.name)
    # KServe's decoder checks little: it fails with whatever a wrong body makes its code do.
    except Exception as error:
        raise BadRequest(f"this is no v2 request with binary tensors: {error!r:.200}") from None
    found = service.predict(instances_of_request(request, limits=service.limits))
    answer, length = response_of(
        found, request=request, name=service.name, revision=service.revision
    ).to_rest()
    if length is None:
        return msgspec.json.encode(answer), ()
    return answer, ((b"inference-header-content-length", str(length).encode()),)
