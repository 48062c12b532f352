"""Bins: every value of a feature that a tree ensemble cannot tell apart shares one.

A split asks ``x < boundary``, so the boundaries that a feature meets anywhere in an ensemble cut its numbers into
intervals; a category is a bin of its own. One value more stands for missing, and one for unseen categories. What the
trees do with a bin is learnt from a *representative* of it, encoded by the encoder itself: the bins hold no second
definition of the encoding.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from churnguard_core.features import BooleanFeature, CategoricalFeature, Feature
from churnguard_scoring.columns import (
    MISSING_CODE,
    CategoricalColumn,
    Column,
    Columns,
    NumericColumn,
    RecordColumns,
    row_count,
)
from churnguard_scoring.records import UNSEEN


@dataclass(frozen=True, eq=False)
class NumericBins:
    """Bins of a number: bin i holds ``cuts[i - 1] <= x < cuts[i]``; the last bin is missing."""

    name: str
    cuts: NDArray[np.float64]

    @property
    def missing(self) -> int:
        """The bin of missing numbers."""
        return len(self.cuts) + 1

    def representatives(self) -> Column:
        """A value of each bin, in order."""
        below = np.nextafter(self.cuts[:1], -np.inf) if len(self.cuts) else np.zeros(1)
        return NumericColumn(np.concatenate([below, self.cuts, [np.nan]]))

    def assign(self, column: Column) -> NDArray[np.intp]:
        """Bin of every row."""
        if not isinstance(column, NumericColumn):
            raise TypeError(f"feature {self.name!r} is numeric, its column is not")
        bins = np.searchsorted(self.cuts, column.values, side="right")
        bins[np.isnan(column.values)] = self.missing
        return bins


@dataclass(frozen=True, eq=False)
class CategoryBins:
    """Bins of a category: one each, then unseen, then missing."""

    feature: CategoricalFeature | BooleanFeature

    @property
    def name(self) -> str:
        """The feature's name."""
        return self.feature.name

    @cached_property
    def _categories(self) -> tuple[str, ...]:
        return (*self.feature.categories, UNSEEN)

    @property
    def unseen(self) -> int:
        """The bin of categories that training did not see."""
        return len(self.feature.categories)

    @property
    def missing(self) -> int:
        """The bin of missing categories."""
        return len(self.feature.categories) + 1

    def representatives(self) -> Column:
        """A value of each bin, in order."""
        codes = np.append(np.arange(self.unseen + 1), MISSING_CODE).astype(np.int32)
        return CategoricalColumn(codes, self._categories)

    def assign(self, column: Column) -> NDArray[np.intp]:
        """Bin of every row; the column may have categories and an order of its own."""
        if not isinstance(column, CategoricalColumn):
            raise TypeError(f"feature {self.name!r} is categorical, its column is not")
        if column.categories == self._categories:
            return np.remainder(column.codes, self.missing + 1, dtype=np.intp)  # the missing code is -1
        known = {category: code for code, category in enumerate(self.feature.categories)}
        lookup = np.empty(len(column.categories) + 1, dtype=np.intp)
        lookup[:-1] = [known.get(category, self.unseen) for category in column.categories]
        lookup[MISSING_CODE] = self.missing
        return lookup[column.codes]


@dataclass(frozen=True, eq=False)
class CategoryTable:
    """The bins of all categories of a model, laid out one after the other.

    Attributes:
        features: All features of the model.
        bins: Of its categorical features, in their order.
        first: Where the bins of each begin.
    """

    features: tuple[Feature, ...]
    bins: tuple[CategoryBins, ...]
    first: tuple[int, ...]

    @cached_property
    def _offsets(self) -> NDArray[np.intp]:
        return np.array(self.first, dtype=np.intp)[:, np.newaxis]

    @cached_property
    def _sizes(self) -> NDArray[np.intp]:
        return np.array([each.missing + 1 for each in self.bins], dtype=np.intp)[:, np.newaxis]

    def places(self, columns: Columns) -> NDArray[np.intp]:
        """Where every value lies: shape (categorical features, rows). Two operations for records of this model."""
        if isinstance(columns, RecordColumns) and columns.layout.features is self.features:
            # The reader's codes are our bins, but for the missing one, -1.
            return np.asarray(np.remainder(columns.codes, self._sizes) + self._offsets)
        found = [each.assign(columns[each.name]) for each in self.bins]
        return np.array(found, dtype=np.intp).reshape(len(found), row_count(columns)) + self._offsets


Bins = NumericBins | CategoryBins
