"""Bundles of every kind of model, customers, and the service in this process."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import msgspec
import numpy as np
import pytest

from churnguard_core.bundle import (
    EVALUATION_NAME,
    FORMAT,
    MANIFEST_NAME,
    PARITY_NAME,
    REFERENCE_NAME,
    SCORER_NAME,
    Content,
    Manifest,
    Origin,
    content_digest,
    encode_manifest,
    file_digest,
)
from churnguard_core.features import BooleanFeature, CategoricalFeature, Feature, NumericFeature
from churnguard_scoring.bundle import answer, load_bundle
from churnguard_scoring.encoder import Encoder, Member, Value
from churnguard_scoring.models import RadialBasis
from churnguard_scoring.scorer import Scorer, ScorerDefinition

with patch.object(sys, "argv", sys.argv[:1]):
    # KServe parses the command line when it is imported, and pytest's is not meant for it.
    from churnguard_serving.metrics import PredictorMetrics
    from churnguard_serving.service import Service
    from churnguard_serving.settings import Settings, parse_settings

GOLDEN = Path(__file__).parents[2] / "tests" / "contract" / "bundle_v1"
KINDS = ("boosting", "logistic", "forest", "svm")
SERVING = {
    "levels": {"medium": "0.35", "high": "0.65"},
    "insights": [
        {
            "when": {"feature": "contract", "equals": "Month-to-month"},
            "text": "Offer a 12-month contract",
        },
        {"when": {"feature": "tenure", "atMost": "6"}, "text": "Call in the first weeks"},
    ],
}


@pytest.fixture(scope="session")
def bundle_folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """``bundle_folder(kind)``: a bundle of boosting, logistic, forest (golden) or svm (made here)."""
    svm = tmp_path_factory.mktemp("store") / "svm"
    svm.mkdir()
    for name, content in _svm_bundle().items():
        (svm / name).write_bytes(content)
    return lambda kind: svm if kind == "svm" else GOLDEN / kind


@pytest.fixture(scope="session")
def scorer(bundle_folder: Callable[[str], Path]) -> Callable[[str], Scorer]:
    """``scorer(kind)``: the scorer of a bundle, as everybody else uses it."""
    return cache(lambda kind: load_bundle(_files(bundle_folder(kind))).scorer)


@pytest.fixture
def service(bundle_folder: Callable[[str], Path]) -> Callable[..., Service]:
    """``service(kind, **settings)``: a service in this process."""

    def build(kind: str = "boosting", **settings: Any) -> Service:
        counted: list[PredictorMetrics] = []
        files = _files(bundle_folder(kind))
        bundle = load_bundle(files, on_unseen=lambda name: counted[0].unseen(name))
        revision = bundle.manifest.origin.revision
        counted.append(PredictorMetrics(model="telco", revision=revision, features=bundle.scorer.features))
        parsed = parse_settings(json.dumps(settings).encode()) if settings else Settings()
        return Service(bundle, name="telco", settings=parsed, metrics=counted[0])

    return build


@pytest.fixture(scope="session")
def serving_settings() -> dict[str, Any]:
    """Levels and insights that are not the default."""
    return SERVING


@pytest.fixture(scope="session")
def customers() -> Callable[..., list[dict[str, Any]]]:
    """``customers(count, seed=)``: records as callers send them, with gaps, nulls, new categories and new fields."""
    return _customers


@pytest.fixture(scope="session")
def complete_customers() -> Callable[..., list[dict[str, Any]]]:
    """``complete_customers(count, seed=)``: records with all fields, as tensors of numbers can hold them."""

    def draw(count: int, *, seed: int = 1) -> list[dict[str, Any]]:
        random = np.random.default_rng(seed)
        return [_complete(random) for _ in range(count)]

    return draw


def _customers(count: int, *, seed: int = 1) -> list[dict[str, Any]]:
    random = np.random.default_rng(seed)
    return [_with_gaps(_complete(random), random) for _ in range(count)]


def _complete(random: np.random.Generator) -> dict[str, Any]:
    contracts = ("Month-to-month", "One year", "Two year", "Weekly")
    return {
        "tenure": int(random.integers(0, 80)),
        "monthlyCharges": round(float(random.uniform(15, 300)), 2),
        "contract": contracts[random.integers(4)],
        "paperless": bool(random.integers(2)),
        "supportCalls": ("0", "1", "2", "3 or more", "9")[random.integers(5)],
    }


def _with_gaps(record: dict[str, Any], random: np.random.Generator) -> dict[str, Any]:
    kept = {name: None if random.random() < 0.1 else value for name, value in record.items()}
    kept = {name: value for name, value in kept.items() if random.random() > 0.1}
    return {**kept, "shoeSize": 44} if random.random() < 0.2 else kept


def _files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in _files_below(folder)}


def _files_below(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


def _svm_bundle() -> dict[str, bytes]:
    features: tuple[Feature, ...] = (
        NumericFeature(name="tenure", minimum=0, maximum=72),
        NumericFeature(name="monthlyCharges", minimum=15, maximum=300),
        CategoricalFeature(name="contract", categories=("Month-to-month", "One year", "Two year")),
        BooleanFeature(name="paperless"),
        CategoricalFeature(name="supportCalls", categories=("0", "1", "2", "3 or more")),
    )
    encoder = Encoder(
        outputs=(
            Value(feature="tenure", fill=30.0, offset=30.0, scale=20.0),
            Value(feature="monthlyCharges", fill=65.0, offset=65.0, scale=30.0),
            Member(feature="contract", categories=("Month-to-month",)),
            Member(feature="paperless", categories=("true",)),
        )
    )
    random = np.random.default_rng(3)
    model = RadialBasis(
        gamma=0.1,
        intercept=-0.4,
        coefficients=random.normal(size=12).tolist(),
        vectors=random.normal(size=(12, 4)).tolist(),
    )
    definition = ScorerDefinition(features=features, encoder=encoder, model=model)
    records: list[dict[str, Any]] = [{}, {"tenure": 3, "contract": "One year"}]
    content = {
        SCORER_NAME: msgspec.json.encode(definition),
        PARITY_NAME: msgspec.json.encode([answer(Scorer(definition), record) for record in records]),
        REFERENCE_NAME: b"{}",
        EVALUATION_NAME: b"{}",
    }
    described = Content(
        format=FORMAT,
        task="churn",
        algorithm="SVM",
        space="logOdds",
        schema=features,
        data_digest="sha256:1",
        spec_digest="sha256:2",
        seed=7,
        libraries={},
        files={name: file_digest(data) for name, data in content.items()},
    )
    origin = Origin(
        namespace="default", model="telco", revision="telco-r4", created_at="2026-01-02T03:04:05+00:00"
    )
    manifest = Manifest(digest=content_digest(described), content=described, origin=origin)
    return {**content, MANIFEST_NAME: encode_manifest(manifest)}
