"""Protected columns: left out of the model, and the groups by which it is judged."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from churnguard_scoring.columns import MISSING_CODE, CategoricalColumn, NumericColumn
from churnguard_training.checks.categories import categorical_column, from_numbers
from churnguard_training.checks.cells import Cells, TextCells, TimeCells, number_text
from churnguard_training.checks.findings import Finding, RowNumbers, problem, warning
from churnguard_training.checks.types import is_numeric, numbers_of

MAX_NUMBERS: Final = 10
"""Numeric columns with more distinct values, such as an age, are reported by quarters."""

MAX_GROUPS: Final = 50
"""A report of more groups is not read, and its smallest groups hold single people."""

OTHERS: Final = "(others)"


def protected_groups(
    name: str, cells: Cells, *, rows: RowNumbers
) -> tuple[CategoricalColumn | None, tuple[Finding, ...]]:
    """The groups of a protected column: its categories, or quarters such as ``18-34`` of its numbers."""
    if isinstance(cells, TimeCells):
        return None, (
            problem(f"{name}: a protected column must hold groups or numbers, not dates; make it an age"),
        )
    if isinstance(cells, TextCells) and not is_numeric(cells):
        return _largest(name, categorical_column(cells))
    typed = numbers_of(name, cells, rows=rows)
    if not isinstance(typed.column, NumericColumn):
        return None, typed.findings
    values = typed.column.values
    if len(np.unique(values[~np.isnan(values)])) <= MAX_NUMBERS:
        return categorical_column(from_numbers(values)), typed.findings
    return quarters(values), typed.findings


def quarters(values: NDArray[np.float64]) -> CategoricalColumn:
    """Groups between the quartiles, named by the least and the greatest value in each; equal values stay together."""
    present = ~np.isnan(values)
    inner = np.unique(np.quantile(values[present], [0.25, 0.5, 0.75]))
    bins = np.searchsorted(inner, values, side="left")
    used = np.unique(bins[present])
    codes = np.where(present, np.searchsorted(used, bins), MISSING_CODE).astype(np.int32)
    return CategoricalColumn(codes, tuple(_span(values[codes == code]) for code in range(len(used))))


def _span(values: NDArray[np.float64]) -> str:
    low, high = number_text(values.min()), number_text(values.max())
    return low if low == high else f"{low}-{high}"


def _largest(name: str, column: CategoricalColumn) -> tuple[CategoricalColumn, tuple[Finding, ...]]:
    groups = len(column.categories)
    if groups <= MAX_GROUPS:
        return column, ()
    counts = np.bincount(column.codes[column.codes >= 0], minlength=groups)
    kept = np.sort(np.argsort(-counts, kind="stable")[: MAX_GROUPS - 1])
    recoded = np.full(groups + 1, len(kept), dtype=np.int32)
    recoded[kept] = np.arange(len(kept))
    recoded[MISSING_CODE] = MISSING_CODE
    categories = (*(column.categories[code] for code in kept), OTHERS)
    text = f"{name}: {groups:,} protected groups; the {len(kept)} largest are reported, the rest as {OTHERS}"
    return CategoricalColumn(recoded[column.codes], categories), (warning(text),)
