"""The bodies of a v2 inference request: a named tensor per feature, as JSON or as KServe's binary extension."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from msgspec import Struct

from churnguard_serving.predictor import Instance, Prediction
from churnguard_serving.problems import MOST_NAME, BadRequest, Problem
from churnguard_serving.protocols.v1 import check_count, check_depth, kind, read_json
from churnguard_serving.settings import Limits

_INTEGERS: Final = frozenset({"INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64"})
_FLOATS: Final = frozenset({"FP16", "FP32", "FP64"})
_TYPES: Final[dict[str, frozenset[type]]] = {
    "BOOL": frozenset({bool, type(None)}),
    "BYTES": frozenset({str, type(None)}),
    **dict.fromkeys(_INTEGERS, frozenset({int, type(None)})),
    **dict.fromkeys(_FLOATS, frozenset({int, float, type(None)})),
}


class Tensor(Struct, frozen=True):
    """A named input: one value per instance, of shape [n] or [n, 1]."""

    name: str
    shape: list[int]
    datatype: str
    data: list[Any]


class _Body(Struct, frozen=True):
    inputs: list[Tensor]
    id: str = ""


class _Output(Struct, frozen=True):
    name: str
    datatype: str
    shape: tuple[int]
    data: list[Any]


class _Answer(Struct, frozen=True):
    model_name: str
    model_version: str
    id: str
    outputs: tuple[_Output, _Output]


@dataclass(frozen=True)
class Inference:
    """A v2 request: the caller's id, empty when there is none, and its instances."""

    id: str
    instances: list[Instance]


_decode = msgspec.json.Decoder(_Body).decode


def read_inference(body: bytes, *, limits: Limits) -> Inference:
    """The instances of a JSON body.

    Raises:
        BadRequest: It is no JSON or no v2 request, or its tensors do not fit together.
    """
    try:
        decoded = _decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        decoded = _find_inputs(read_json(body))
    check_depth(body, parts=len(decoded.inputs))
    return Inference(decoded.id, instances_of(decoded.inputs, limits=limits))


def instances_of(tensors: Sequence[Tensor], *, limits: Limits) -> list[Instance]:
    """One instance per row of the tensors.

    Raises:
        BadRequest: Tensors of unequal length, unknown datatype, or with data that are not of it; all of them.
    """
    if not tensors:
        raise BadRequest("there are no inputs; expected one tensor per feature")
    names = [tensor.name for tensor in tensors]
    counts = {len(tensor.data) for tensor in tensors}
    problems = [problem for tensor in tensors for problem in _problems(tensor, rows=max(counts))]
    problems += [_problem(name, "given twice") for name in dict.fromkeys(names) if names.count(name) > 1]
    if problems:
        raise BadRequest("some inputs cannot be used", problems=problems)
    check_count(max(counts), limits=limits)
    rows = zip(*(tensor.data for tensor in tensors), strict=True)
    return [dict(zip(names, row, strict=True)) for row in rows]


def write_inference(predictions: Sequence[Prediction], *, name: str, revision: str, id: str) -> bytes:  # noqa: A002
    """The answer's body: tensors ``risk_score`` and ``risk_level``; the revision is the model's version."""
    rows = len(predictions)
    score = _Output("risk_score", "FP64", (rows,), [found.risk_score for found in predictions])
    level = _Output("risk_level", "BYTES", (rows,), [found.risk_level for found in predictions])
    return msgspec.json.encode(_Answer(name, revision, id, (score, level)))


def _problems(tensor: Tensor, *, rows: int) -> list[Problem]:
    allowed = _TYPES.get(tensor.datatype)
    count = len(tensor.data)
    found = []
    if allowed is None:
        found.append(f"unknown datatype {tensor.datatype[:MOST_NAME]!r}; expected one of {', '.join(_TYPES)}")
    elif not set(map(type, tensor.data)) <= allowed:
        found.append(f"holds values that are no {tensor.datatype}")
    if tensor.shape not in ([count], [count, 1]):
        found.append(f"shape {tensor.shape[:4]} does not fit {count} values; expected [{count}]")
    if count != rows:
        found.append(f"has {count} values, another input {rows}")
    return [_problem(tensor.name, message) for message in found]


def _problem(name: str, message: str) -> Problem:
    return Problem(field=name[:MOST_NAME], message=message)


def _find_inputs(document: Any) -> _Body:
    """The request of a document that the fast decoder refused, or every reason why it is none."""
    expected = 'expected {"inputs": [{"name", "shape", "datatype", "data"}, ...]}'
    if not isinstance(document, dict):
        raise BadRequest(f"the body is {kind(document)}; {expected}")
    inputs = document.get("inputs")
    if not isinstance(inputs, list):
        raise BadRequest(f"inputs is {kind(inputs) if inputs is not None else 'missing'}; {expected}")
    problems = [problem for at, tensor in enumerate(inputs) for problem in _wrong_input(tensor, at=at)]
    identifier = document.get("id")
    if identifier is not None and not isinstance(identifier, str):
        problems.append(_problem("id", f"expected a string, got {kind(identifier)}"))
    if problems:
        raise BadRequest(f"this is no v2 request; {expected}", problems=problems)
    tensors = [Tensor(*(tensor[key] for key in Tensor.__struct_fields__)) for tensor in inputs]
    return _Body(tensors, identifier or "")


def _wrong_input(tensor: Any, *, at: int) -> list[Problem]:
    if not isinstance(tensor, dict):
        return [_problem(f"inputs[{at}]", f"expected an object, got {kind(tensor)}")]
    wanted = {"name": (str, "a string"), "datatype": (str, "a string"), "data": (list, "a list")}
    name = tensor.get("name")
    label = name if isinstance(name, str) else f"inputs[{at}]"
    problems = [
        _problem(label, f"{key}: expected {text}, got {_got(tensor, key)}")
        for key, (type_, text) in wanted.items()
        if not isinstance(tensor.get(key), type_)
    ]
    shape = tensor.get("shape")
    if not isinstance(shape, list) or not all(type(size) is int for size in shape):
        problems.append(_problem(label, f"shape: expected a list of numbers, got {_got(tensor, 'shape')}"))
    return problems


def _got(tensor: dict[str, Any], key: str) -> str:
    return kind(tensor[key]) if key in tensor else "nothing"
