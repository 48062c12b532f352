"""Columns of a table, in the two shapes that an encoder understands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from churnguard_core.features import Feature

MISSING_CODE = -1


@dataclass(frozen=True, eq=False, slots=True)
class NumericColumn:
    """Numbers, one per row; missing is NaN, nothing is infinite."""

    values: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.values)

    def take(self, rows: NDArray[np.intp]) -> NumericColumn:
        """The column of these rows."""
        return NumericColumn(self.values[rows])


@dataclass(frozen=True, eq=False, slots=True)
class CategoricalColumn:
    """Categories, one code per row into ``categories``; missing is ``MISSING_CODE``.

    Booleans are categories too: ``("false", "true")``.
    """

    codes: NDArray[np.int32]
    categories: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.codes)

    def take(self, rows: NDArray[np.intp]) -> CategoricalColumn:
        """The column of these rows, with the same categories."""
        return CategoricalColumn(self.codes[rows], self.categories)


Column: TypeAlias = NumericColumn | CategoricalColumn
Columns: TypeAlias = Mapping[str, Column]


@dataclass(frozen=True, eq=False)
class RecordLayout:
    """Which row of which table holds a feature of :class:`RecordColumns`.

    Attributes:
        features: All of them.
        categories: By categorical feature, in the order of its rows; the unseen category is the last.
        numbers: Names of the numeric features, in the order of their rows.
    """

    features: tuple[Feature, ...]
    categories: Mapping[str, tuple[str, ...]]
    numbers: tuple[str, ...]

    @cached_property
    def row(self) -> Mapping[str, int]:
        """A feature's row in its table."""
        return {name: at for names in (self.categories, self.numbers) for at, name in enumerate(names)}

    @cached_property
    def unseen(self) -> NDArray[np.int32]:
        """The code of the unseen category in each row: shape (categorical features, 1)."""
        last = [len(categories) - 1 for categories in self.categories.values()]
        return np.array(last, dtype=np.int32)[:, np.newaxis]


@dataclass(frozen=True, eq=False, slots=True)
class RecordColumns(Mapping[str, "Column"]):
    """Columns of records: one table of all codes and one of all numbers, a row per feature.

    For a hundred records, one array for each feature would cost as much as its content.
    """

    layout: RecordLayout
    codes: NDArray[np.int32]
    numbers: NDArray[np.float64]

    @property
    def rows(self) -> int:
        """How many records."""
        return int(self.codes.shape[1])

    def __getitem__(self, name: str) -> Column:
        at = self.layout.row[name]
        categories = self.layout.categories.get(name)
        if categories is None:
            return NumericColumn(self.numbers[at])
        return CategoricalColumn(self.codes[at], categories)

    def __iter__(self) -> Iterator[str]:
        return (feature.name for feature in self.layout.features)

    def __len__(self) -> int:
        return len(self.layout.features)


def row_count(columns: Columns) -> int:
    """How many rows the columns have; zero when there are no columns."""
    if isinstance(columns, RecordColumns):
        return columns.rows
    return len(next(iter(columns.values()))) if columns else 0


def take(columns: Columns, rows: NDArray[np.intp]) -> dict[str, Column]:
    """The same columns with only these rows."""
    return {name: column.take(rows) for name, column in columns.items()}
