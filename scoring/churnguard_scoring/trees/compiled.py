"""A tree ensemble, ready to answer."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from churnguard_core.features import Feature, NumericFeature
from churnguard_scoring.binning import Bins, CategoryBins, NumericBins
from churnguard_scoring.columns import Columns
from churnguard_scoring.encoder import Encoder
from churnguard_scoring.models import Trees
from churnguard_scoring.records import LARGEST, InvalidRecords, Record, category_lookup, check_records
from churnguard_scoring.trees.leaves import group_leaves
from churnguard_scoring.trees.packs import pack_groups
from churnguard_scoring.trees.program import Layout, ReasonProgram, ScoreProgram, answers
from churnguard_scoring.trees.tables import reason_tables, score_table

SCORE_CONDITIONS = 8
"""Conditions per pack for scores: a pattern is one byte."""
REASON_CONDITIONS = 6
"""Fewer for reasons: their tables have a column per feature and should stay in the processor's cache."""
BLOCK_ROWS = 256
"""Records per block of a batch: its intermediate arrays stay in the processor's cache."""

_Category = tuple[str, Callable[[Any], int | None], int]
"""A feature's name, the row of each value (missing included), and the row of unseen ones."""
_Number = tuple[str, list[float], int, int]
"""A feature's name, its cuts, the row of its first bin, and the row of missing."""


class CompiledTrees:
    """Scores and Shapley values of a tree ensemble in its own space, before calibration.

    Args:
        trees: The ensemble.
        encoder: Its encoder; numbers must reach trees untransformed.
        features: All features that a record may have, used by the ensemble or not; their types are checked.
        on_unseen: Called with a feature's name for each unseen category met by the per-record path.
    """

    def __init__(
        self, *, trees: Trees, encoder: Encoder, features: Sequence[Feature], on_unseen: Callable[[str], None]
    ) -> None:
        self._trees = trees
        self._encoder = encoder
        self._features = tuple(features)
        self._on_unseen = on_unseen
        self._layout = Layout.of(_bins(trees, encoder, features), features=self._features)
        self._categories = tuple(_categories(self._layout, features))
        self._numbers = tuple(_numbers(self._layout, features))
        groups = group_leaves(trees, limit=SCORE_CONDITIONS)
        self.baseline = trees.base + sum(leaf.expected for group in groups for leaf in group.leaves)
        tables = [score_table(pack) for pack in pack_groups(groups, limit=SCORE_CONDITIONS)]
        self._score = ScoreProgram.of(tables, answers(self._layout, tables, encoder))

    @property
    def space(self) -> str:
        """Where leaves are added up: log-odds or probability."""
        return self._trees.space

    @cached_property
    def _reason(self) -> ReasonProgram:
        depth = _longest_path(self._trees)
        limit = max(REASON_CONDITIONS, depth)
        packs = pack_groups(group_leaves(self._trees, limit=limit), limit=limit)
        position = {feature.name: at for at, feature in enumerate(self._features)}
        owner = [position[output.feature] for output in self._encoder.outputs]
        tables = reason_tables(packs, feature_of_output=owner)
        return ReasonProgram.of(tables, answers(self._layout, tables, self._encoder))

    @cached_property
    def _reason_names(self) -> list[str]:
        return [self._features[at].name for at in self._reason.features]

    def prepare_reasons(self) -> None:
        """Build the reason tables now rather than at the first explanation."""
        _ = self._reason_names

    def raw(self, record: Record) -> float:
        """Raw score of one record; InvalidRecords when a field's type is wrong."""
        return self._trees.base + self._score.one(self._rows(record))

    def reasons(self, record: Record) -> list[tuple[str, float]]:
        """Shapley value of every feature that the ensemble uses; with ``baseline`` they add up to the raw score."""
        program = self._reason
        values = program.one(self._rows(record)).tolist()
        return list(zip(self._reason_names, values, strict=True))

    def raw_many(self, columns: Columns) -> NDArray[np.float64]:
        """Raw scores of all rows."""
        rows = self._layout.rows_of(columns)
        scores = np.empty(rows.shape[1])
        for start in range(0, len(scores), BLOCK_ROWS):
            block = slice(start, start + BLOCK_ROWS)
            scores[block] = self._score.block(rows[:, block])
        return scores + self._trees.base

    def reasons_many(self, columns: Columns) -> NDArray[np.float64]:
        """Shapley values of all rows: shape (rows, features), zero for features that are not used."""
        program, rows = self._reason, self._layout.rows_of(columns)
        values = np.zeros((rows.shape[1], len(self._features)))
        for start in range(0, len(values), BLOCK_ROWS):
            block = slice(start, start + BLOCK_ROWS)
            values[block, program.features] = program.block(rows[:, block])
        return values

    def _rows(self, record: Record) -> list[int]:
        # The hot path: each value straight to its row, in any order. Anything odd goes to check_records, which finds
        # every problem and names it.
        get = record.get
        try:
            rows: list[Any] = [row_of(get(name)) for name, row_of, _ in self._categories]
            if None in rows:
                rows = self._with_unseen(record, rows)
            for name, cuts, first, missing in self._numbers:
                value = get(name)
                if value is None:
                    rows.append(missing)
                    continue
                kind = value.__class__
                if (kind is not float and kind is not int) or not -LARGEST <= value <= LARGEST:
                    raise TypeError
                rows.append(first + bisect_right(cuts, value))
        except TypeError:
            raise InvalidRecords(check_records(self._features, [record])) from None
        return rows

    def _with_unseen(self, record: Record, found: list[int | None]) -> list[int]:
        rows = []
        for row, (name, _, unseen) in zip(found, self._categories, strict=True):
            if row is None and record.get(name).__class__ is not str:
                raise TypeError
            rows.append(unseen if row is None else row)
        for row, (name, _, _) in zip(found, self._categories, strict=True):
            if row is None:
                self._on_unseen(name)
        return rows


def _bins(trees: Trees, encoder: Encoder, features: Sequence[Feature]) -> list[Bins]:
    cuts: dict[str, set[float]] = {}
    for output, boundary in zip(trees.output, trees.boundary, strict=True):
        if output >= 0:
            cuts.setdefault(encoder.outputs[output].feature, set()).add(boundary)
    return [
        NumericBins(feature.name, np.array(sorted(cuts.get(feature.name, ()))))
        if isinstance(feature, NumericFeature)
        else CategoryBins(feature)
        for feature in features
    ]


def _categories(layout: Layout, features: Sequence[Feature]) -> Iterator[_Category]:
    for feature, bins, first in zip(features, layout.bins, layout.first, strict=True):
        if isinstance(bins, CategoryBins) and not isinstance(feature, NumericFeature):
            rows = {value: first + code for value, code in category_lookup(feature).items()}
            yield feature.name, {**rows, None: first + bins.missing}.get, first + bins.unseen


def _numbers(layout: Layout, features: Sequence[Feature]) -> Iterator[_Number]:
    for feature, bins, first in zip(features, layout.bins, layout.first, strict=True):
        if isinstance(bins, NumericBins):
            yield feature.name, bins.cuts.tolist(), first, first + bins.missing


def _longest_path(trees: Trees) -> int:
    longest, stack = 0, [(root, 0) for root in trees.roots]
    while stack:
        at, depth = stack.pop()
        longest = max(longest, depth)
        if trees.output[at] >= 0:
            stack += [(trees.left[at], depth + 1), (trees.right[at], depth + 1)]
    return longest
