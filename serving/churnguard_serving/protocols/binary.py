"""KServe's binary extension of v2: JSON, and tensors as raw bytes behind it."""

from __future__ import annotations

import msgspec
from kserve import InferRequest

from churnguard_serving.problems import MOST_NAME, BadRequest, Problem
from churnguard_serving.protocols.tensors import instances_of_request, output_types, response_of
from churnguard_serving.service import Service


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
    _check(request)
    found = service.predict(instances_of_request(request, limits=service.limits))
    answer, length = response_of(
        found, request=request, name=service.name, revision=service.revision
    ).to_rest()
    if length is None:
        return msgspec.json.encode(answer), ()
    return answer, ((b"inference-header-content-length", str(length).encode()),)


def _check(request: InferRequest) -> None:
    """Refuse what KServe's decoder takes as it comes and stumbles over later."""
    known = [output["name"] for output in output_types()]
    problems = []
    if not isinstance(request.id, str | None):
        problems.append(Problem(field="id", message="expected a string"))
    if not isinstance(request.parameters, dict | None):
        problems.append(Problem(field="parameters", message="expected an object"))
    if not all(isinstance(given.name, str) for given in request.inputs):
        problems.append(Problem(field="inputs", message="expected names that are strings"))
    for asked in request.request_outputs or ():
        if asked.name not in known:
            name = str(asked.name)[:MOST_NAME]
            problems.append(
                Problem(field="outputs", message=f"unknown {name!r}; expected {', '.join(known)}")
            )
        if not isinstance(asked.parameters, dict | None):
            problems.append(Problem(field="outputs", message="expected parameters that are an object"))
    if problems:
        raise BadRequest("this is no v2 request with binary tensors", problems=problems)
