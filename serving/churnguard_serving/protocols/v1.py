"""The body of a v1 request: ``{"instances": [{...}, ...]}``."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct

from churnguard_core.features import Feature
from churnguard_scoring.reader import Row, known_row_type, row_type
from churnguard_scoring.records import Record
from churnguard_serving.predictor import Instance
from churnguard_serving.problems import BadRequest, Problem
from churnguard_serving.settings import Limits

_EXPECTED: Final = 'expected {"instances": [{...}, ...]}'
MOST_DEPTH: Final = 32
MANY_BYTES: Final = 4096
"""Shorter bodies hold few instances: dictionaries are answered one by one, which is faster."""

_STRINGS: Final = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_BRACKETS: Final = re.compile(rb"[\[\]{}]")


class _Body(Struct):
    instances: list[Instance]


_decode = msgspec.json.Decoder(_Body).decode


class InstanceReader:
    """Reads instances of one model; made once.

    Args:
        features: All features that an instance may have.
    """

    def __init__(self, features: Sequence[Feature]) -> None:
        # The fastest first: it reads what most callers send.
        self._decoders = [_decoder_of(row) for row in (known_row_type(features), row_type(features))]

    def read(self, body: bytes, *, limits: Limits) -> Sequence[Record]:
        """The instances of a body: rows when there are many and all is as it should be, else dictionaries.

        Raises:
            BadRequest: As :func:`read_instances`.
        """
        if len(body) < MANY_BYTES:
            return read_instances(body, limits=limits)
        for decode in self._decoders:
            try:
                rows: list[Row] = decode(body).instances
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                continue
            check_count(len(rows), limits=limits)
            return rows
        return read_instances(body, limits=limits)


def _decoder_of(row: type[Row]) -> Callable[[bytes], Any]:
    fields = [("instances", list[row])]  # type: ignore[valid-type]
    body = msgspec.defstruct("RowsBody", fields, forbid_unknown_fields=True)
    return msgspec.json.Decoder(body).decode


def read_instances(body: bytes, *, limits: Limits) -> list[Instance]:
    """The instances of a body.

    Raises:
        BadRequest: It is no JSON, has no instances, none or too many, or some are no objects.
    """
    try:
        instances = _decode(body).instances
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        instances = _find_instances(read_json(body))
    check_depth(body, parts=len(instances))
    check_count(len(instances), limits=limits)
    return instances


def check_depth(body: bytes, *, parts: int) -> None:
    """Raise BadRequest for JSON that is nested deeper than any request; how deep decoders go differs by Python.

    Args:
        body: JSON that was decoded.
        parts: Instances or tensors in it; each opens at most three brackets.
    """
    if body.count(b"[") + body.count(b"{") <= 3 * parts + MOST_DEPTH:
        return
    depth = deepest = 0
    for bracket in _BRACKETS.findall(_STRINGS.sub(b"", body)):
        depth += 1 if bracket in b"[{" else -1
        deepest = max(deepest, depth)
    if deepest > MOST_DEPTH:
        raise _too_deep()


def _too_deep() -> BadRequest:
    return BadRequest("the body is nested too deeply")


def check_count(count: int, *, limits: Limits) -> None:
    """Raise BadRequest for no instance, or for more than a request may have."""
    if not count:
        raise BadRequest("there are no instances: the list is empty")
    if count > limits.max_instances:
        problem = f"{count} instances in one request; at most {limits.max_instances} are answered"
        raise BadRequest(problem, status=413)


def read_json(body: bytes) -> Any:
    """What a body holds that the fast decoder refused.

    NaN and Infinity are no JSON, but they are read here, so that the answer can name their fields.
    """
    try:
        document = json.loads(body.decode())
        if b"\\u" in body:
            json.dumps(document, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        # No answer could repeat it.
        raise BadRequest("the body is not JSON: it escapes half of a surrogate pair") from None
    except UnicodeDecodeError as error:
        raise BadRequest(f"the body is not UTF-8 (byte {error.start})") from None
    except RecursionError:
        raise _too_deep() from None
    except ValueError as error:
        raise BadRequest(f"the body is not JSON: {error}") from None
    check_depth(body, parts=0)
    return document


def _find_instances(document: Any) -> list[Instance]:
    if not isinstance(document, dict):
        raise BadRequest(f"the body is {kind(document)}; {_EXPECTED}")
    if "instances" not in document:
        raise BadRequest(f"the body has no instances; {_EXPECTED}")
    instances = document["instances"]
    if not isinstance(instances, list):
        raise BadRequest(f"instances is {kind(instances)}; {_EXPECTED}")
    problems = [
        Problem(instance=at, message=f"expected an object with fields, got {kind(instance)}")
        for at, instance in enumerate(instances)
        if not isinstance(instance, dict)
    ]
    if problems:
        raise BadRequest("some instances are no objects", problems=problems)
    return instances


def kind(value: object) -> str:
    """What a JSON value is, in words."""
    kinds: dict[type, str] = {
        str: "a string",
        bool: "a boolean",
        int: "a number",
        float: "a number",
        list: "a list",
        dict: "an object",
    }
    return kinds.get(type(value), "null")
