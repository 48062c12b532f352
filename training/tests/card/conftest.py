"""Judged models made by hand: their figures are known, and nothing has to be trained."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import pytest

from churnguard_core.card import Driver, Effect
from churnguard_core.churnmodel.parse import parse_churnmodel
from churnguard_core.churnmodel.types import ChurnModel
from churnguard_core.evaluation import (
    CalibrationBin,
    CandidateReport,
    DecileReport,
    Evaluation,
    FeatureImportance,
    GroupReport,
    ValueAtRisk,
)
from churnguard_core.gates import GateOutcome
from churnguard_scoring.columns import CategoricalColumn, Column, NumericColumn
from churnguard_scoring.encoder import Encoder, Member, Missing, Value
from churnguard_scoring.models import Calibration, Linear, RadialBasis
from churnguard_scoring.scorer import Scorer, ScorerDefinition
from churnguard_training.card.subject import Subject
from churnguard_training.encoders import describe_features
from churnguard_training.judge import importance
from churnguard_training.table import Table

ROWS = 400


@pytest.fixture
def churnmodel() -> Callable[..., ChurnModel]:
    """Make a ChurnModel; arguments replace parts of ``spec.data`` or, by name, of ``spec``."""

    def make(*, columns: dict[str, Any] | None = None, data: dict[str, Any] | None = None) -> ChurnModel:
        named: dict[str, Any] = {
            "label": {"name": "Churn"},
            "value": "MonthlyCharges",
            "protected": ["gender"],
        }
        source = {"source": {"file": {"uri": "s3://bucket/customers.csv"}}}
        spec = {"data": {**source, "columns": {**named, **(columns or {})}, **(data or {})}}
        document = {
            "apiVersion": "churnguard.dev/v1alpha1",
            "kind": "ChurnModel",
            "metadata": {"name": "telco", "namespace": "retention"},
            "spec": spec,
        }
        return parse_churnmodel(document)

    return make


@pytest.fixture
def evaluation() -> Evaluation:
    """A sound model on 1,000 rows of which 250 left."""
    churned = (76, 55, 40, 30, 20, 12, 8, 5, 3, 1)
    figures = {
        "rocAuc": 0.842,
        "prAuc": 0.66,
        "logLoss": 0.41,
        "brier": 0.135,
        "ece": 0.01,
        "f1": 0.59,
        "f1Tuned": 0.63,
        "precisionTopDecile": 0.76,
        "liftTopDecile": 3.04,
    }
    baseline = {
        **figures,
        **{"rocAuc": 0.5, "prAuc": 0.25, "logLoss": 0.5623, "brier": 0.1875, "ece": 0.0, "f1": 0.0},
        **{"f1Tuned": 0.4, "precisionTopDecile": 0.25, "liftTopDecile": 1.0},
    }
    return Evaluation(
        holdout="id",
        rows=1000,
        positives=250,
        training_rows=4000,
        training_positives=1000,
        threshold=0.31,
        metrics=figures,
        intervals={"rocAuc": (0.82, 0.86), "liftTopDecile": (2.8, 3.3)},
        baseline=baseline,
        shuffled_roc_auc=0.492,
        candidates=(
            CandidateReport(
                algorithm="XGBoost",
                log_loss=0.4111,
                roc_auc=0.845,
                trials=20,
                parameters={"depth": 2, "rate": 0.04},
            ),
            CandidateReport(
                algorithm="LogisticRegression",
                log_loss=0.4162,
                roc_auc=0.843,
                trials=12,
                parameters={"c": 0.3},
            ),
        ),
        calibration=tuple(
            CalibrationBin(mean_score=count / 100 + 0.01, observed=count / 100, rows=100)
            for count in reversed(churned)
        ),
        deciles=tuple(
            DecileReport(decile=at, rows=100, churned=count, lift=count / 25)
            for at, count in enumerate(churned, start=1)
        ),
        importance=(
            FeatureImportance(feature="tenure", mean_absolute_reason=0.6, share=0.6),
            FeatureImportance(feature="Contract", mean_absolute_reason=0.3, share=0.3),
            FeatureImportance(feature="MonthlyCharges", mean_absolute_reason=0.1, share=0.1),
        ),
        groups=(
            GroupReport(
                column="gender",
                group="Female",
                rows=480,
                prevalence=0.26,
                mean_score=0.25,
                flagged=0.3,
                recall=0.7,
                roc_auc=0.84,
            ),
            GroupReport(
                column="gender",
                group="Male",
                rows=520,
                prevalence=0.24,
                mean_score=0.25,
                flagged=0.28,
                recall=0.68,
                roc_auc=0.85,
            ),
        ),
        value_at_risk=ValueAtRisk(total=20_000.0, top_decile=6_000.0, value=65_000.0),
    )


@pytest.fixture
def subject(evaluation: Evaluation, churnmodel: Callable[..., ChurnModel]) -> Subject:
    """A revision of it that passed its gates, with a champion to compare with."""
    return Subject(
        model=churnmodel(),
        revision="telco-r2",
        algorithm="XGBoost",
        evaluation=evaluation,
        champion={**evaluation.metrics, "rocAuc": 0.83, "logLoss": 0.40, "prAuc": 0.661},
        gates=(
            GateOutcome(gate="rocAuc >= 0.80", passed=True, detail="is 0.8420"),
            GateOutcome(gate="logLoss regression <= 0.01", passed=True, detail="is 0.4100, serving 0.4000"),
        ),
        calibration=Calibration(slope=0.97, intercept=-0.02),
        columns=4,
        drivers=(
            Driver(
                feature="tenure",
                share=0.6,
                direction="falls",
                highest=Effect(values="below 6", risk=0.48),
                lowest=Effect(values="61 or more", risk=0.094),
            ),
            Driver(
                feature="Contract",
                share=0.3,
                direction="varies",
                highest=Effect(values="Month-to-month", risk=0.35),
                lowest=Effect(values="Two year", risk=0.1),
            ),
        ),
        starting_risk=0.22,
    )


@pytest.fixture
def columns() -> dict[str, Column]:
    """Features of 400 customers; ``partner`` is a boolean, some tenures are missing."""
    random = np.random.default_rng(3)
    tenure = random.integers(0, 73, ROWS).astype(np.float64)
    tenure[:30] = np.nan
    return {
        "tenure": NumericColumn(tenure),
        "Contract": CategoricalColumn(
            random.integers(0, 3, ROWS).astype(np.int32), ("Month-to-month", "One year", "Two year")
        ),
        "partner": CategoricalColumn(random.integers(-1, 2, ROWS).astype(np.int32), ("false", "true")),
    }


@pytest.fixture
def sample(columns: dict[str, Column]) -> Table:
    """Those customers as a checked table."""
    return Table(
        features=columns,
        label=(np.arange(ROWS) % 4 == 0).astype(np.uint8),
        groups=np.arange(ROWS, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15 >> 8),
        digest="sha256:0",
    )


@pytest.fixture
def linear_scorer(columns: dict[str, Column]) -> Scorer:
    """Tenure lowers the risk, a monthly contract raises it, a partner changes nothing; missing raises it."""
    outputs = (
        Value(feature="tenure", fill=36.0, offset=36.0, scale=20.0),
        Missing(feature="tenure"),
        Member(feature="Contract", categories=("Month-to-month",)),
        Member(feature="partner", categories=("true",)),
    )
    model = Linear(intercept=-1.2, weights=[-0.8, 2.0, 0.9, 0.0], means=[0.0, 0.075, 0.33, 0.33])
    return Scorer(
        ScorerDefinition(features=describe_features(columns), encoder=Encoder(outputs=outputs), model=model)
    )


@pytest.fixture
def support_vector_machine(columns: dict[str, Column]) -> Scorer:
    """A model without reasons."""
    encoder = Encoder(outputs=(Value(feature="tenure", fill=36.0, offset=36.0, scale=20.0),))
    model = RadialBasis(gamma=1.0, intercept=-1.0, coefficients=[1.0], vectors=[[-1.0]])
    return Scorer(ScorerDefinition(features=describe_features(columns), encoder=encoder, model=model))


@pytest.fixture
def request_card(
    evaluation: Evaluation, churnmodel: Callable[..., ChurnModel], linear_scorer: Scorer, sample: Table
) -> dict[str, Any]:
    """Arguments of ``card_documents``, with an importance that is true of the scorer."""
    return {
        "model": churnmodel(),
        "revision": "telco-r2",
        "algorithm": "LogisticRegression",
        "evaluation": msgspec.structs.replace(
            evaluation, importance=importance(linear_scorer, sample, seed=7)
        ),
        "champion": {},
        "gates": (GateOutcome(gate="rocAuc >= 0.80", passed=True, detail="is 0.8420"),),
        "scorer": linear_scorer,
        "sample": sample,
    }
