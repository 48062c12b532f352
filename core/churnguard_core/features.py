"""Features: the source columns that a model was taught, as a caller names and types them."""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Struct

BOOLEAN_CATEGORIES = ("false", "true")


class NumericFeature(Struct, frozen=True, kw_only=True, tag="numeric", tag_field="type", rename="camel"):
    """A number. ``minimum`` and ``maximum`` are what training saw, for range checks and drift, not limits."""

    name: str
    minimum: float
    maximum: float
    missing_share: float = 0.0


class CategoricalFeature(
    Struct, frozen=True, kw_only=True, tag="categorical", tag_field="type", rename="camel"
):
    """One of a set of texts; ``categories`` are those that training saw."""

    name: str
    categories: tuple[str, ...]
    missing_share: float = 0.0


class BooleanFeature(Struct, frozen=True, kw_only=True, tag="boolean", tag_field="type", rename="camel"):
    """True or false."""

    name: str
    missing_share: float = 0.0

    @property
    def categories(self) -> tuple[str, ...]:
        """The two categories, as a categorical column holds them."""
        return BOOLEAN_CATEGORIES


Feature: TypeAlias = NumericFeature | CategoricalFeature | BooleanFeature
