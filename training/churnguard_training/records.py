"""Synthetic records and reference distributions for the bundle: no customer's row leaves training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from churnguard_core.features import BooleanFeature, Feature, NumericFeature
from churnguard_core.reference import CategoricalReference, NumericReference, Reference
from churnguard_scoring.bundle import ParityRecord, answer
from churnguard_scoring.columns import MISSING_CODE, CategoricalColumn, Column, NumericColumn
from churnguard_scoring.scorer import Scorer
from churnguard_training.metrics import Scores
from churnguard_training.table import Table

PARITY_RECORDS: Final = 100
MISSING_SHARE: Final = 0.1
REFERENCE_INTERVALS: Final = 10
SCORE_BINS: Final = 20
MOST_REFERENCE_CATEGORIES: Final = 200


def parity_records(scorer: Scorer, *, seed: int) -> tuple[ParityRecord, ...]:
    """Records with the answers they must get: the empty one, one of unseen categories, then random ones.

    Columns are drawn independently and evenly over what training saw, so they resemble nobody.
    """
    random = np.random.default_rng(seed)
    features = scorer.features
    unseen = {f.name: "never seen" for f in features if not isinstance(f, NumericFeature | BooleanFeature)}
    records: list[dict[str, Any]] = [{}, unseen]
    records += [_draw(features, random) for _ in range(PARITY_RECORDS - len(records))]
    return tuple(answer(scorer, record) for record in records)


def _draw(features: Sequence[Feature], random: np.random.Generator) -> dict[str, Any]:
    record: dict[str, Any] = {}
    for feature in features:
        if random.random() < MISSING_SHARE:
            record[feature.name] = None
        elif isinstance(feature, NumericFeature):
            record[feature.name] = float(random.uniform(feature.minimum, feature.maximum))
        elif isinstance(feature, BooleanFeature):
            record[feature.name] = bool(random.integers(2))
        elif feature.categories:
            record[feature.name] = feature.categories[random.integers(len(feature.categories))]
    return record


def reference(table: Table, scores: Scores) -> Reference:
    """Distributions of features and score over the training rows."""
    counts, _ = np.histogram(scores, bins=SCORE_BINS, range=(0.0, 1.0))
    return Reference(
        rows=len(table),
        features={name: _distribution(column) for name, column in table.features.items()},
        scores=counts.tolist(),
    )


def _distribution(column: Column) -> NumericReference | CategoricalReference:
    if isinstance(column, CategoricalColumn):
        return _categories(column)
    return _intervals(column)


def _intervals(column: NumericColumn) -> NumericReference:
    present = column.values[~np.isnan(column.values)]
    missing = len(column) - len(present)
    if len(present) == 0:
        return NumericReference(edges=[], counts=[0], missing=missing)
    quantiles = np.quantile(present, np.linspace(0, 1, REFERENCE_INTERVALS + 1)[1:-1], method="higher")
    edges = np.unique(quantiles)
    counts = np.bincount(np.searchsorted(edges, present, side="right"), minlength=len(edges) + 1)
    return NumericReference(edges=edges.tolist(), counts=counts.tolist(), missing=missing)


def _categories(column: CategoricalColumn) -> CategoricalReference:
    present = column.codes[column.codes != MISSING_CODE]
    counts = np.bincount(present, minlength=len(column.categories))
    most = np.argsort(-counts, kind="stable")[:MOST_REFERENCE_CATEGORIES]
    named = {column.categories[code]: int(counts[code]) for code in most if counts[code]}
    return CategoricalReference(counts=dict(sorted(named.items())), missing=len(column) - len(present))
