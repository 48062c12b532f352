"""The quick way from a document to a ChurnModel: converted whole, then looked over for what msgspec lets pass.

Hardly any document is wrong, and to walk along all its fields takes ten times as long. So this way only tells what
is surely sound. Everything else is left to the walk of :mod:`churnguard_core.churnmodel.parse`, which decides what is
wrong, and says it in words.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from operator import attrgetter
from typing import Any, Final, TypeAlias

import msgspec
from msgspec import Struct
from msgspec import inspect as types

from churnguard_core.churnmodel.rules import rules_of
from churnguard_core.churnmodel.shapes import Shape, fields_of, shape_of
from churnguard_core.churnmodel.types import ChurnModel

Check: TypeAlias = Callable[[Any], bool]

_SCALARS: Final = frozenset({str, int, bool, type(None)})


def converted(document: dict[Any, Any]) -> ChurnModel | None:
    """The ChurnModel that a document holds; None when something is, or may be, wrong with it.

    Args:
        document: Of a ChurnModel's own fields alone, without what Kubernetes adds.
    """
    try:
        model = msgspec.convert(document, ChurnModel)
    except msgspec.ValidationError:
        return None
    # What fits the types is no deeper than they are: only now is the document sure to end.
    return model if _is_plain(document) and _check_of_struct(ChurnModel)(model) else None


def _is_plain(value: Any) -> bool:
    """Whether all is of the kinds that JSON has and ChurnModels use; msgspec takes 2.0 for 2 and a set for a list."""
    kind = type(value)
    if kind is dict:
        value = value.values()
    elif kind is not list:
        return kind in _SCALARS
    return all(type(item) in _SCALARS or _is_plain(item) for item in value)


@cache
def _check_of_struct(struct: type[Struct]) -> Check:
    """Judges a part by what msgspec has not judged to the end: rules, and some of the parts in it."""
    checks = [(field.attribute, _check_of(field.shape)) for field in fields_of(struct)]
    left = [(attribute, check) for attribute, check in checks if check is not _nothing_left]
    rules = [(_reading(rule.reads), rule.holds) for rule in rules_of(struct)]

    def is_sound(part: Struct) -> bool:
        for attribute, check in left:
            value = getattr(part, attribute)
            if value is not None and not check(value):
                return False
        return all(holds(*read(part)) for read, holds in rules)

    return is_sound if left or rules else _nothing_left


def _reading(attributes: tuple[str, ...]) -> Callable[[Struct], tuple[Any, ...]]:
    read = attrgetter(*attributes)
    # Of one attribute it gives the value alone.
    return read if len(attributes) > 1 else lambda part: (read(part),)


def _check_of(shape: Shape) -> Check:
    match shape.type:
        case types.StructType(cls=struct):
            return _check_of_struct(struct)
        case types.StrType(pattern=str()):
            return _ends_where_it_seems
        case types.VarTupleType(item_type=item):
            return _check_of_list(shape_of(item))
        case types.DictType(key_type=key, value_type=value):
            return _check_of_map(_check_of(shape_of(key)), _check_of(shape_of(value)))
    return _nothing_left


def _check_of_list(item: Shape) -> Check:
    check = _check_of(item)
    if isinstance(item.type, types.StructType):
        return lambda parts: all(map(check, parts))
    # Lists of words are sets.
    return lambda words: len(set(words)) == len(words) and all(map(check, words))


def _check_of_map(key: Check, value: Check) -> Check:
    return lambda mapping: all(map(key, mapping)) and all(map(value, mapping.values()))


def _ends_where_it_seems(text: str) -> bool:
    # In Python the final $ of a pattern also matches before a line feed.
    return not text.endswith("\n")


def _nothing_left(_: object) -> bool:
    return True
