"""Random encoders, models and rows: what any training could have left."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from churnguard_core.features import BooleanFeature, CategoricalFeature, Feature, NumericFeature
from churnguard_scoring.columns import Columns
from churnguard_scoring.encoder import Encoder, Interval, Member, Missing, Output, Value
from churnguard_scoring.models import Calibration, Linear, RadialBasis, Trees
from churnguard_scoring.reader import columns_from_records
from churnguard_scoring.scorer import ScorerDefinition

PLANS = ("basic", "plus", "pro")

FEATURES: tuple[Feature, ...] = (
    NumericFeature(name="tenure", minimum=0, maximum=72),
    NumericFeature(name="charges", minimum=-5, maximum=500, missing_share=0.1),
    CategoricalFeature(name="plan", categories=PLANS, missing_share=0.1),
    CategoricalFeature(name="code", categories=("1", "2", "30")),
    BooleanFeature(name="paperless"),
)


@pytest.fixture
def features() -> tuple[Feature, ...]:
    """Five features, of every type."""
    return FEATURES


@pytest.fixture
def tree_encoder() -> Encoder:
    """Numbers as they are, categories one-hot."""
    outputs: list[Output] = [
        Value(feature="tenure"),
        Value(feature="charges"),
        *(Member(feature="plan", categories=(plan,)) for plan in PLANS),
        Missing(feature="plan"),
        Member(feature="code", categories=("1",)),
        Member(feature="code", categories=("2", "30")),
        Member(feature="paperless", categories=("true",)),
    ]
    return Encoder(outputs=tuple(outputs))


@pytest.fixture
def linear_encoder() -> Encoder:
    """Numbers filled, logged and in intervals."""
    outputs: list[Output] = [
        Value(feature="tenure", fill=29.0, offset=32.0, scale=24.0),
        Interval(feature="tenure", upper=6.0),
        Interval(feature="tenure", lower=6.0, upper=24.5),
        Interval(feature="tenure", lower=24.5),
        Value(feature="charges", transform="log", fill=64.5, offset=4.0, scale=0.7),
        Missing(feature="charges"),
        *(Member(feature="plan", categories=(plan,)) for plan in PLANS),
        Member(feature="code", categories=("1",)),
        Member(feature="paperless", categories=("true",)),
    ]
    return Encoder(outputs=tuple(outputs))


@pytest.fixture
def columns_of(features: tuple[Feature, ...]) -> Callable[[list[dict[str, Any]]], Columns]:
    """Typed columns of records."""
    return lambda records: columns_from_records(features, records)


def random_record(random: np.random.Generator) -> dict[str, Any]:
    """A record with present, missing, null and unseen values."""
    values: dict[str, list[Any]] = {
        "tenure": [int(random.integers(0, 80)), float(random.uniform(-1, 80)), None],
        "charges": [float(random.uniform(-5, 500)), int(random.integers(0, 9)), None],
        "plan": [*PLANS, None, "never seen"],
        "code": ["1", 2, "30", 30, None, "31"],
        "paperless": [True, False, "true", "False", None],
    }
    chosen = {name: options[random.integers(len(options))] for name, options in values.items()}
    return {name: value for name, value in chosen.items() if random.random() > 0.1}


@pytest.fixture
def draw_records() -> Callable[[int, int], list[dict[str, Any]]]:
    """``draw_records(count, seed)``: random records."""

    def draw(count: int, seed: int) -> list[dict[str, Any]]:
        random = np.random.default_rng(seed)
        return [random_record(random) for _ in range(count)]

    return draw


@pytest.fixture
def grow_trees() -> Callable[..., Trees]:
    """``grow_trees(count=, depth=, seed=)``: random trees, unbalanced, with repeated splits and covers that add up."""
    return _grow


def _grow(*, count: int, depth: int, seed: int, space: str = "logOdds") -> Trees:
    random = np.random.default_rng(seed)
    arrays: dict[str, list[Any]] = {
        name: [] for name in ("output", "boundary", "missing_left", "left", "right", "value", "cover")
    }

    def node(level: int, cover: float) -> int:
        at = len(arrays["output"])
        leaf = level == depth or (level > 0 and random.random() < 0.2)
        output = -1 if leaf else int(random.integers(9))
        boundary = 0.5 if output > 1 else float(random.choice([3.0, 10.0, 24.5, 60.0, 99.9]))
        value = float(random.normal()) if leaf else 0.0
        for name, entry in (
            ("output", output),
            ("boundary", boundary),
            ("missing_left", bool(random.integers(2))),
            ("left", -1),
            ("right", -1),
            ("value", value / count),
            ("cover", cover),
        ):
            arrays[name].append(entry)
        if not leaf:
            share = float(random.uniform(0.1, 0.9))
            arrays["left"][at] = node(level + 1, cover * share)
            arrays["right"][at] = node(level + 1, cover * (1 - share))
        return at

    roots = [node(0, 100.0) for _ in range(count)]
    return Trees(
        space="probability" if space == "probability" else "logOdds", base=-0.7, roots=roots, **arrays
    )


@pytest.fixture
def linear_model(linear_encoder: Encoder) -> Linear:
    """A linear model with random weights."""
    random = np.random.default_rng(5)
    size = len(linear_encoder.outputs)
    return Linear(
        intercept=-1.2, weights=random.normal(size=size).tolist(), means=random.uniform(size=size).tolist()
    )


@pytest.fixture
def radial_basis(linear_encoder: Encoder) -> RadialBasis:
    """A kernel model with twenty support vectors."""
    random = np.random.default_rng(6)
    return RadialBasis(
        gamma=0.05,
        intercept=-0.3,
        coefficients=random.normal(size=20).tolist(),
        vectors=random.normal(size=(20, len(linear_encoder.outputs))).tolist(),
    )


@pytest.fixture
def definitions(
    features: tuple[Feature, ...],
    tree_encoder: Encoder,
    linear_encoder: Encoder,
    linear_model: Linear,
    radial_basis: RadialBasis,
) -> dict[str, ScorerDefinition]:
    """One definition of every kind of model."""
    calibration = Calibration(slope=0.9, intercept=0.1)
    trees = _grow(count=30, depth=3, seed=1)
    forest = _grow(count=30, depth=5, seed=2, space="probability")
    return {
        "trees": ScorerDefinition(
            features=features, encoder=tree_encoder, model=trees, calibration=calibration
        ),
        "forest": ScorerDefinition(features=features, encoder=tree_encoder, model=forest),
        "linear": ScorerDefinition(
            features=features, encoder=linear_encoder, model=linear_model, calibration=calibration
        ),
        "radialBasis": ScorerDefinition(
            features=features, encoder=linear_encoder, model=radial_basis, calibration=calibration
        ),
    }
