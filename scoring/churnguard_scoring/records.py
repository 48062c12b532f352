"""Records: what a caller sends. Their types are checked here, every problem at once."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np

from churnguard_core.features import BooleanFeature, CategoricalFeature, Feature, NumericFeature


class Record(Protocol):
    """What a caller sends about one customer: a mapping, or a row of its own type."""

    def get(self, name: str, /) -> Any:
        """The value of a field, None when it is missing."""
        ...


LARGEST: Final = float(np.finfo(np.float64).max)
UNSEEN: Final = "\0unseen"
"""Stands for every category that training did not see; no text from a file can equal it, as NUL is refused."""


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One field of one record that cannot be used."""

    instance: int
    field: str
    message: str

    def __str__(self) -> str:
        return f"instances[{self.instance}].{self.field}: {self.message}"


class InvalidRecords(ValueError):  # noqa: N818 - names what it holds
    """Records with fields of the wrong type; ``problems`` are all of them."""

    def __init__(self, problems: Sequence[FieldProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


def category_lookup(feature: CategoricalFeature | BooleanFeature) -> dict[Any, int]:
    """Code of every value that a caller may send for a category: its text, or the JSON number or boolean it spells."""
    if isinstance(feature, BooleanFeature):
        spellings = {
            spelling: code for code, text in enumerate(feature.categories) for spelling in _cases(text)
        }
        return {**spellings, False: 0, True: 1}
    lookup: dict[Any, int] = {}
    for code, text in enumerate(feature.categories):
        number = _number_spelled(text)
        if number is not None:
            lookup[number] = code
    # Texts last: where a text and a number spell the same, both have the same code anyway.
    lookup.update({text: code for code, text in enumerate(feature.categories)})
    return lookup


def check_records(features: Sequence[Feature], records: Sequence[Record]) -> tuple[FieldProblem, ...]:
    """Every field whose value cannot be used; missing, null and unknown categories can."""
    lookups = {f.name: category_lookup(f) for f in features if not isinstance(f, NumericFeature)}
    return tuple(
        FieldProblem(instance, feature.name, message)
        for instance, record in enumerate(records)
        for feature in features
        if (message := _problem(record.get(feature.name), lookups.get(feature.name))) is not None
    )


def _problem(value: object, lookup: Mapping[Any, int] | None) -> str | None:
    if value is None:
        return None
    if lookup is None:
        return _numeric_problem(value)
    if isinstance(value, str):
        return None
    try:
        known = value in lookup
    except TypeError:
        known = False
    return None if known else f"expected a text, got {_kind(value)}"


def _numeric_problem(value: object) -> str | None:
    if value.__class__ is not int and value.__class__ is not float:
        return f"expected a number, got {_kind(value)}"
    assert isinstance(value, int | float)  # noqa: S101 - for the type checker
    if not -LARGEST <= value <= LARGEST:
        return "expected a finite number"
    return None


def _kind(value: object) -> str:
    names = {
        str: "a string",
        bool: "a boolean",
        int: "a number",
        float: "a number",
        list: "a list",
        dict: "an object",
    }
    return names.get(type(value), type(value).__name__)


def _cases(text: str) -> Iterator[str]:
    yield from (text, text.capitalize(), text.upper())


def _number_spelled(text: str) -> int | float | None:
    """The number whose canonical spelling is this text: ``1`` for "1", none for "01" or "1.0"."""
    try:
        number = float(text)
    except ValueError:
        return None
    if not math.isfinite(number):
        return None
    if number.is_integer() and str(int(number)) == text:
        return int(number)
    return number if repr(number) == text else None
