"""Records: what a caller sends. Their types are checked here, every problem at once."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import itemgetter
from typing import Any, Final, TypeAlias

import numpy as np

from churnguard_core.features import BooleanFeature, CategoricalFeature, Feature, NumericFeature
from churnguard_scoring.columns import MISSING_CODE, CategoricalColumn, Column, NumericColumn

Record: TypeAlias = Mapping[str, Any]

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


class RecordReader:
    """Turns records into typed columns; made once per model, for batches.

    Args:
        features: All features that a record may have.
    """

    def __init__(self, features: Sequence[Feature]) -> None:
        self._features = tuple(features)
        self._all_fields = itemgetter(*[feature.name for feature in features] or [""])
        self._categorical = [
            (feature.name, _Codes(feature).__getitem__, (*feature.categories, UNSEEN))
            for feature in features
            if not isinstance(feature, NumericFeature)
        ]

    def columns(self, records: Sequence[Record]) -> dict[str, Column]:
        """Typed columns of these records.

        Raises:
            InvalidRecords: Values of the wrong type, all of them.
        """
        names = [feature.name for feature in self._features]
        values = dict(zip(names, self._transposed(records), strict=True))
        try:
            columns = self._categorical_columns(values, rows=len(records))
            for feature in self._features:
                if isinstance(feature, NumericFeature):
                    columns[feature.name] = _numeric_column(values[feature.name])
        except (TypeError, ValueError, OverflowError):
            raise InvalidRecords(check_records(self._features, records)) from None
        return columns

    def _transposed(self, records: Sequence[Record]) -> list[tuple[Any, ...]]:
        """The values of every feature. Record by record, each is fetched into the cache once."""
        if records and len(self._features) > 1:
            try:
                return list(zip(*map(self._all_fields, records), strict=True))
            except KeyError:
                pass
        names = [feature.name for feature in self._features]
        return [tuple([record.get(name) for record in records]) for name in names]

    def _categorical_columns(self, values: Mapping[str, tuple[Any, ...]], *, rows: int) -> dict[str, Column]:
        """All categories in one array: for a hundred rows, one for each would cost as much as its content."""
        codes = chain.from_iterable(map(code_of, values[name]) for name, code_of, _ in self._categorical)
        count = len(self._categorical)
        table = np.fromiter(codes, dtype=np.int32, count=count * rows).reshape(count, rows)
        return {
            name: CategoricalColumn(row, categories)
            for row, (name, _, categories) in zip(table, self._categorical, strict=True)
        }


def columns_from_records(features: Sequence[Feature], records: Sequence[Record]) -> dict[str, Column]:
    """Typed columns of these records, once; ``RecordReader`` for more than one batch.

    Raises:
        InvalidRecords: Values of the wrong type, all of them.
    """
    return RecordReader(features).columns(records)


class _Codes(dict[Any, int]):
    """Code of every value of a category; unseen texts have the one after the last, other types none."""

    def __init__(self, feature: CategoricalFeature | BooleanFeature) -> None:
        super().__init__(category_lookup(feature))
        self[None] = MISSING_CODE
        self._unseen = len(feature.categories)

    def __missing__(self, value: object) -> int:
        if value.__class__ is not str:
            raise TypeError
        return self._unseen


def _numeric_column(values: tuple[Any, ...]) -> NumericColumn:
    kinds = set(map(type, values))
    if not kinds <= {int, float, type(None)}:
        raise TypeError
    numbers = np.array(values, dtype=np.float64)  # None becomes NaN
    missing = values.count(None) if type(None) in kinds else 0
    if np.count_nonzero(~np.isfinite(numbers)) != missing:
        raise ValueError
    return NumericColumn(numbers)


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
