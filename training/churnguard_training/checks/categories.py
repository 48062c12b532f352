"""Categorical columns from cells. Categories are sorted, so that codes do not depend on the order of rows."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from churnguard_core.features import BOOLEAN_CATEGORIES
from churnguard_scoring.columns import MISSING_CODE, CategoricalColumn
from churnguard_training.checks.cells import TextCells, is_blank, is_missing_marker, is_one_of, number_text

_TRUE: Final = ("true", "t", "1")


def categorical_column(cells: TextCells) -> CategoricalColumn:
    """A column of the texts that occur, exactly as written; blank is missing."""
    occurs = (cells.counts() > 0) & ~is_blank(cells.texts)
    texts = cells.texts.to_pylist()
    categories = sorted({text for text, kept in zip(texts, occurs, strict=True) if kept})
    code_of = {text: code for code, text in enumerate(categories)}
    codes = [code_of.get(text, MISSING_CODE) for text in texts]
    return CategoricalColumn(_recoded(cells, codes), tuple(categories))


def boolean_column(
    cells: TextCells, *, words: tuple[str, ...]
) -> tuple[CategoricalColumn, NDArray[np.bool_]]:
    """A column of ``false`` and ``true``, and which rows hold none of ``words`` (in any case) nor a missing marker.

    Without any readable cell the column has no categories.
    """
    folded = pc.utf8_lower(pc.utf8_trim_whitespace(cells.texts))
    readable = is_one_of(folded, words)
    codes = np.where(readable, is_one_of(folded, _TRUE), MISSING_CODE)
    found = (readable & (cells.counts() > 0)).any()
    unreadable = cells.per_row(~readable & ~is_missing_marker(cells.texts))
    return CategoricalColumn(_recoded(cells, codes), BOOLEAN_CATEGORIES if found else ()), unreadable


def from_numbers(values: NDArray[np.float64]) -> TextCells:
    """Numbers as text cells, each number in its one spelling; NaN is null."""
    distinct, inverse = np.unique(values, return_inverse=True)
    texts = pa.array([number_text(number) for number in distinct], pa.string())
    codes = inverse.astype(np.int32)
    codes[np.isnan(values)] = -1
    return TextCells(codes, texts)


def with_number_texts(cells: TextCells) -> TextCells:
    """The same cells with ``1.0`` written ``1``, so that both are one category; ``01`` stays what it is."""
    texts = pc.replace_substring_regex(cells.texts, pattern=r"^\s*([+-]?\d+)\.0+\s*$", replacement=r"\1")
    encoded = texts.dictionary_encode()
    merged = np.append(encoded.indices.to_numpy(), -1).astype(np.int32)
    return TextCells(merged[cells.codes], encoded.dictionary)


def _recoded(cells: TextCells, codes: NDArray[np.integer[Any]] | list[int]) -> NDArray[np.int32]:
    return np.append(codes, MISSING_CODE).astype(np.int32)[cells.codes]
