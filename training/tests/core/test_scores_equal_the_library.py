"""What we export scores as the library itself does: missing values, unseen categories and every depth included."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import xgboost
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC

from churnguard_core.churnmodel.types import Balancing
from churnguard_scoring.columns import NumericColumn
from churnguard_scoring.models import RadialBasis, Trees
from churnguard_training.candidates import CANDIDATES
from churnguard_training.table import Table

TOLERANCE = 1e-5


@pytest.fixture(scope="module")
def learnt(simulated: Callable[..., Table], damage: Callable[..., Table]) -> Table:
    """Rows to learn from, a tenth of their cells missing."""
    return damage(simulated(rows=1500), missing=0.1)


@pytest.fixture(scope="module")
def asked(simulated: Callable[..., Table], damage: Callable[..., Table]) -> Table:
    """Other rows, with missing cells everywhere and categories that nobody learnt."""
    return damage(simulated(rows=1000, seed=8), missing=0.2, unseen=0.1, seed=2)


@pytest.mark.parametrize("balancing", ["None", "ClassWeight", "SMOTE"])
@pytest.mark.parametrize("name", list(CANDIDATES))
def test_raw_scores_equal_those_of_the_fitted_candidate(
    name: str, balancing: Balancing, learnt: Table, asked: Table, fit_small: Callable[..., Any]
) -> None:
    small = fit_small(name, learnt, balancing=balancing)

    ours = small.scorer.raw_many(asked.features)

    assert ours.std() > 0
    np.testing.assert_allclose(ours, small.fitted.raw(small.encoded(asked)), atol=TOLERANCE)


@pytest.mark.parametrize("depth", [1, 2, 3, 4, 5, 6])
def test_boosting_of_every_depth_scores_as_xgboost_predicts_margins(
    depth: int, learnt: Table, asked: Table, fit_small: Callable[..., Any]
) -> None:
    small = fit_small("XGBoost", learnt, depth=depth, childWeight=1.0)

    margins = small.fitted.booster.predict(xgboost.DMatrix(small.encoded(asked)), output_margin=True)

    np.testing.assert_allclose(small.scorer.raw_many(asked.features), margins, atol=TOLERANCE)


def test_boosting_that_stopped_early_scores_with_its_best_rounds(
    learnt: Table, asked: Table, fit_small: Callable[..., Any]
) -> None:
    small = fit_small("XGBoost", learnt, rounds=1)
    validation = replace(small.sample, x=small.encoded(asked), y=asked.label)
    fast = {**small.candidate.default(), "rate": 0.5}
    stopped = small.candidate.fit_stopping(small.sample, fast, validation=validation, seed=3, threads=1)
    rounds = stopped.parameters["rounds"]
    again = small.candidate.fit(small.sample, stopped.parameters, seed=3, threads=1)

    assert len(stopped.export().roots) == rounds < len(stopped.booster.get_dump())
    np.testing.assert_allclose(again.raw(validation.x), stopped.raw(validation.x), atol=1e-6)


@pytest.mark.parametrize("depth", [1, 6])
def test_a_forest_with_small_leaves_scores_as_scikit_learn_predicts_probabilities(
    depth: int, learnt: Table, asked: Table, fit_small: Callable[..., Any]
) -> None:
    small = fit_small("RandomForest", learnt, depth=depth, leafRows=1)
    model: RandomForestClassifier = small.fitted.model

    expected = model.predict_proba(small.encoded(asked))[:, 1]

    np.testing.assert_allclose(small.scorer.score_many(asked.features), expected, atol=TOLERANCE)


def test_trees_send_missing_values_that_training_never_saw_where_the_library_does(
    simulated: Callable[..., Table], asked: Table, fit_small: Callable[..., Any]
) -> None:
    clean = simulated(rows=1500)
    for name in ("XGBoost", "RandomForest"):
        small = fit_small(name, clean)
        ours = small.scorer.raw_many(asked.features)
        np.testing.assert_allclose(ours, small.fitted.raw(small.encoded(asked)), atol=TOLERANCE)


def test_a_forest_that_splits_missing_from_present_is_plain_finite_data(
    learnt: Table, fit_small: Callable[..., Any]
) -> None:
    """scikit-learn marks such splits by an infinite threshold, and JSON has none."""
    gone = np.where(learnt.label == 1, np.nan, 1.0 + np.arange(len(learnt)) % 7)
    telling = replace(learnt, features={**learnt.features, "told": NumericColumn(gone)})
    small = fit_small("RandomForest", telling)
    trees = small.scorer.definition.model
    assert isinstance(trees, Trees)

    assert any(np.isinf(tree.tree_.threshold).any() for tree in small.fitted.model.estimators_)
    assert np.isfinite(trees.boundary).all()
    np.testing.assert_allclose(
        small.scorer.raw_many(telling.features), small.fitted.raw(small.encoded(telling)), atol=TOLERANCE
    )


def test_the_linear_model_scores_as_scikit_learn_decides(
    learnt: Table, asked: Table, fit_small: Callable[..., Any]
) -> None:
    small = fit_small("LogisticRegression", learnt, c=0.3)
    x = small.sample.x.astype(np.float64)
    model = LogisticRegression(C=0.3, max_iter=20_000, tol=1e-9).fit(x, small.sample.y)

    expected = model.decision_function(small.encoded(asked))

    np.testing.assert_allclose(small.scorer.raw_many(asked.features), expected, atol=TOLERANCE)


def test_the_support_vector_machine_scores_as_scikit_learn_decides(
    learnt: Table, asked: Table, fit_small: Callable[..., Any]
) -> None:
    small = fit_small("SVM", learnt, c=1.0, gamma=1.0)
    model = SVC(C=1.0, gamma=small.fitted.gamma).fit(small.sample.x, small.sample.y)
    exported = small.scorer.definition.model
    assert isinstance(exported, RadialBasis)

    scale = 1 / (small.sample.x.shape[1] * small.sample.x.astype(np.float64).var())
    assert small.fitted.gamma == pytest.approx(scale, rel=1e-4)
    assert len(exported.vectors) == model.n_support_.sum()
    np.testing.assert_allclose(
        small.scorer.raw_many(asked.features), model.decision_function(small.encoded(asked)), atol=TOLERANCE
    )


@pytest.mark.parametrize("name", list(CANDIDATES))
def test_the_empty_record_scores_as_a_row_in_which_everything_is_missing(
    name: str, learnt: Table, damage: Callable[..., Table], fit_small: Callable[..., Any]
) -> None:
    small = fit_small(name, learnt)
    nothing = damage(learnt.rows(np.array([0])), missing=1.0)

    assert small.scorer.score({}) == pytest.approx(small.scorer.score_many(nothing.features)[0], abs=1e-12)
