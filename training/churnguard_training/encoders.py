"""Fitting encoders: what the rules of ``churnguard_scoring.encoder`` learn from training rows, and only from them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from churnguard_core.features import (
    BOOLEAN_CATEGORIES,
    BooleanFeature,
    CategoricalFeature,
    Feature,
    NumericFeature,
)
from churnguard_scoring.columns import MISSING_CODE, CategoricalColumn, Column, Columns, NumericColumn
from churnguard_scoring.encoder import Encoder, Interval, Member, Missing, Output, Value, encode_outputs

RARE_ROWS: Final = 20
"""A category seen less often has no estimate worth an input of its own; rare ones share one."""
MOST_CATEGORIES: Final = 64
"""Most inputs of one feature: the most frequent categories get their own, the others share one."""
INTERVALS: Final = 6
"""Quantile intervals per number for linear models: tenure and money act in steps as much as in slopes."""
LOG_SKEWNESS: Final = 1.0
"""Numbers that are never negative and more skewed than this are money or counts: linear models see their log."""


def describe_features(columns: Columns) -> tuple[Feature, ...]:
    """The schema of these columns, in their order."""
    return tuple(_describe(name, column) for name, column in columns.items())


def _describe(name: str, column: Column) -> Feature:
    if isinstance(column, NumericColumn):
        present = column.values[~np.isnan(column.values)]
        return NumericFeature(
            name=name,
            minimum=float(present.min(initial=np.inf)) if len(present) else 0.0,
            maximum=float(present.max(initial=-np.inf)) if len(present) else 0.0,
            missing_share=1 - len(present) / len(column),
        )
    missing = float((column.codes == MISSING_CODE).mean())
    if column.categories == BOOLEAN_CATEGORIES:
        return BooleanFeature(name=name, missing_share=missing)
    seen = np.unique(column.codes[column.codes != MISSING_CODE])
    return CategoricalFeature(
        name=name, categories=tuple(sorted(column.categories[code] for code in seen)), missing_share=missing
    )


def fit_tree_encoder(columns: Columns) -> Encoder:
    """Encoder for trees: numbers as they are, missing included; categories one-hot, rare ones merged."""
    return _fit(columns, lambda name, _: [Value(feature=name)])


def fit_filled_tree_encoder(columns: Columns) -> Encoder:
    """Encoder for trees where a method cannot take missing numbers (SMOTE): the median, and a flag."""
    return _fit(columns, _filled)


def fit_linear_encoder(columns: Columns) -> Encoder:
    """Encoder for linear models and kernels: filled, logged where skewed, standardised, and in intervals too."""
    return _fit(columns, _linear)


def _fit(columns: Columns, numeric: Callable[[str, NDArray[np.float64]], list[Output]]) -> Encoder:
    outputs: list[Output] = []
    for name, column in columns.items():
        if isinstance(column, NumericColumn):
            outputs += numeric(name, column.values)
        else:
            outputs += _members(name, column)
    return Encoder(outputs=tuple(outputs))


def _filled(name: str, values: NDArray[np.float64]) -> list[Output]:
    flag: list[Output] = [Missing(feature=name)] if np.isnan(values).any() else []
    return [Value(feature=name, fill=_median(values)), *flag]


def _linear(name: str, values: NDArray[np.float64]) -> list[Output]:
    present = values[~np.isnan(values)]
    flag: list[Output] = [Missing(feature=name)] if len(present) < len(values) else []
    if len(present) == 0:
        return flag
    plain = Value(feature=name, transform="log" if _is_amount(present) else "identity", fill=_median(values))
    transformed = encode_outputs([plain], NumericColumn(values))[:, 0]
    scale = float(transformed.std())
    standardised = Value(
        feature=name,
        transform=plain.transform,
        fill=plain.fill,
        offset=float(transformed.mean()),
        scale=scale if scale > 0 else 1.0,
    )
    return [standardised, *_intervals(name, present), *flag]


def _intervals(name: str, present: NDArray[np.float64]) -> Iterator[Output]:
    inner = np.quantile(present, np.linspace(0, 1, INTERVALS + 1)[1:-1], method="higher")
    cuts = [float(cut) for cut in np.unique(inner) if cut > present.min()]
    if not cuts or len(np.unique(present[:1000])) <= 2:
        return
    ends = [None, *cuts, None]
    for lower, upper in pairwise(ends):
        yield Interval(feature=name, lower=lower, upper=upper)


def _is_amount(present: NDArray[np.float64]) -> bool:
    deviation = present.std()
    if present.min() < 0 or deviation == 0:
        return False
    return float((((present - present.mean()) / deviation) ** 3).mean()) > LOG_SKEWNESS


def _median(values: NDArray[np.float64]) -> float:
    present = values[~np.isnan(values)]
    return float(np.median(present)) if len(present) else 0.0


def _members(name: str, column: CategoricalColumn) -> list[Output]:
    present = column.codes[column.codes != MISSING_CODE]
    counts = np.bincount(present, minlength=len(column.categories))
    seen = [code for code in np.argsort(-counts, kind="stable") if counts[code] > 0]
    own = [code for code in seen[:MOST_CATEGORIES] if counts[code] >= RARE_ROWS]
    rare = [code for code in seen if code not in set(own)]
    outputs: list[Output] = [
        Member(feature=name, categories=(text,)) for text in sorted(column.categories[code] for code in own)
    ]
    if rare:
        outputs.append(
            Member(feature=name, categories=tuple(sorted(column.categories[code] for code in rare)))
        )
    if len(present) < len(column.codes):
        outputs.append(Missing(feature=name))
    return outputs
