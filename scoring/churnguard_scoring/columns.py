"""Columns of a table, in the two shapes that an encoder understands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

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


def take(columns: Columns, rows: NDArray[np.intp]) -> dict[str, Column]:
    """The same columns with only these rows."""
    return {name: column.take(rows) for name, column in columns.items()}
