"""A record to begin with, for the command lines that ``up`` prints."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from churnguard_core.bundle import EVALUATION_NAME, MANIFEST_NAME
from churnguard_core.features import BooleanFeature, CategoricalFeature, Feature, NumericFeature
from churnguard_core.undecodable import UNDECODABLE

TELCO: Final[Mapping[str, Any]] = {
    "tenure": 1,
    "MonthlyCharges": 29.99,
    "Contract": "Month-to-month",
    "PaymentMethod": "Electronic check",
    "PaperlessBilling": "Yes",
}
"""A customer of the well-known data set, five of nineteen fields."""
MOST_FIELDS: Final = 5
FIELDS_TO_PREDICT: Final = 3


class _Content(msgspec.Struct):
    schema: tuple[Feature, ...]


class _Manifest(msgspec.Struct):
    content: _Content


class _Importance(msgspec.Struct, rename="camel"):
    feature: str
    mean_absolute_reason: float


class _Evaluation(msgspec.Struct):
    importance: tuple[_Importance, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Example:
    """A record, and whether the model gives reasons."""

    record: Mapping[str, Any]
    has_reasons: bool


def example_for(bundle: Path) -> Example:
    """A record that a bundle understands; an empty one, which every model answers, when it cannot be read."""
    try:
        manifest = msgspec.json.decode((bundle / MANIFEST_NAME).read_bytes(), type=_Manifest)
        evaluation = msgspec.json.decode((bundle / EVALUATION_NAME).read_bytes(), type=_Evaluation)
    except (OSError, *UNDECODABLE):
        return Example(record={}, has_reasons=False)
    by_size = sorted(evaluation.importance, key=lambda found: -found.mean_absolute_reason)
    names = [found.feature for found in by_size]
    return Example(record=example_record(manifest.content.schema, by_size=names), has_reasons=bool(names))


def example_record(schema: Sequence[Feature], *, by_size: Sequence[str]) -> dict[str, Any]:
    """The known customer where all fields exist; otherwise plain values of the features that matter most.

    Args:
        schema: The features that a caller may send.
        by_size: Their names by importance, as far as it is known; the others follow.
    """
    features = {feature.name: feature for feature in schema}
    if features.keys() >= TELCO.keys():
        return dict(TELCO)
    ordered = dict.fromkeys([name for name in by_size if name in features] + list(features))
    return {name: _plain_value(features[name]) for name in list(ordered)[:MOST_FIELDS]}


def curl_lines(example: Example, *, url: str, model: str) -> list[str]:
    """Commands that ask a server: for a prediction, then for its reasons where the model has them."""
    short = dict(list(example.record.items())[:FIELDS_TO_PREDICT])
    asked = [("predict", short)] + ([("explain", dict(example.record))] if example.has_reasons else [])
    return [f"curl {url}/v1/models/{model}:{verb} -d {shlex.quote(_body(record))}" for verb, record in asked]


def _body(record: Mapping[str, Any]) -> str:
    return msgspec.json.encode({"instances": [record]}).decode()


def _plain_value(feature: Feature) -> Any:
    if isinstance(feature, NumericFeature):
        return _middle(feature.minimum, feature.maximum)
    if isinstance(feature, BooleanFeature):
        return True
    assert isinstance(feature, CategoricalFeature)  # noqa: S101 - for the type checker
    return feature.categories[0] if feature.categories else None


def _middle(low: float, high: float) -> int | float:
    """About the middle: a whole number where both ends are, otherwise of few digits."""
    middle = float(f"{(low + high) / 2:.3g}")
    whole = middle.is_integer() or (low.is_integer() and high.is_integer())
    return int(middle) if whole else middle
