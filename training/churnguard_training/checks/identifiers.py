"""Columns that a model must not learn from although they are typed: identifiers, free text, constants.

An identifier lets a model remember customers instead of understanding them; a constant teaches nothing.
"""

from __future__ import annotations

import re
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from churnguard_scoring.columns import CategoricalColumn, Column, NumericColumn
from churnguard_training.checks.findings import Finding, warning

IDENTIFIER_SHARE: Final = 0.50
IDENTIFIER_DISTINCT: Final = 100
"""A text that differs in more than half of the rows, and in over a hundred, names the row rather than a kind of it."""

MAX_CATEGORIES: Final = 1_000
"""More categories than this have too few customers each to learn from, and make every bundle large."""

MAX_CATEGORY_LENGTH: Final = 256
"""Longer texts are prose."""

_NAMED_IDENTIFIER: Final = re.compile(
    r"(?:^|[^a-z])(?:id|uid|uuid|guid|key|index|number|nr|no)$|(?<=[a-z])(?:ID|Id|UUID|Key|Index|Number)$",
    re.ASCII,
)


def text_identifier(name: str, texts: pa.Array, *, rows: int) -> Finding | None:
    """Why a column of these distinct texts, in this many filled rows, is no category; None when it is one."""
    distinct = len(texts)
    if distinct > IDENTIFIER_DISTINCT and distinct > IDENTIFIER_SHARE * rows:
        return warning(
            f"{name}: looks like an identifier or free text ({distinct:,} different values in {rows:,} rows); left out"
        )
    if distinct > MAX_CATEGORIES:
        return warning(
            f"{name}: {distinct:,} categories, more than {MAX_CATEGORIES:,}; left out, group them first"
        )
    if distinct and (pc.max(pc.utf8_length(texts)).as_py() or 0) > MAX_CATEGORY_LENGTH:
        return warning(
            f"{name}: holds texts of more than {MAX_CATEGORY_LENGTH} characters; left out as free text"
        )
    return None


def numeric_identifier(name: str, column: Column) -> Finding | None:
    """Why a numeric column is an identifier: whole numbers, all different, and either sorted or named like one."""
    if not isinstance(column, NumericColumn) or not _whole_and_different(column.values):
        return None
    steps = np.diff(column.values)
    if (steps > 0).all() or (steps < 0).all():
        how = "different in every row and sorted"
    elif _NAMED_IDENTIFIER.search(name) or _NAMED_IDENTIFIER.search(name.lower()):
        how = "different in every row and named like one"
    else:
        return None
    return warning(
        f"{name}: looks like an identifier ({how}); left out. Name it in columns.id, "
        f"or set columns.types.{name}: numeric"
    )


def constant(name: str, column: Column) -> Finding | None:
    """Why a column teaches nothing: one value in every row. Filled or not is a difference too."""
    if isinstance(column, CategoricalColumn):
        alike = len(column.codes) > 0 and bool((column.codes == column.codes[0]).all())
    else:
        alike = len(column.values) > 0 and bool((column.values == column.values[0]).all())
    return warning(f"{name}: the same value in every row; left out") if alike else None


def _whole_and_different(values: NDArray[np.float64]) -> bool:
    # Cheap refutations first: most numeric columns end at the first comparison.
    if len(values) < 2 or not (values == np.floor(values)).all():
        return False
    ordered = np.sort(values)
    return bool((ordered[1:] > ordered[:-1]).all())
