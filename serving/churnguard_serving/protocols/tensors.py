"""KServe's own requests and answers (gRPC, and the binary extension of v2) as ours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from kserve import InferInput, InferOutput, InferRequest, InferResponse

from churnguard_core.features import BooleanFeature, Feature, NumericFeature
from churnguard_serving.predictor import Instance, Prediction
from churnguard_serving.problems import MOST_NAME, BadRequest, Problem
from churnguard_serving.protocols.v2 import Tensor, instances_of
from churnguard_serving.settings import Limits


def instances_of_request(request: InferRequest, *, limits: Limits) -> list[Instance]:
    """The instances of a request.

    Raises:
        BadRequest: Its tensors cannot be decoded, or do not fit together.
    """
    tensors, problems = [], []
    for given in request.inputs:
        try:
            tensors.append(Tensor(given.name, list(map(int, given.shape)), given.datatype, _values(given)))
        # Whatever KServe's decoder meets in a tensor, it is the caller's tensor.
        except Exception as error:
            problems.append(Problem(field=str(given.name)[:MOST_NAME], message=f"cannot be decoded: {error}"))
    if problems:
        raise BadRequest("some inputs cannot be used", problems=problems)
    return instances_of(tensors, limits=limits)


def response_of(
    predictions: Sequence[Prediction], *, request: InferRequest, name: str, revision: str
) -> InferResponse:
    """The answer, with the revision as the model's version."""
    scores = np.array([found.risk_score for found in predictions])
    levels = np.array([found.risk_level.encode() for found in predictions], dtype=np.object_)
    outputs = []
    binary = request.use_binary_outputs
    for output, datatype, values in (("risk_score", "FP64", scores), ("risk_level", "BYTES", levels)):
        tensor = InferOutput(output, list(values.shape), datatype)
        tensor.set_data_from_numpy(values, binary_data=binary)
        outputs.append(tensor)
    return InferResponse(
        response_id=request.id,
        model_name=name,
        model_version=revision,
        infer_outputs=outputs,
        use_binary_outputs=binary,
        requested_outputs=request.request_outputs,
    )


def input_types(features: Sequence[Feature]) -> list[dict[str, Any]]:
    """The tensors that a request may hold, for the metadata of v2."""
    return [{"name": feature.name, "datatype": _datatype(feature), "shape": [-1]} for feature in features]


def output_types() -> list[dict[str, Any]]:
    """The tensors of an answer, for the metadata of v2."""
    return [
        {"name": "risk_score", "datatype": "FP64", "shape": [-1]},
        {"name": "risk_level", "datatype": "BYTES", "shape": [-1]},
    ]


def _datatype(feature: Feature) -> str:
    if isinstance(feature, NumericFeature):
        return "FP64"
    return "BOOL" if isinstance(feature, BooleanFeature) else "BYTES"


def _values(given: InferInput) -> list[Any]:
    if given._raw_data is None and isinstance(given.data, list):
        values = given.data
    else:
        values = given.as_numpy().ravel().tolist()
    return [value.decode() if isinstance(value, bytes) else value for value in values]
