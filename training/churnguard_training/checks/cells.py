"""Cells as they arrive, in three shapes: text by distinct value, numbers, and points in time.

Text is kept as codes into its distinct values, so that whatever is decided about a text is decided once, not once
per row: a million rows of "Yes" and "No" cost two decisions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

MISSING_MARKERS: Final = ("", "na", "n/a", "null", "none", "nan", "?", "-")
"""Texts, in lower case, that stand for a missing cell where a number, a time or a label is expected.

In a categorical column only blank cells are missing: "None" or "NA" may be a category there, and the server must
read a record's value as training read it.
"""

_NUMBER: Final = r"(?i)^[+-]?(\d+\.?\d*(e[+-]?\d+)?|\.\d+(e[+-]?\d+)?|inf|infinity)$"


@dataclass(frozen=True, eq=False, slots=True)
class TextCells:
    """Text: one code per row into ``texts`` (distinct strings); a null is -1."""

    codes: NDArray[np.int32]
    texts: pa.Array

    def per_row(self, by_text: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """A property of each text, for each row; false for nulls."""
        return np.append(by_text, np.False_)[self.codes]

    def counts(self) -> NDArray[np.int64]:
        """How many rows have each text."""
        return np.bincount(self.codes[self.codes >= 0], minlength=len(self.texts))


@dataclass(frozen=True, eq=False, slots=True)
class NumberCells:
    """Numbers; missing is NaN, infinite is possible."""

    values: NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True)
class TimeCells:
    """Points in time (UTC, seconds); missing is NaT."""

    seconds: NDArray[np.datetime64]


Cells: TypeAlias = TextCells | NumberCells | TimeCells


def is_supported(kind: pa.DataType) -> bool:
    """Whether a column of this Arrow type can be read; nested, binary and interval types cannot."""
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(_is_text(kind) or _is_number(kind) or _is_time(kind) or _is_boolean_or_null(kind))


def read_cells(column: pa.ChunkedArray) -> Cells:
    """The cells of a column of a supported type."""
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if _is_number(kind):
        return NumberCells(_floats(_decoded(column)))
    if _is_time(kind):
        return TimeCells(_seconds(_decoded(column)))
    if pa.types.is_null(kind):
        return TextCells(np.full(len(column), -1, np.int32), pa.array([], pa.string()))
    return _text(column.cast(pa.string()) if pa.types.is_boolean(kind) else column)


def read_id_cells(column: pa.ChunkedArray) -> Cells:
    """The cells of an id column: whole numbers as text, since ids above 2**53 are not exact as floats."""
    exact = _decoded(column)
    return read_cells(exact.cast(pa.string()) if pa.types.is_integer(exact.type) else column)


def parse_numbers(texts: pa.Array) -> NDArray[np.float64]:
    """The number that each text is; NaN where it is none (a missing marker is none), infinite where too large."""
    trimmed = pc.utf8_trim_whitespace(texts)
    numbers = np.full(len(trimmed), np.nan)
    is_number = pc.match_substring_regex(trimmed, _NUMBER).to_numpy(zero_copy_only=False).astype(bool)
    numbers[is_number] = pc.cast(trimmed.filter(pa.array(is_number)), pa.float64()).to_numpy()
    return numbers


def is_missing_marker(texts: pa.Array) -> NDArray[np.bool_]:
    """Which texts stand for a missing number, time or label."""
    return is_one_of(pc.utf8_lower(pc.utf8_trim_whitespace(texts)), MISSING_MARKERS)


def is_one_of(texts: pa.Array, wanted: tuple[str, ...]) -> NDArray[np.bool_]:
    """Which texts are exactly one of ``wanted``."""
    return _mask(pc.is_in(texts, value_set=pa.array(wanted, pa.string())))


def is_blank(texts: pa.Array) -> NDArray[np.bool_]:
    """Which texts are empty or only white space."""
    return _mask(pc.equal(pc.utf8_trim_whitespace(texts), ""))


def matches(texts: pa.Array, pattern: str) -> NDArray[np.bool_]:
    """Which trimmed texts match a regular expression (RE2)."""
    return _mask(pc.match_substring_regex(pc.utf8_trim_whitespace(texts), pattern))


def number_text(number: float) -> str:
    """The one text of a number as a category: ``1``, never ``1.0``."""
    return str(int(number)) if float(number).is_integer() and abs(number) < 2**53 else repr(float(number))


def _text(column: pa.ChunkedArray) -> TextCells:
    if not column.num_chunks:
        return TextCells(np.empty(0, np.int32), pa.array([], pa.string()))
    # Chunk by chunk: encoding a chunked array of a million distinct strings at once takes Arrow twenty times as long.
    unified = pa.chunked_array([_encoded(chunk) for chunk in column.chunks]).unify_dictionaries()
    codes = np.concatenate(
        [pc.fill_null(chunk.indices, -1).to_numpy(zero_copy_only=False) for chunk in unified.chunks]
    )
    return TextCells(codes.astype(np.int32, copy=False), unified.chunk(0).dictionary)


def _encoded(chunk: pa.Array) -> pa.DictionaryArray:
    # Arrow cannot unify a dictionary that holds a null itself, as some writers make them.
    if not pa.types.is_dictionary(chunk.type) or chunk.dictionary.null_count:
        chunk = chunk.cast(pa.string()).dictionary_encode()
    return chunk.cast(pa.dictionary(pa.int32(), pa.string()))


def _floats(column: pa.ChunkedArray) -> NDArray[np.float64]:
    floats: NDArray[np.float64] = pc.cast(column, pa.float64(), safe=False).to_numpy()
    return floats


def _seconds(column: pa.ChunkedArray) -> NDArray[np.datetime64]:
    seconds = pc.cast(column, pa.timestamp("s", tz=getattr(column.type, "tz", None)), safe=False)
    moments: NDArray[np.datetime64] = seconds.to_numpy().astype("datetime64[s]")
    return moments


def _decoded(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column


def _mask(values: pa.Array) -> NDArray[np.bool_]:
    mask: NDArray[np.bool_] = values.to_numpy(zero_copy_only=False).astype(bool)
    return mask


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def _is_time(kind: pa.DataType) -> bool:
    return bool(pa.types.is_timestamp(kind) or pa.types.is_date(kind))


def _is_boolean_or_null(kind: pa.DataType) -> bool:
    return bool(pa.types.is_boolean(kind) or pa.types.is_null(kind))
