"""The types of a ChurnModel as plain data, for the parser and the generators to walk.

A thin face over :mod:`msgspec.inspect`: it unwraps ``Metadata`` and ``X | None``, and joins each field with
its default and description.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Final, get_type_hints

import msgspec
from msgspec import NODEFAULT, Struct
from msgspec import inspect as types

MISSING: Final = NODEFAULT


@dataclass(frozen=True, kw_only=True)
class Shape:
    """One type, unwrapped.

    ``expected`` says in words what its pattern wants. ``is_open`` marks a choice that the CRD leaves open.
    ``nullable`` means that Python takes None; the outside leaves such a field away or writes null.
    """

    type: types.Type
    description: str = ""
    expected: str = ""
    nullable: bool = False
    is_open: bool = False


@dataclass(frozen=True, kw_only=True)
class Field:
    """One field of a struct: its name outside, its attribute in Python, and what it takes."""

    name: str
    attribute: str
    shape: Shape
    annotation: Any
    default: Any = MISSING

    @property
    def required(self) -> bool:
        """Whether a document must name it."""
        return self.default is MISSING


@cache
def fields_of(struct: type[Struct]) -> tuple[Field, ...]:
    """The fields of a struct, in order of definition."""
    info = types.type_info(struct)
    if not isinstance(info, types.StructType):
        raise TypeError(f"{struct!r} is no struct")
    hints = get_type_hints(struct, include_extras=True)
    return tuple(
        Field(
            name=field.encode_name,
            attribute=field.name,
            shape=shape_of(field.type),
            annotation=hints[field.name],
            default=_default(field),
        )
        for field in info.fields
    )


def shape_of(type_: types.Type) -> Shape:
    """Unwrap a type of msgspec's."""
    if isinstance(type_, types.Metadata):
        inner = shape_of(type_.type)
        extra = type_.extra or {}
        schema = type_.extra_json_schema or {}
        return Shape(
            type=inner.type,
            description=schema.get("description", inner.description),
            expected=extra.get("expected", inner.expected),
            nullable=inner.nullable,
            is_open=extra.get("open", inner.is_open),
        )
    if isinstance(type_, types.UnionType):
        (item,) = [item for item in type_.types if not isinstance(item, types.NoneType)]
        inner = shape_of(item)
        return Shape(type=inner.type, expected=inner.expected, nullable=True, is_open=inner.is_open)
    return Shape(type=type_)


def plain(value: object) -> Any:
    """A default as JSON would hold it, its own defaults written out, absent fields left away."""
    if isinstance(value, Struct):
        return {
            field.name: plain(getattr(value, field.attribute))
            for field in fields_of(type(value))
            if getattr(value, field.attribute) is not None
        }
    if isinstance(value, (tuple, list)):
        return [plain(item) for item in value]
    return msgspec.to_builtins(value)


def _default(field: types.Field) -> Any:
    if field.default_factory is not NODEFAULT:
        return field.default_factory()
    return field.default
