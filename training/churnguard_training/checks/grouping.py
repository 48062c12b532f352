"""Group hashes: 64 bits that keep rows together, whatever the order of rows and columns, and on every machine.

Rows with one id are one group. Without an id, rows with equal features are, so that a duplicate is never on both sides
of a split. Python's own ``hash`` is salted per process; blake2b and the mixing below are not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Final

import numpy as np
from numpy.typing import NDArray

from churnguard_scoring.columns import CategoricalColumn, Column
from churnguard_training.checks.categories import from_numbers
from churnguard_training.checks.cells import Cells, NumberCells, TextCells, TimeCells, is_blank

Hashes = NDArray[np.uint64]

_GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)


def mixed(hashes: Hashes) -> Hashes:
    """Finalizer of splitmix64 (Steele, Lea, Flood 2014): a bijection that spreads every bit over all."""
    z = hashes + _GOLDEN
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def text_hashes(texts: Iterable[str]) -> Hashes:
    """The hash of each text."""
    digests = b"".join(blake2b(text.encode(), digest_size=8).digest() for text in texts)
    return np.frombuffer(digests, dtype="<u8").astype(np.uint64)


def content_hashes(columns: Mapping[str, Column], *, rows: int) -> Hashes:
    """The hash of each row's content: of names and values, not of codes or order.

    A missing value adds nothing, so a column that is missing everywhere makes no difference.
    """
    total = np.zeros(rows, dtype=np.uint64)
    for name, column in columns.items():
        salt = text_hashes([name])[0]
        total += _value_hashes(column, salt=salt)
    return mixed(total)


def id_hashes(cells: Cells, *, otherwise: Hashes) -> tuple[Hashes, NDArray[np.bool_]]:
    """The hash of each row's id, and which rows have none: those take ``otherwise``.

    The text of an id counts: ``123`` in a CSV file and the number 123 in a Parquet file are one customer.
    """
    texts = _id_texts(cells)
    by_text = text_hashes(text.strip() for text in texts.texts.to_pylist())
    absent = (texts.codes < 0) | texts.per_row(is_blank(texts.texts))
    hashes = np.append(by_text, np.uint64(0))[texts.codes]
    return np.where(absent, otherwise, hashes), absent


def _id_texts(cells: Cells) -> TextCells:
    if isinstance(cells, TextCells):
        return cells
    if isinstance(cells, NumberCells):
        return from_numbers(cells.values)
    assert isinstance(cells, TimeCells)  # noqa: S101 - for the type checker
    return from_numbers(np.where(np.isnat(cells.seconds), np.nan, cells.seconds.astype(np.int64)))


def _value_hashes(column: Column, *, salt: np.uint64) -> Hashes:
    if isinstance(column, CategoricalColumn):
        by_code = np.append(mixed(text_hashes(column.categories) ^ salt), np.uint64(0))
        hashes: Hashes = by_code[column.codes]
        return hashes
    # Adding zero turns -0.0 into 0.0: equal numbers must have equal bits.
    bits = (column.values + 0.0).view(np.uint64)
    return np.where(np.isnan(column.values), np.uint64(0), mixed(bits ^ salt))
