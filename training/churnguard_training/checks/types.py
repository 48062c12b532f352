"""What type a feature column has: a chain of rules, the first that recognises the column decides.

A column is boolean when every cell says true or false, numeric when 98 % of its cells are numbers, and categorical
otherwise; dates and texts that differ from row to row are left out. ``columns.types`` overrides all of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from churnguard_core.churnmodel.types import ColumnType
from churnguard_scoring.columns import Column, NumericColumn
from churnguard_training.checks.categories import (
    boolean_column,
    categorical_column,
    from_numbers,
    with_number_texts,
)
from churnguard_training.checks.cells import (
    Cells,
    NumberCells,
    TextCells,
    TimeCells,
    is_missing_marker,
    matches,
    parse_numbers,
)
from churnguard_training.checks.findings import Finding, RowNumbers, counted, problem, warning
from churnguard_training.checks.identifiers import text_identifier
from churnguard_training.checks.numbers import infinite_numbers, numeric_column

NUMERIC_SHARE: Final = 0.98
"""Share of numbers from which text is numeric: a few stray cells must not turn a price into 5,000 categories."""

MIXED_SHARE: Final = 0.80
"""Share of numbers from which a column that is not numeric is a mistake rather than a choice."""

MIXED_DISTINCT: Final = 20
"""Few distinct values, such as ``0 1 2 3+``, are categories however many of them are numbers."""

DATE_SHARE: Final = 0.80
"""Share of dates from which a column is left out."""

_FORMATTED: Final = (
    r"^[-+]?\s*(?:[$€£¥]|USD|EUR|GBP)?\s*[-+]?(?:\d+|\d{1,3}(?:[,.'’_ \x{a0}\x{202f}]\d{3})+)(?:[.,]\d+)?\s*"
    r"(?:[%$€£¥]|USD|EUR|GBP)?$"
)
_DATE: Final = (
    r"(?i)^(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.](?:\d{4}|\d{2})"
    r"|\d{1,2}[-. ]+[a-z]{3,9}[-., ]+\d{2,4}|[a-z]{3,9} \d{1,2},? \d{4})"
    r"(?:[T ]+\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?\s*(?:[ap]m|Z|[-+]\d{2}:?\d{2})?)?$"
)


@dataclass(frozen=True, eq=False, kw_only=True, slots=True)
class Typed:
    """A feature column with its type, or None when it is left out or refused."""

    column: Column | None
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, eq=False, slots=True)
class _Texts:
    """A text column with what the rules want to know of its distinct texts; ``weights`` counts rows of each.

    Only texts that occur and are no missing marker are ``present``.
    """

    name: str
    cells: TextCells
    rows: RowNumbers
    weights: NDArray[np.int64]
    present: NDArray[np.bool_]
    numbers: NDArray[np.float64]

    def share(self, texts: NDArray[np.bool_]) -> float:
        return float(self.weights[texts & self.present].sum() / max(1, self.weights[self.present].sum()))

    @property
    def distinct(self) -> int:
        return int(np.count_nonzero(self.present))


def feature_type(name: str, cells: Cells, *, override: ColumnType | None, rows: RowNumbers) -> Typed:
    """The type of a feature column and the column itself."""
    if isinstance(cells, TimeCells):
        return _date_column(name)
    if isinstance(cells, NumberCells):
        return _number_column(name, cells.values, override=override, rows=rows)
    texts = _examine(name, cells, rows=rows)
    if override is not None:
        return _as_missing(texts) or _OVERRIDES[override](texts)
    return next(typed for rule in _RULES if (typed := rule(texts)) is not None)


def is_numeric(cells: TextCells | NumberCells) -> bool:
    """Whether nearly all cells are numbers."""
    if isinstance(cells, NumberCells):
        return True
    texts = _examine("", cells, rows=RowNumbers())
    return bool(texts.present.any()) and texts.share(~np.isnan(texts.numbers)) >= NUMERIC_SHARE


def numbers_of(name: str, cells: TextCells | NumberCells, *, rows: RowNumbers) -> Typed:
    """A column that must be numeric, whatever it looks like; None with the problems when it is not."""
    if isinstance(cells, NumberCells):
        return _number_column(name, cells.values, override="numeric", rows=rows)
    texts = _examine(name, cells, rows=rows)
    return _as_missing(texts) or _numeric_by_override(texts)


def _examine(name: str, cells: TextCells, *, rows: RowNumbers) -> _Texts:
    weights = cells.counts()
    present = (weights > 0) & ~is_missing_marker(cells.texts)
    return _Texts(name, cells, rows, weights, present, parse_numbers(cells.texts))


def _as_missing(texts: _Texts) -> Typed | None:
    if texts.present.any():
        return None
    return Typed(column=None, findings=(warning(f"{texts.name}: every cell is missing; left out"),))


def _as_boolean(texts: _Texts) -> Typed | None:
    column, unreadable = boolean_column(texts.cells, words=("false", "true"))
    return None if unreadable.any() or len(column.categories) == 0 else Typed(column=column)


def _as_numbers(texts: _Texts) -> Typed | None:
    if texts.share(~np.isnan(texts.numbers)) < NUMERIC_SHARE:
        return None
    return _numeric(texts)


def _as_dates(texts: _Texts) -> Typed | None:
    if texts.share(matches(texts.cells.texts, _DATE)) < DATE_SHARE:
        return None
    return _date_column(texts.name)


def _as_formatted_numbers(texts: _Texts) -> Typed | None:
    formatted = matches(texts.cells.texts, _FORMATTED) & np.isnan(texts.numbers)
    if (
        not (formatted & texts.present).any()
        or texts.share(formatted | ~np.isnan(texts.numbers)) < NUMERIC_SHARE
    ):
        return None
    wrong = texts.cells.per_row(formatted & texts.present)
    text = (
        f"{texts.name}: {counted(int(wrong.sum()), 'cell')} hold a number with a currency or percent sign, a decimal "
        f"comma or a thousands separator ({texts.rows.listed(wrong)}); write plain numbers such as 1234.5, or set "
        f"columns.types.{texts.name}: categorical"
    )
    return Typed(column=None, findings=(problem(text),))


def _as_mixed(texts: _Texts) -> Typed | None:
    is_number = ~np.isnan(texts.numbers)
    if texts.share(is_number) < MIXED_SHARE or texts.distinct <= MIXED_DISTINCT:
        return None
    wrong = texts.cells.per_row(texts.present & ~is_number)
    text = (
        f"{texts.name}: looks numeric, but {counted(int(wrong.sum()), 'cell')} are no number "
        f"({texts.rows.listed(wrong)}); mend or empty them, or set columns.types.{texts.name}: categorical"
    )
    return Typed(column=None, findings=(problem(text),))


def _as_categories(texts: _Texts) -> Typed:
    left_out = text_identifier(
        texts.name,
        texts.cells.texts.filter(pa.array(texts.present)),
        rows=int(texts.weights[texts.present].sum()),
    )
    if left_out is not None:
        return Typed(column=None, findings=(left_out,))
    return Typed(column=categorical_column(texts.cells))


def _numeric(texts: _Texts) -> Typed:
    column, findings = numeric_column(
        texts.name,
        texts.cells,
        numbers=texts.numbers,
        wrong=texts.present & np.isnan(texts.numbers),
        rows=texts.rows,
    )
    return Typed(column=column, findings=findings)


def _numeric_by_override(texts: _Texts) -> Typed:
    wrong = texts.present & np.isnan(texts.numbers)
    if texts.share(wrong) <= 1 - NUMERIC_SHARE:
        return _numeric(texts)
    rows = texts.cells.per_row(wrong)
    text = (
        f"{texts.name}: must be numeric, but {counted(int(rows.sum()), 'cell')} hold no number "
        f"({texts.rows.listed(rows)})"
    )
    return Typed(column=None, findings=(problem(text),))


def _boolean_by_override(texts: _Texts) -> Typed:
    column, unreadable = boolean_column(texts.cells, words=("false", "true", "f", "t", "0", "1"))
    if not unreadable.any():
        return Typed(column=column)
    text = (
        f"{texts.name}: columns.types says boolean, but {counted(int(unreadable.sum()), 'cell')} are neither true nor "
        f"false ({texts.rows.listed(unreadable)}); Yes and No are categorical"
    )
    return Typed(column=None, findings=(problem(text),))


def _categorical_by_override(texts: _Texts) -> Typed:
    return _as_categories(_examine(texts.name, with_number_texts(texts.cells), rows=texts.rows))


def _date_column(name: str) -> Typed:
    text = (
        f"{name}: holds dates; left out, as a model that knows the calendar does not hold next month. Name it in "
        "columns.time when it is the row's as-of time, else turn it into a duration such as days since"
    )
    return Typed(column=None, findings=(warning(text),))


def _number_column(
    name: str, values: NDArray[np.float64], *, override: ColumnType | None, rows: RowNumbers
) -> Typed:
    if override is None or override == "numeric":
        infinite = np.isinf(values)
        if infinite.any():
            return Typed(column=None, findings=(infinite_numbers(name, infinite, rows=rows),))
        if np.isnan(values).all():
            return Typed(column=None, findings=(warning(f"{name}: every cell is missing; left out"),))
        return Typed(column=NumericColumn(values))
    return _OVERRIDES[override](_examine(name, from_numbers(values), rows=rows))


_OVERRIDES: Final[dict[ColumnType, Callable[[_Texts], Typed]]] = {
    "numeric": _numeric_by_override,
    "boolean": _boolean_by_override,
    "categorical": _categorical_by_override,
}
_RULES: Final[tuple[Callable[[_Texts], Typed | None], ...]] = (
    _as_missing,
    _as_boolean,
    _as_numbers,
    _as_dates,
    _as_formatted_numbers,
    _as_mixed,
    _as_categories,
)
