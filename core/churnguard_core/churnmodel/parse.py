"""From a decoded YAML or JSON document to a ChurnModel, with every problem at once.

A document that is surely sound is converted at once (:mod:`churnguard_core.churnmodel.conversion`). Any other is walked
along the types, because ``msgspec.convert`` stops at the first error and names no unknown field's neighbour; one that
turns out sound after all, with nulls in it say, is converted then. The walk follows the types, not the document: its
depth and length are bounded whatever the document holds, even itself.

Null means absent, as for the API server.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Any, Final

import msgspec
from msgspec import Struct
from msgspec import inspect as types

from churnguard_core.churnmodel.conversion import converted
from churnguard_core.churnmodel.problems import (
    InvalidChurnModel,
    Problem,
    child,
    entry,
    kind,
    not_a_choice,
    not_a_string,
    show,
    unknown_field,
)
from churnguard_core.churnmodel.rules import Rule, rules_of
from churnguard_core.churnmodel.shapes import Field, Shape, fields_of, shape_of
from churnguard_core.churnmodel.types import ChurnModel, Metadata
from churnguard_core.names import API_VERSION, KIND

_METADATA: Final = tuple(field.name for field in fields_of(Metadata))

MOST_UNKNOWN: Final = 20
"""Unknown fields reported per mapping; the rest are counted."""


def parse_churnmodel(data: object) -> ChurnModel:
    """Parse a document that a YAML or JSON decoder has read; ``status`` and further metadata are ignored.

    Raises:
        InvalidChurnModel: with all problems, each naming the path of its field.
    """
    if not isinstance(data, dict):
        message = f"expected a ChurnModel with apiVersion, kind, metadata and spec; got {kind(data)}"
        raise InvalidChurnModel([Problem("", message)])
    # In another kind of object every other field would be wrong too.
    if problems := _identity(data):
        raise InvalidChurnModel(problems)
    document = {key: value for key, value in data.items() if key != "status"}
    if isinstance(metadata := data.get("metadata"), dict):
        document["metadata"] = {name: metadata[name] for name in _METADATA if name in metadata}
    return converted(document) or _walked(document)


def _walked(document: dict[Any, Any]) -> ChurnModel:
    if problems := _struct(document, struct=ChurnModel, path=""):
        raise InvalidChurnModel(problems)
    return msgspec.convert(_without_nulls(document), ChurnModel)


def _identity(data: dict[Any, Any]) -> list[Problem]:
    expected = {"apiVersion": API_VERSION, "kind": KIND}
    return [
        Problem(
            name,
            f"required: {wanted}" if data.get(name) is None else f"expected {wanted}, got {show(data[name])}",
        )
        for name, wanted in expected.items()
        if data.get(name) != wanted
    ]


def _walk(value: object, *, shape: Shape, path: str) -> list[Problem]:
    match shape.type:
        case types.StructType(cls=struct):
            return _struct(value, struct=struct, path=path)
        case types.StrType() as text:
            return _one(path, _text(value, text=text, expected=shape.expected))
        case types.IntType() as number:
            return _one(path, _integer(value, number=number))
        case types.BoolType():
            return _one(path, "" if isinstance(value, bool) else f"expected true or false, got {show(value)}")
        case types.LiteralType(values=values):
            choices = [str(choice) for choice in values]
            return _one(path, "" if value in choices else not_a_choice(value, allowed=choices))
        case types.VarTupleType() as items:
            return _list(value, items=items, path=path)
        case types.DictType() as mapping:
            return _map(value, mapping=mapping, path=path)
    raise TypeError(f"no walk for {shape.type!r}")


def _struct(value: object, *, struct: type[Struct], path: str) -> list[Problem]:
    if not isinstance(value, dict):
        return [Problem(path, f"expected a mapping, got {kind(value)}")]
    fields = fields_of(struct)
    problems = _unknown(value, struct=struct, path=path)
    broken = set()
    for field in fields:
        found = _field(value.get(field.name), field=field, path=child(path, field.name))
        problems += found
        broken |= {field.attribute} if found else set()
    return problems + [
        Problem(path, rule.message)
        for rule in rules_of(struct)
        if broken.isdisjoint(rule.reads) and not _holds(rule, value)
    ]


def _field(value: object, *, field: Field, path: str) -> list[Problem]:
    if value is None:
        return [Problem(path, "required")] if field.required else []
    return _walk(value, shape=field.shape, path=path)


def _unknown(value: dict[Any, Any], *, struct: type[Struct], path: str) -> list[Problem]:
    known = [field.name for field in fields_of(struct)]
    unknown = [key for key in value if key not in known]
    problems = [Problem(child(path, key), unknown_field(key, known=known)) for key in unknown[:MOST_UNKNOWN]]
    if len(unknown) > MOST_UNKNOWN:
        problems.append(Problem(path, f"and {len(unknown) - MOST_UNKNOWN} more unknown fields"))
    return problems


def _holds(rule: Rule, value: dict[Any, Any]) -> bool:
    """Judge a rule on a mapping whose fields that it reads have been found sound."""
    fields = {field.attribute: field for field in fields_of(rule.part)}
    return rule.holds(*(_parsed(value, field=fields[attribute]) for attribute in rule.reads))


def _parsed(value: dict[Any, Any], *, field: Field) -> object:
    given = value.get(field.name)
    return field.default if given is None else msgspec.convert(_without_nulls(given), field.annotation)


def _list(value: object, *, items: types.VarTupleType, path: str) -> list[Problem]:
    if not isinstance(value, (list, tuple)):
        hint = f"; write [{show(value)}]" if isinstance(value, str) else ""
        return [Problem(path, f"expected a list, got {kind(value)}{hint}")]
    if wrong := _size(len(value), low=items.min_length, high=items.max_length, unit="entries"):
        return [Problem(path, wrong)]
    item = shape_of(items.item_type)
    problems = [
        problem
        for index, element in enumerate(value)
        for problem in _walk(element, shape=item, path=f"{path}[{index}]")
    ]
    return problems + _repeated(value, path=path)


def _repeated(value: Iterable[object], *, path: str) -> list[Problem]:
    """Lists of words are sets."""
    seen: set[str] = set()
    problems = []
    for index, element in enumerate(value):
        if isinstance(element, str):
            if element in seen:
                problems.append(Problem(f"{path}[{index}]", f"{show(element)} is in the list already"))
            seen.add(element)
    return problems


def _map(value: object, *, mapping: types.DictType, path: str) -> list[Problem]:
    if not isinstance(value, dict):
        return [Problem(path, f"expected a mapping, got {kind(value)}")]
    if wrong := _size(len(value), low=mapping.min_length, high=mapping.max_length, unit="entries"):
        return [Problem(path, wrong)]
    key_shape, value_shape = shape_of(mapping.key_type), shape_of(mapping.value_type)
    problems = []
    for key, element in value.items():
        here = entry(path, key)
        problems += _walk(key, shape=key_shape, path=here) + _walk(element, shape=value_shape, path=here)
    return problems


def _text(value: object, *, text: types.StrType, expected: str) -> str:
    if not isinstance(value, str):
        return not_a_string(value)
    if wrong := _size(len(value), low=text.min_length, high=text.max_length, unit="characters"):
        return wrong
    if text.pattern is not None and not _compiled(text.pattern).search(value):
        return f"expected {expected}; got {show(value)}"
    return ""


def _integer(value: object, *, number: types.IntType) -> str:
    if isinstance(value, bool) or not isinstance(value, int):
        return f"expected a whole number, got {show(value)}"
    if number.ge is not None and value < number.ge:
        return f"must be at least {number.ge}, got {show(value)}"
    if number.le is not None and value > number.le:
        return f"must be at most {number.le}, got {show(value)}"
    return ""


def _size(size: int, *, low: int | None, high: int | None, unit: str) -> str:
    if low is not None and size < low:
        return "must not be empty" if low == 1 else f"must have at least {low} {unit}, has {size}"
    if high is not None and size > high:
        return f"must have at most {high} {unit}, has {size}"
    return ""


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    # In Python a final $ also matches before a line feed; in the API server's RE2 it does not.
    return re.compile(pattern.removesuffix("$") + r"\Z", re.ASCII)


def _one(path: str, message: str) -> list[Problem]:
    return [Problem(path, message)] if message else []


def _without_nulls(value: object) -> object:
    """A sound document without the entries that are null; only sound ones are sure to end."""
    if isinstance(value, dict):
        return {key: _without_nulls(element) for key, element in value.items() if element is not None}
    if isinstance(value, (list, tuple)):
        return [_without_nulls(element) for element in value]
    return value
