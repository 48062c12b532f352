"""Models as plain data: what training writes into a bundle and serving compiles."""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct

Space = Literal["logOdds", "probability"]


class Trees(Struct, frozen=True, kw_only=True, tag="trees", tag_field="kind", rename="camel"):
    """An ensemble of binary trees whose leaves are added to ``base``.

    All trees share flat node arrays; ``roots`` are the positions of their first nodes. At node i a row goes to
    ``left[i]`` when ``encoded[output[i]] < boundary[i]``, or when the value is missing and ``missing_left[i]``;
    else to ``right[i]``. ``output[i]`` is -1 at a leaf, whose ``value`` counts. ``cover`` is the training weight
    that reached a node: its ratios are the background of the path-dependent Shapley values.

    Boundaries are 64-bit numbers. Libraries that compare in 32 bits round the input first; the boundary written
    here is the smallest 64-bit number that rounds to the other side, so both decide alike for every input.
    """

    space: Space
    base: float
    roots: list[int]
    output: list[int]
    boundary: list[float]
    missing_left: list[bool]
    left: list[int]
    right: list[int]
    value: list[float]
    cover: list[float]


class Linear(Struct, frozen=True, kw_only=True, tag="linear", tag_field="kind"):
    """``intercept + sum(weights * encoded)`` in log-odds; ``means`` of the encoded outputs are the background."""

    intercept: float
    weights: list[float]
    means: list[float]


class RadialBasis(Struct, frozen=True, kw_only=True, tag="radialBasis", tag_field="kind"):
    """``intercept + sum(coefficients * exp(-gamma |encoded - vector|^2))``: a support-vector machine.

    ``vectors`` are encoded training rows, so a bundle with this model holds customers' data.
    """

    gamma: float
    intercept: float
    coefficients: list[float]
    vectors: list[list[float]]


Model: TypeAlias = Trees | Linear | RadialBasis


class Calibration(Struct, frozen=True, kw_only=True):
    """``slope * raw + intercept`` in the model's own space, before the link; the identity by default."""

    slope: float = 1.0
    intercept: float = 0.0
