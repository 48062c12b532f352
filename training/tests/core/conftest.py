"""Simulated customers as checked tables, clean or damaged, and small fits of every algorithm on them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from churnguard_core.churnmodel.types import (
    Balancing,
    Columns,
    Data,
    Label,
    Search,
    SimulatorSource,
    Source,
    Training,
)
from churnguard_core.evaluation import Evaluation
from churnguard_scoring.columns import MISSING_CODE, CategoricalColumn, Column, NumericColumn
from churnguard_scoring.encoder import Encoder, encode
from churnguard_scoring.scorer import Scorer, ScorerDefinition
from churnguard_simulator import Customers, simulate
from churnguard_training import judge as judging
from churnguard_training.balancing import balance
from churnguard_training.candidates import CANDIDATES, Candidate, Fitted, forest
from churnguard_training.candidates.base import Sample
from churnguard_training.checks import check_table
from churnguard_training.encoders import describe_features
from churnguard_training.fitting import FittedModel, fit_model
from churnguard_training.folds import split_holdout
from churnguard_training.search import encoder_for
from churnguard_training.sources.simulated import as_table
from churnguard_training.table import Table

Simulated = Callable[..., Table]
Damage = Callable[..., Table]


def _data(rows: int, seed: int) -> Data:
    return Data(
        source=Source(simulator=SimulatorSource(rows=rows, seed=seed)),
        columns=Columns(
            id="customerID",
            label=Label(name="Churn"),
            value="MonthlyCharges",
            protected=("gender", "SeniorCitizen"),
        ),
    )


@pytest.fixture(scope="session", autouse=True)
def one_thread_of_linear_algebra() -> Iterator[None]:
    """As in a training run."""
    with threadpool_limits(limits=1):
        yield


@pytest.fixture(scope="session")
def customers_of() -> Callable[..., Customers]:
    """``customers_of(rows=, seed=)``: simulated customers with their truth."""
    return cache(simulate)


@pytest.fixture(scope="session")
def simulated(customers_of: Callable[..., Customers]) -> Simulated:
    """``simulated(rows=, seed=)``: a checked table of simulated customers."""

    @cache
    def build(*, rows: int, seed: int = 7) -> Table:
        customers = customers_of(rows=rows, seed=seed)
        return check_table(as_table(customers, name="simulator"), _data(rows, seed))

    return build


def _damaged_column(column: Column, *, share: float, unseen: float, random: np.random.Generator) -> Column:
    missing = random.random(len(column)) < share
    if isinstance(column, NumericColumn):
        return NumericColumn(np.where(missing, np.nan, column.values))
    codes = np.where(random.random(len(column)) < unseen, len(column.categories), column.codes)
    return CategoricalColumn(
        np.where(missing, MISSING_CODE, codes).astype(np.int32), (*column.categories, "from nowhere")
    )


@pytest.fixture(scope="session")
def damage() -> Damage:
    """``damage(table, missing=, unseen=, seed=)``: the table with cells gone and, if asked for, a new category."""

    def spoil(table: Table, *, missing: float = 0.1, unseen: float = 0.0, seed: int = 1) -> Table:
        random = np.random.default_rng(seed)
        features = {
            name: _damaged_column(column, share=missing, unseen=unseen, random=random)
            for name, column in table.features.items()
        }
        return replace(table, features=features)

    return spoil


@dataclass(frozen=True, eq=False, kw_only=True)
class SmallFit:
    """A fitted model of an algorithm with all that is needed to ask the library and our scorer the same."""

    candidate: Candidate
    fitted: Fitted
    encoder: Encoder
    sample: Sample
    scorer: Scorer

    def encoded(self, table: Table) -> NDArray[np.floating]:
        """The rows as the library learnt them."""
        return encode(self.encoder, table.features, dtype=np.float32)


@pytest.fixture(scope="session")
def fit_small() -> Iterator[Callable[..., SmallFit]]:
    """``fit_small(algorithm, table, balancing=, **parameters)``: a fit with some default parameters replaced."""
    known: dict[tuple[Any, ...], tuple[Table, SmallFit]] = {}

    def fit(name: str, table: Table, *, balancing: Balancing = "None", **parameters: Any) -> SmallFit:
        # The table is kept, so that its id stays its own.
        key = (name, id(table), balancing, *parameters.items())
        if key not in known:
            known[key] = table, _fit(name, table, balancing=balancing, **parameters)
        return known[key][1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(forest, "TREES", 40)
        yield fit


def _fit(name: str, table: Table, *, balancing: Balancing, **parameters: Any) -> SmallFit:
    candidate = CANDIDATES[name]
    encoder = encoder_for(candidate, table.features, balancing=balancing)
    x = encode(encoder, table.features, dtype=np.float32)
    sample = balance(x, table.label, method=balancing, seed=3)
    wanted = {**candidate.default(), **({"rounds": 60} if name == "XGBoost" else {}), **parameters}
    fitted = candidate.fit(sample, wanted, seed=3, threads=1)
    definition = ScorerDefinition(
        features=describe_features(table.features), encoder=encoder, model=fitted.export()
    )
    return SmallFit(
        candidate=candidate, fitted=fitted, encoder=encoder, sample=sample, scorer=Scorer(definition)
    )


@dataclass(frozen=True, eq=False, kw_only=True)
class Judged:
    """A model that was fitted on the training part of a table and judged on its hold-out, as a run does."""

    training: Training
    training_part: Table
    holdout: Table
    fitted: FittedModel
    evaluation: Evaluation


@pytest.fixture(scope="session")
def judge_small() -> Callable[..., Judged]:
    """``judge_small(table, algorithm=, shuffles=)``: fit with one trial and judge."""
    known: dict[tuple[int, str, int], Judged] = {}
    tables: list[Table] = []

    def run(table: Table, *, algorithm: Any = "XGBoost", shuffles: int = 2) -> Judged:
        key = (id(table), algorithm, shuffles)
        if key not in known:
            tables.append(table)  # so that its id stays its own
            training = Training(algorithms=(algorithm,), search=Search(trials=1))
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(forest, "TREES", 40)
                patch.setattr(judging, "SHUFFLES", shuffles)
                known[key] = _judge(table, training)
        return known[key]

    return run


def _judge(table: Table, training: Training) -> Judged:
    split = split_holdout(table, has_id=True)
    training_part, holdout = table.rows(split.training), table.rows(split.holdout)
    fitted = fit_model(training_part, training)
    evaluation = judging.judge(
        fitted, training_part=training_part, holdout=holdout, method=split.method, training=training
    )
    return Judged(
        training=training,
        training_part=training_part,
        holdout=holdout,
        fitted=fitted,
        evaluation=evaluation,
    )
