"""Drivers: in which direction the strongest features push the risk, read from reasons over a sample of customers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from churnguard_core.card import Direction, Driver, Effect
from churnguard_core.evaluation import FeatureImportance
from churnguard_scoring.columns import MISSING_CODE, CategoricalColumn, Column, NumericColumn
from churnguard_scoring.scorer import Scorer, sigmoid
from churnguard_training.card.wording import number, short

MOST_DRIVERS: Final = 8
LEAST_GROUP_ROWS: Final = 20
"""Smaller groups are not named: their mean is noise, and a card describes crowds, not people."""
FEW_VALUES: Final = 6
CLEAR_CORRELATION: Final = 0.7

Floats = NDArray[np.float64]


def find_drivers(
    importance: Sequence[FeatureImportance], *, columns: dict[str, Column], scorer: Scorer, reasons: Floats
) -> tuple[Driver, ...]:
    """The strongest features with their directions.

    Args:
        importance: All features, the strongest first.
        columns: Values of the sample.
        scorer: Whose reasons they are.
        reasons: Of the sample, shape (rows, features of the scorer).
    """
    position = {feature.name: at for at, feature in enumerate(scorer.features)}
    return tuple(
        _driver(entry, columns[entry.feature], reasons[:, position[entry.feature]], scorer=scorer)
        for entry in importance[:MOST_DRIVERS]
    )


def risk_with(scorer: Scorer, reason: float) -> float:
    """Risk when one reason is added to what all reasons start from."""
    total = scorer.baseline + reason
    return sigmoid(total) if scorer.space == "logOdds" else min(max(total, 0.0), 1.0)


def _driver(entry: FeatureImportance, column: Column, reasons: Floats, *, scorer: Scorer) -> Driver:
    groups = _groups(column)
    means = [(label, float(reasons[rows].mean())) for label, rows in groups if len(rows) >= LEAST_GROUP_ROWS]
    means.sort(key=lambda group: group[1])
    effects = [Effect(values=label, risk=risk_with(scorer, mean)) for label, mean in means]
    return Driver(
        feature=entry.feature,
        share=entry.share,
        direction=_direction(column, reasons),
        highest=effects[-1] if effects else None,
        lowest=effects[0] if effects else None,
    )


def _groups(column: Column) -> list[tuple[str, NDArray[np.intp]]]:
    if isinstance(column, NumericColumn):
        present = np.flatnonzero(~np.isnan(column.values))
        missing = np.flatnonzero(np.isnan(column.values))
        return [*_numeric_groups(column.values, present), ("missing", missing)]
    groups = [
        (short(text), np.flatnonzero(column.codes == code)) for code, text in enumerate(column.categories)
    ]
    return [*groups, ("missing", np.flatnonzero(column.codes == MISSING_CODE))]


def _numeric_groups(values: Floats, present: NDArray[np.intp]) -> list[tuple[str, NDArray[np.intp]]]:
    """Fifths of the rows, or single values where there are few."""
    known = values[present]
    distinct = np.unique(known)
    if len(distinct) <= FEW_VALUES:
        return [(number(value), present[known == value]) for value in distinct]
    edges = np.unique(np.quantile(known, [0.2, 0.4, 0.6, 0.8], method="higher"))
    edges = edges[edges > distinct[0]]
    if not len(edges):  # four fifths of the rows have the smallest value
        edges = distinct[1:2]
    fifth = np.searchsorted(edges, known, side="right")
    return [(_range(edges, at), present[fifth == at]) for at in range(len(edges) + 1)]


def _range(edges: Floats, at: int) -> str:
    """Label of the values from ``edges[at - 1]`` to below ``edges[at]``."""
    if at == 0:
        return f"below {number(edges[0])}"
    if at == len(edges):
        return f"{number(edges[-1])} or more"
    return f"{number(edges[at - 1])} to {number(edges[at])}"


def _direction(column: Column, reasons: Floats) -> Direction:
    """Direction by rank correlation (Spearman): nearly all of the movement must go one way."""
    if isinstance(column, CategoricalColumn):
        return "varies"
    known = ~np.isnan(column.values)
    values, pushed = _ranks(column.values[known]), _ranks(reasons[known])
    if len(values) < LEAST_GROUP_ROWS or values.std() == 0 or pushed.std() == 0:
        return "varies"
    correlation = float(np.corrcoef(values, pushed)[0, 1])
    if abs(correlation) < CLEAR_CORRELATION:
        return "varies"
    return "rises" if correlation > 0 else "falls"


def _ranks(values: Floats) -> Floats:
    """Ranks from 0, ties at their mean."""
    _, member, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts + 1) / 2)[member])
