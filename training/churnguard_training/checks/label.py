"""The label: which rows left. Exactly two values, none missing."""

from __future__ import annotations

import difflib
from typing import Final

import numpy as np
from numpy.typing import NDArray

from churnguard_core.churnmodel.types import Label
from churnguard_training.checks.categories import from_numbers
from churnguard_training.checks.cells import (
    Cells,
    NumberCells,
    TextCells,
    TimeCells,
    is_missing_marker,
    number_text,
)
from churnguard_training.checks.findings import MAX_SHOWN, Finding, RowNumbers, counted, listed, problem

MAX_LISTED_DISTINCT: Final = 20
"""A column with more values is no label but perhaps personal, so its values are not shown."""

MAX_VALUE_LENGTH: Final = 40


def read_label(
    cells: Cells, label: Label, *, rows: RowNumbers
) -> tuple[NDArray[np.uint8] | None, tuple[Finding, ...]]:
    """The label, 1 for who left; None with every problem when it is refused.

    Values are compared as people read them: ``TRUE`` is ``true``, ``1.0`` is ``1``, surrounding blanks do not count.
    """
    if isinstance(cells, TimeCells):
        return None, (problem(f"{label.name}: holds dates, not who left"),)
    texts = from_numbers(cells.values) if isinstance(cells, NumberCells) else cells
    values, codes = _values(texts)
    counts = np.bincount(codes[codes >= 0], minlength=len(values))
    findings = (
        *_missing(label.name, codes < 0, rows=rows),
        *_not_two_values(label.name, values, counts),
        *_positive_absent(label, values, counts),
    )
    if findings:
        return None, findings
    return (codes == values.index(_spelling(label.positive))).astype(np.uint8), ()


def _values(cells: TextCells) -> tuple[list[str], NDArray[np.int32]]:
    """The different values in one spelling, sorted, and one code per row; missing is -1."""
    spelled = [_spelling(text) for text in cells.texts.to_pylist()]
    kept = (cells.counts() > 0) & ~is_missing_marker(cells.texts)
    values = sorted({text for text, keep in zip(spelled, kept, strict=True) if keep})
    code_of = {value: code for code, value in enumerate(values)}
    codes = [code_of[text] if keep else -1 for text, keep in zip(spelled, kept, strict=True)]
    return values, np.array([*codes, -1], dtype=np.int32)[cells.codes]


def _spelling(text: str) -> str:
    text = text.strip()
    if text.lower() in ("true", "false"):
        return text.lower()
    try:
        number = float(text)
    except ValueError:
        return text
    return number_text(number) if np.isfinite(number) else text


def _missing(name: str, missing: NDArray[np.bool_], *, rows: RowNumbers) -> tuple[Finding, ...]:
    if not missing.any():
        return ()
    where = f"{counted(int(missing.sum()), 'row')} ({rows.listed(missing)})"
    text = f"{name}: the label is missing in {where}; fill it, or leave these rows out"
    return (problem(text),)


def _not_two_values(name: str, values: list[str], counts: NDArray[np.int64]) -> tuple[Finding, ...]:
    if len(values) == 2 or not values:
        return ()
    if len(values) == 1:
        text = f"{name}: the label is {_shown(values, counts)} in every row; both who left and who stayed are needed"
    else:
        text = f"{name}: the label has {len(values):,} values, needs exactly 2: {_shown(values, counts)}"
    return (problem(text),)


def _positive_absent(label: Label, values: list[str], counts: NDArray[np.int64]) -> tuple[Finding, ...]:
    if _spelling(label.positive) in values or not values:
        return ()
    folded = {value.lower(): value for value in values}
    near = difflib.get_close_matches(_spelling(label.positive).lower(), list(folded), n=1)
    meant = (
        f"; did you mean {_quoted(folded[near[0]])}?" if near and len(values) <= MAX_LISTED_DISTINCT else ""
    )
    text = (
        f"{label.name}: columns.label.positive is {_quoted(label.positive)}, but the values are "
        f"{_shown(values, counts)}{meant}"
    )
    return (problem(text),)


def _shown(values: list[str], counts: NDArray[np.int64]) -> str:
    if len(values) > MAX_LISTED_DISTINCT:
        return f"{len(values):,} different ones, so this is not a label"
    commonest = np.argsort(-counts, kind="stable")[:MAX_SHOWN]
    return listed(
        [f"{_quoted(values[code])} ({counted(int(counts[code]), 'row')})" for code in commonest],
        count=len(values),
    )


def _quoted(text: str) -> str:
    return repr(text if len(text) <= MAX_VALUE_LENGTH else f"{text[:MAX_VALUE_LENGTH]}…")
