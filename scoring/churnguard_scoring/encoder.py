"""The encoder: from typed columns to the numbers that a model computes with.

An encoder is plain data: a list of outputs, each a pure function of one feature. :func:`encode` is its one
definition. The per-record paths do not encode: they are compiled from this definition (see ``binning`` and
``linear``), and tests hold them equal to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

import numpy as np
from msgspec import Struct
from numpy.typing import DTypeLike, NDArray

from churnguard_scoring.columns import (
    MISSING_CODE,
    CategoricalColumn,
    Column,
    Columns,
    NumericColumn,
    row_count,
)

Transform = Literal["identity", "log"]


class Value(Struct, frozen=True, kw_only=True, tag="value", tag_field="rule", omit_defaults=True):
    """``(transform(x) - offset) / scale``; missing becomes ``fill`` (in units of x), or stays NaN when it is None.

    ``log`` is ``sign(x) log(1 + |x|)``: it tames money and counts and still accepts a refund.
    """

    feature: str
    transform: Transform = "identity"
    fill: float | None = None
    offset: float = 0.0
    scale: float = 1.0


class Interval(Struct, frozen=True, kw_only=True, tag="interval", tag_field="rule", omit_defaults=True):
    """1 when ``lower <= x < upper``; an open end is None; missing is in no interval."""

    feature: str
    lower: float | None = None
    upper: float | None = None


class Missing(Struct, frozen=True, kw_only=True, tag="missing", tag_field="rule"):
    """1 when the feature is missing."""

    feature: str


class Member(Struct, frozen=True, kw_only=True, tag="member", tag_field="rule"):
    """1 when the category is one of ``categories``: one of them for one-hot, several where rare ones are merged."""

    feature: str
    categories: tuple[str, ...]


Output: TypeAlias = Value | Interval | Missing | Member


class Encoder(Struct, frozen=True, kw_only=True):
    """Outputs in the order of the model's inputs."""

    outputs: tuple[Output, ...]

    def outputs_of(self, feature: str) -> tuple[int, ...]:
        """Positions of the outputs that this feature feeds."""
        return tuple(i for i, output in enumerate(self.outputs) if output.feature == feature)


def encode(encoder: Encoder, columns: Columns, *, dtype: DTypeLike = np.float64) -> NDArray[np.floating]:
    """Encode every row: array of shape (rows, outputs), column-major.

    Raises:
        KeyError: A feature of the encoder has no column.
        TypeError: A column's kind does not fit its rule.
    """
    matrix = np.empty((row_count(columns), len(encoder.outputs)), dtype=dtype, order="F")
    for position, output in enumerate(encoder.outputs):
        matrix[:, position] = _encode_output(output, columns[output.feature])
    return matrix


def encode_outputs(outputs: Sequence[Output], column: Column) -> NDArray[np.float64]:
    """Encode one feature's column by these outputs: array of shape (rows, outputs)."""
    return np.column_stack([_encode_output(output, column) for output in outputs])


def _encode_output(output: Output, column: Column) -> NDArray[np.float64]:
    match output, column:
        case Value(), NumericColumn(values=values):
            return _encode_value(output, values)
        case Interval(lower=lower, upper=upper), NumericColumn(values=values):
            inside = ~np.isnan(values)
            if lower is not None:
                inside &= values >= lower
            if upper is not None:
                inside &= values < upper
            return inside.astype(np.float64)
        case Missing(), NumericColumn(values=values):
            return np.isnan(values).astype(np.float64)
        case Missing(), CategoricalColumn(codes=codes):
            return np.asarray(codes == MISSING_CODE, dtype=np.float64)
        case Member(categories=members), CategoricalColumn(codes=codes, categories=categories):
            # One entry more, for the missing code: -1 reaches it.
            lookup = np.zeros(len(categories) + 1)
            wanted = frozenset(members)
            lookup[:-1] = [category in wanted for category in categories]
            return np.asarray(lookup[codes])
        case _:
            raise TypeError(
                f"feature {output.feature!r}: a {type(output).__name__} rule cannot read {type(column).__name__}"
            )


def _encode_value(output: Value, values: NDArray[np.float64]) -> NDArray[np.float64]:
    if output.fill is not None:
        values = np.where(np.isnan(values), output.fill, values)
    if output.transform == "log":
        values = np.copysign(np.log1p(np.abs(values)), values)
    return np.asarray((values - output.offset) / output.scale)
