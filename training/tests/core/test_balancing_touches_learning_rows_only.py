"""Balancing: on the rows a model learns from, and undone by calibration in what a model says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from churnguard_core.churnmodel.types import Balancing, Search, Training
from churnguard_scoring.columns import NumericColumn
from churnguard_scoring.scorer import Scorer
from churnguard_training import search as searching
from churnguard_training.balancing import balance
from churnguard_training.candidates import CANDIDATES, forest
from churnguard_training.candidates.base import Sample, StopsEarly
from churnguard_training.encoders import fit_tree_encoder
from churnguard_training.fitting import fit_model
from churnguard_training.folds import assign_folds
from churnguard_training.table import Table


@pytest.fixture(scope="module")
def rows() -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    random = np.random.default_rng(1)
    y = (random.random(400) < 0.2).astype(np.uint8)
    return random.normal(size=(400, 3)).astype(np.float32) + y[:, None], y


def test_without_balancing_rows_stay_as_they_are(rows: tuple[Any, Any]) -> None:
    sample = balance(*rows, method="None", seed=1)

    assert sample.x is rows[0]
    assert sample.y is rows[1]
    assert sample.weights is None


def test_class_weights_give_both_classes_the_same_weight_and_rows_their_number(rows: tuple[Any, Any]) -> None:
    sample = balance(*rows, method="ClassWeight", seed=1)

    assert sample.x is rows[0]
    assert sample.weights is not None
    assert sample.weights.sum() == pytest.approx(len(rows[1]))
    assert sample.weights[sample.y == 1].sum() == pytest.approx(sample.weights[sample.y == 0].sum())


def test_smote_adds_rows_of_the_rare_class_between_known_ones_and_changes_none(rows: tuple[Any, Any]) -> None:
    x, y = rows
    before = x.copy()
    sample = balance(x, y, method="SMOTE", seed=1)
    added = sample.x[len(x) :]

    assert np.bincount(sample.y).tolist() == [(y == 0).sum()] * 2
    np.testing.assert_array_equal(x, before)
    np.testing.assert_array_equal(sample.x[: len(x)], x)
    assert set(sample.y[len(x) :]) == {1}
    assert np.all(added >= x[y == 1].min(axis=0) - 1e-6)
    assert np.all(added <= x[y == 1].max(axis=0) + 1e-6)


def test_smote_is_the_same_for_the_same_seed(rows: tuple[Any, Any]) -> None:
    first, again, other = (balance(*rows, method="SMOTE", seed=seed) for seed in (1, 1, 2))

    np.testing.assert_array_equal(first.x, again.x)
    assert not np.array_equal(first.x, other.x)


@pytest.mark.parametrize("method", ["ClassWeight", "SMOTE"])
def test_validation_rows_of_a_search_are_the_customers_themselves(
    method: Balancing, simulated: Callable[..., Table], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each fold's validation rows: its customers in their order, without weights, nothing added."""
    table = simulated(rows=1200)
    seen: list[tuple[Sample, Sample]] = []
    boosting = CANDIDATES["XGBoost"]
    assert isinstance(boosting, StopsEarly)
    fit_stopping = boosting.fit_stopping

    def spy(sample: Sample, parameters: Any, *, validation: Sample, **arguments: Any) -> Any:
        seen.append((sample, validation))
        return fit_stopping(sample, parameters, validation=validation, **arguments)

    monkeypatch.setattr(boosting, "fit_stopping", spy)
    searching.search(table, algorithms=["XGBoost"], balancing=method, trials=1, seed=5)

    folds = assign_folds(label=table.label, groups=table.groups, folds=searching.FOLDS, seed=5)
    wanted = sorted(table.label[folds == fold].tolist() for fold in range(searching.FOLDS))
    tenure = table.features["tenure"]
    assert isinstance(tenure, NumericColumn)
    tenures = [tenure.values[folds == fold] for fold in range(searching.FOLDS)]
    (tenure_at,) = fit_tree_encoder(table.features).outputs_of("tenure")
    assert sorted(validation.y.tolist() for _, validation in seen) == wanted
    for sample, validation in seen:
        assert validation.weights is None
        weights = np.ones(len(sample.y)) if sample.weights is None else sample.weights
        assert weights[sample.y == 1].sum() == pytest.approx(weights[sample.y == 0].sum())
        assert any(np.array_equal(validation.x[:, tenure_at], part) for part in tenures)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["None", "ClassWeight", "SMOTE"])
@pytest.mark.parametrize("algorithm", ["XGBoost", "LogisticRegression", "RandomForest"])
def test_the_mean_score_is_the_prevalence_whatever_was_balanced(
    algorithm: Any,
    method: Balancing,
    simulated: Callable[..., Table],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(forest, "TREES", 60)
    table = simulated(rows=3000)
    training = Training(algorithms=(algorithm,), balancing=method, search=Search(trials=1))

    fitted = fit_model(table, training)

    others = simulated(rows=6000, seed=11)
    mean = Scorer(fitted.definition).score_many(others.features).mean()
    assert mean == pytest.approx(table.label.mean(), abs=0.02)
