"""Programs: what runs at request time, a few operations on small tables.

For a block of records these are array operations. For one record the patterns of all packs are one long integer:
an array operation on a few bytes costs ten times as much as OR-ing such integers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from operator import getitem, or_

import numpy as np
from numpy.typing import NDArray

from churnguard_core.features import Feature
from churnguard_scoring.binning import Bins, CategoryBins, CategoryTable, NumericBins
from churnguard_scoring.columns import Columns, row_count
from churnguard_scoring.encoder import Encoder, encode_outputs
from churnguard_scoring.trees.leaves import Condition
from churnguard_scoring.trees.tables import PackTable

FEW_PACKS = 32
"""So many entries are added up faster in Python than by calling array operations."""

Bytes = NDArray[np.uint8]
Rows = NDArray[np.intp]
"""Shape (features, records), the features in any order: rows of the byte table."""
CACHED_BYTES = 2**19
"""So many bytes are gathered at once: they stay in the processor's cache."""


@dataclass(frozen=True, eq=False)
class Layout:
    """Rows of the byte table: feature f's bins are the rows from ``first[f]`` on."""

    bins: tuple[Bins, ...]
    first: tuple[int, ...]
    rows: int
    categories: CategoryTable

    @classmethod
    def of(cls, bins: Sequence[Bins], *, features: tuple[Feature, ...]) -> Layout:
        """Lay the features' bins out one after the other."""
        sizes = [feature.missing + 1 for feature in bins]
        first = np.concatenate([[0], np.cumsum(sizes)]).astype(int).tolist()
        chosen = [(each, at) for each, at in zip(bins, first, strict=False) if isinstance(each, CategoryBins)]
        table = CategoryTable(features, tuple(each for each, _ in chosen), tuple(at for _, at in chosen))
        return cls(tuple(bins), tuple(first[:-1]), first[-1], table)

    @cached_property
    def _numbers(self) -> list[tuple[NumericBins, int]]:
        pairs = zip(self.bins, self.first, strict=True)
        return [(bins, first) for bins, first in pairs if isinstance(bins, NumericBins)]

    def rows_of(self, columns: Columns) -> Rows:
        """The row of each feature and record."""
        rows = np.empty((len(self.bins), row_count(columns)), dtype=np.intp)
        count = len(self.categories.bins)
        rows[:count] = self.categories.places(columns)
        for row, (bins, first) in zip(rows[count:], self._numbers, strict=True):
            np.add(bins.assign(columns[bins.name]), first, out=row)
        return rows


def answers(layout: Layout, tables: Sequence[PackTable], encoder: Encoder) -> Bytes:
    """Byte table: entry (row, pack) holds the bits of the pack's pattern that this bin fixes."""
    asked: dict[str, dict[Condition, list[tuple[int, int]]]] = {}
    for pack, table in enumerate(tables):
        for bit, condition in enumerate(table.conditions):
            feature = encoder.outputs[condition[0]].feature
            asked.setdefault(feature, {}).setdefault(condition, []).append((pack, bit))
    lookup = np.zeros((layout.rows, len(tables)), dtype=np.uint8)
    for bins, first in zip(layout.bins, layout.first, strict=True):
        representatives = bins.representatives()
        block = lookup[first : first + len(representatives)]
        outputs = {position: None for position, _, _ in asked.get(bins.name, {})}
        for position in outputs:
            encoded = encode_outputs([encoder.outputs[position]], representatives)[:, 0]
            for condition, places in asked[bins.name].items():
                if condition[0] == position:
                    _write_bits(block, _truth(encoded, condition), places)
    return lookup


def _truth(encoded: NDArray[np.float64], condition: Condition) -> Bytes:
    _, boundary, missing_left = condition
    with np.errstate(invalid="ignore"):
        return np.where(np.isnan(encoded), missing_left, encoded < boundary).astype(np.uint8)


def _write_bits(block: Bytes, truth: Bytes, places: Sequence[tuple[int, int]]) -> None:
    for pack, bit in places:
        block[:, pack] |= truth << np.uint8(bit)


@dataclass(frozen=True, eq=False)
class Masks:
    """The rows of a byte table as integers, their first byte lowest."""

    rows: tuple[int, ...]
    size: int

    @classmethod
    def of(cls, lookup: Bytes) -> Masks:
        """Turn every row into an integer."""
        return cls(tuple(int.from_bytes(row.tobytes(), "little") for row in lookup), lookup.shape[1])

    def patterns(self, rows: Sequence[int]) -> bytes:
        """The pattern of every pack for one record, given by its row of each feature."""
        return reduce(or_, map(self.rows.__getitem__, rows), 0).to_bytes(self.size, "little")


@dataclass(frozen=True, eq=False)
class ScoreProgram:
    """Sums of leaves: one table entry per pack."""

    lookup: Bytes
    masks: Masks
    tables: tuple[list[float], ...]
    offsets: NDArray[np.intp]
    values: NDArray[np.float64]
    ones: NDArray[np.float64]

    @classmethod
    def of(cls, tables: Sequence[PackTable], lookup: Bytes) -> ScoreProgram:
        """Put the packs' tables one behind the other."""
        sizes = [table.values.size for table in tables]
        offsets = np.concatenate([[0], np.cumsum(sizes)])[:-1].astype(np.intp)
        values = np.concatenate([table.values.ravel() for table in tables]) if tables else np.zeros(0)
        return cls(
            lookup=lookup,
            masks=Masks.of(lookup),
            tables=tuple(table.values.ravel().tolist() for table in tables[:FEW_PACKS]),
            offsets=offsets,
            values=values,
            ones=np.ones(len(tables)),
        )

    def one(self, rows: Sequence[int]) -> float:
        """Sum for one record, given by its row of each feature."""
        patterns = self.masks.patterns(rows)
        if len(patterns) <= FEW_PACKS:
            return sum(map(getitem, self.tables, patterns))
        pattern = np.frombuffer(patterns, dtype=np.uint8)
        return float(self.values.take(pattern + self.offsets).dot(self.ones))

    def block(self, rows: Rows) -> NDArray[np.float64]:
        """Sums for a block of records."""
        return np.asarray(self.values.take(_patterns(self.lookup, rows) + self.offsets).dot(self.ones))


@dataclass(frozen=True, eq=False)
class ReasonProgram:
    """Shapley values: one table entry per pack and feature in it, the slots sorted by feature."""

    lookup: Bytes
    masks: Masks
    slot_pack: NDArray[np.intp]
    slot_offset: NDArray[np.intp]
    values: NDArray[np.float64]
    starts: NDArray[np.intp]
    features: tuple[int, ...]

    @classmethod
    def of(cls, tables: Sequence[PackTable], lookup: Bytes) -> ReasonProgram:
        """Put the packs' tables one behind the other and sort their slots by feature."""
        slots = sorted(
            (feature, pack, slot)
            for pack, table in enumerate(tables)
            for slot, feature in enumerate(table.features)
        )
        columns = [tables[pack].values[slot] for _, pack, slot in slots]
        offsets = np.concatenate([[0], np.cumsum([len(column) for column in columns])])[:-1]
        features, starts = np.unique([feature for feature, _, _ in slots], return_index=True)
        return cls(
            lookup=lookup,
            masks=Masks.of(lookup),
            slot_pack=np.array([pack for _, pack, _ in slots], dtype=np.intp),
            slot_offset=offsets.astype(np.intp),
            values=np.concatenate(columns) if columns else np.zeros(0),
            starts=starts.astype(np.intp),
            features=tuple(int(feature) for feature in features),
        )

    def one(self, rows: Sequence[int]) -> NDArray[np.float64]:
        """Shapley values of one record by ``features``."""
        pattern = np.frombuffer(self.masks.patterns(rows), dtype=np.uint8)
        reached = self.values.take(pattern.take(self.slot_pack) + self.slot_offset)
        return np.add.reduceat(reached, self.starts) if len(self.starts) else reached

    def block(self, rows: Rows) -> NDArray[np.float64]:
        """Shapley values of a block of records: shape (records, ``features``)."""
        patterns = _patterns(self.lookup, rows)
        reached = self.values.take(patterns.take(self.slot_pack, 1) + self.slot_offset)
        return np.add.reduceat(reached, self.starts, axis=1) if len(self.starts) else reached


def _patterns(lookup: Bytes, rows: Rows) -> Bytes:
    """The patterns of all packs: shape (records, packs)."""
    if rows.size * lookup.shape[1] <= CACHED_BYTES:
        return np.asarray(np.bitwise_or.reduce(lookup.take(rows, 0), axis=0))
    patterns = np.zeros((rows.shape[1], lookup.shape[1]), dtype=np.uint8)
    for row in rows:
        patterns |= lookup.take(row, 0)
    return patterns
