"""Many records at once: from what callers send to typed columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from operator import itemgetter
from typing import Any, ClassVar, Final, Literal, Union

import msgspec
import numpy as np
from numpy.typing import NDArray

from churnguard_core.features import BooleanFeature, CategoricalFeature, Feature, NumericFeature
from churnguard_scoring.columns import MISSING_CODE, RecordColumns, RecordLayout
from churnguard_scoring.records import UNSEEN, InvalidRecords, Record, category_lookup, check_records

_FEW_CATEGORIES: Final = 127
"""Up to so many codes, and the missing one, fit a signed byte."""
_MISSING_BYTE: Final = MISSING_CODE % 256


class Row(msgspec.Struct, gc=False):
    """A record that has the features of a model and nothing else; see ``row_type``."""

    places: ClassVar[Mapping[str, str]] = {}
    """Attribute of each feature: a feature's name need not be one."""

    def get(self, name: str, /) -> Any:
        """The value of a field, None when it is missing."""
        place = self.places.get(name)
        return None if place is None else getattr(self, place)


def row_type(features: Sequence[Feature]) -> type[Row]:
    """A type into which JSON can be decoded at once, at two thirds of the cost of a dictionary.

    Decoding fails for unknown fields and most values of a wrong type. Such records are read as dictionaries, which
    ``check_records`` can name the problems of.
    """
    return _row_type(features, text_of=lambda _: str)


def known_row_type(features: Sequence[Feature]) -> type[Row]:
    """As ``row_type``, for records without unseen categories: all records share the text of a category.

    No text is made for a value, and a text that was met before is found faster. Decoding fails for unseen categories.
    """
    return _row_type(
        features, text_of=lambda feature: Literal[feature.categories] if feature.categories else str
    )


def _row_type(
    features: Sequence[Feature], *, text_of: Callable[[CategoricalFeature | BooleanFeature], Any]
) -> type[Row]:
    places = {feature.name: f"f{at}" for at, feature in enumerate(features)}

    def cell(feature: Feature) -> Any:
        if isinstance(feature, NumericFeature):
            return int | float | None
        return Union[text_of(feature), int, float, bool, None]  # noqa: UP007 - one of them is a Literal

    return msgspec.defstruct(
        "FeatureRow",
        [(places[feature.name], cell(feature), None) for feature in features],
        bases=(Row,),
        namespace={"places": places},
        rename={place: name for name, place in places.items()},
        forbid_unknown_fields=True,
        gc=False,
    )  # type: ignore[return-value]  # the base is a Row


class RecordReader:
    """Turns records into typed columns; made once per model, for batches.

    Args:
        features: All features that a record may have.
    """

    def __init__(self, features: Sequence[Feature]) -> None:
        self._features = tuple(features)
        self._names = [feature.name for feature in features]
        self._all_fields = itemgetter(*self._names or [""])
        categorical = {
            at: feature for at, feature in enumerate(features) if not isinstance(feature, NumericFeature)
        }
        self._categorical = [(at, _Codes(feature).__getitem__) for at, feature in categorical.items()]
        self._numeric = [at for at, feature in enumerate(features) if isinstance(feature, NumericFeature)]
        self._layout = RecordLayout(
            features=self._features,
            categories={feature.name: (*feature.categories, UNSEEN) for feature in categorical.values()},
            numbers=tuple(self._names[at] for at in self._numeric),
        )
        self._is_small = all(len(feature.categories) <= _FEW_CATEGORIES for feature in categorical.values())
        self._byte_of = [
            (at, _Codes(feature, missing=_MISSING_BYTE).__getitem__) for at, feature in categorical.items()
        ]

    def columns(self, records: Sequence[Record]) -> RecordColumns:
        """Typed columns of these records.

        Raises:
            InvalidRecords: Values of the wrong type, all of them.
        """
        values = self._transposed(records)
        try:
            codes = self._bytes(values) if self._is_small else self._codes(values, rows=len(records))
            codes = codes.reshape(len(self._categorical), len(records))
            return RecordColumns(self._layout, codes, self._numbers(values, rows=len(records)))
        except (TypeError, ValueError, OverflowError):
            raise InvalidRecords(check_records(self._features, records)) from None

    def _transposed(self, records: Sequence[Record]) -> list[tuple[Any, ...]]:
        """The values of every feature. Record by record, each is fetched into the cache once."""
        if records and isinstance(records[0], Row):
            return list(zip(*map(msgspec.structs.astuple, records), strict=True))  # type: ignore[arg-type]
        if records and len(self._features) > 1:
            try:
                return list(zip(*map(self._all_fields, records), strict=True))  # type: ignore[arg-type]
            except KeyError:
                pass
        return [tuple([record.get(name) for record in records]) for name in self._names]

    def _bytes(self, values: Sequence[Iterable[Any]]) -> NDArray[np.int32]:
        """Codes by way of signed bytes, which Python makes from small numbers at a third of the cost."""
        codes = b"".join([bytes(map(byte_of, values[at])) for at, byte_of in self._byte_of])
        return np.frombuffer(codes, dtype=np.int8).astype(np.int32)

    def _codes(self, values: Sequence[Iterable[Any]], *, rows: int) -> NDArray[np.int32]:
        codes = chain.from_iterable(map(code_of, values[at]) for at, code_of in self._categorical)
        return np.fromiter(codes, dtype=np.int32, count=len(self._categorical) * rows)

    def _numbers(self, values: Sequence[tuple[Any, ...]], *, rows: int) -> NDArray[np.float64]:
        cells = [values[at] for at in self._numeric]
        if not set(map(type, chain.from_iterable(cells))) <= {int, float, type(None)}:
            raise TypeError
        missing = sum(column.count(None) for column in cells)
        if missing:
            table = np.array(cells, dtype=np.float64).reshape(len(cells), rows)  # None becomes NaN
        else:
            table = np.fromiter(chain.from_iterable(cells), np.float64, count=len(cells) * rows)
        if np.count_nonzero(np.isfinite(table)) != table.size - missing:
            raise ValueError
        return table.reshape(len(cells), rows)


def columns_from_records(features: Sequence[Feature], records: Sequence[Record]) -> RecordColumns:
    """Typed columns of these records, once; ``RecordReader`` for more than one batch.

    Raises:
        InvalidRecords: Values of the wrong type, all of them.
    """
    return RecordReader(features).columns(records)


class _Codes(dict[Any, int]):
    """Code of every value of a category; unseen texts have the one after the last, other types none."""

    def __init__(self, feature: CategoricalFeature | BooleanFeature, *, missing: int = MISSING_CODE) -> None:
        super().__init__(category_lookup(feature))
        self[None] = missing
        self._unseen = len(feature.categories)

    def __missing__(self, value: object) -> int:
        if value.__class__ is not str:
            raise TypeError
        return self._unseen
