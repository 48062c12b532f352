"""Reference distributions: what training saw, for drift measured later against live traffic."""

from __future__ import annotations

from msgspec import Struct


class NumericReference(Struct, frozen=True, kw_only=True, tag="numeric", tag_field="type"):
    """Counts of a number by interval: ``counts[i]`` rows have ``edges[i - 1] <= x < edges[i]``, ends open."""

    edges: list[float]
    counts: list[int]
    missing: int


class CategoricalReference(Struct, frozen=True, kw_only=True, tag="categorical", tag_field="type"):
    """Counts of a category by value."""

    counts: dict[str, int]
    missing: int


class Reference(Struct, frozen=True, kw_only=True):
    """Distributions of features and of the score over the training rows; ``scores`` has 20 equal bins of [0, 1]."""

    rows: int
    features: dict[str, NumericReference | CategoricalReference]
    scores: list[int]
