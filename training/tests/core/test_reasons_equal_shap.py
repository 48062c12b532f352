"""Reasons against the two libraries that define them: XGBoost's ``pred_contribs`` and ``shap``."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xgboost
from numpy.typing import NDArray

from churnguard_scoring.encoder import Encoder
from churnguard_scoring.scorer import Scorer
from churnguard_training.table import Table

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what importing shap warns of is not ours
    import shap

TOLERANCE = 1e-5
Floats = NDArray[np.floating]


@pytest.fixture(scope="module")
def learnt(simulated: Callable[..., Table], damage: Callable[..., Table]) -> Table:
    return damage(simulated(rows=1500), missing=0.1)


@pytest.fixture(scope="module")
def asked(simulated: Callable[..., Table], damage: Callable[..., Table]) -> Table:
    return damage(simulated(rows=1000, seed=8), missing=0.2, unseen=0.1, seed=2).rows(np.arange(300))


def by_source_column(values: Floats, *, encoder: Encoder, scorer: Scorer) -> Floats:
    """Values of encoded columns, added up by the source column that each comes from."""
    position = {feature.name: at for at, feature in enumerate(scorer.features)}
    summed = np.zeros((len(values), len(position)))
    for at, output in enumerate(encoder.outputs):
        summed[:, position[output.feature]] += values[:, at]
    return summed


@pytest.mark.parametrize("depth", [1, 2, 3, 4, 5, 6])
def test_reasons_of_boosting_equal_xgboosts_own_contributions(
    depth: int, learnt: Table, asked: Table, fit_small: Callable[..., Any]
) -> None:
    small = fit_small("XGBoost", learnt, depth=depth, childWeight=1.0)
    _, reasons = small.scorer.explain_many(asked.features)

    expected = small.fitted.booster.predict(xgboost.DMatrix(small.encoded(asked)), pred_contribs=True)

    summed = by_source_column(expected[:, :-1], encoder=small.encoder, scorer=small.scorer)
    assert np.abs(summed).max() > 0.1
    np.testing.assert_allclose(reasons, summed, atol=TOLERANCE)
    np.testing.assert_allclose(small.scorer.baseline, expected[:, -1], atol=TOLERANCE)


@pytest.mark.parametrize("depth", [1, 3, 6])
def test_reasons_of_boosting_equal_shap(
    depth: int, learnt: Table, asked: Table, fit_small: Callable[..., Any]
) -> None:
    small = fit_small("XGBoost", learnt, depth=depth)
    _, reasons = small.scorer.explain_many(asked.features)
    explainer = shap.TreeExplainer(small.fitted.booster, feature_perturbation="tree_path_dependent")

    values = explainer.shap_values(small.encoded(asked))

    summed = by_source_column(values, encoder=small.encoder, scorer=small.scorer)
    np.testing.assert_allclose(reasons, summed, atol=TOLERANCE)


@pytest.mark.parametrize("depth", [1, 2, 3, 4, 5, 6])
def test_reasons_of_a_forest_equal_shap(
    depth: int, learnt: Table, asked: Table, fit_small: Callable[..., Any]
) -> None:
    small = fit_small("RandomForest", learnt, depth=depth)
    scores, reasons = small.scorer.explain_many(asked.features)
    encoded = small.encoded(asked).astype(np.float64)
    explainer = shap.TreeExplainer(small.fitted.model, feature_perturbation="tree_path_dependent")

    values = explainer.shap_values(encoded)[:, :, 1]

    summed = by_source_column(values, encoder=small.encoder, scorer=small.scorer)
    assert np.abs(summed).max() > 0.03
    np.testing.assert_allclose(reasons, summed, atol=TOLERANCE)
    np.testing.assert_allclose(small.scorer.baseline, explainer.expected_value[1], atol=TOLERANCE)
    np.testing.assert_allclose(scores, small.fitted.raw(encoded), atol=TOLERANCE)


def test_reasons_of_the_linear_model_equal_shap_on_the_whole_background(
    learnt: Table, asked: Table, fit_small: Callable[..., Any]
) -> None:
    small = fit_small("LogisticRegression", learnt)
    _, reasons = small.scorer.explain_many(asked.features)
    background = np.asarray(small.sample.x, dtype=np.float64)
    # By default shap samples 100 rows of the background, and is off by as much as 0.07.
    masker = shap.maskers.Independent(background, max_samples=len(background))
    explainer = shap.LinearExplainer((small.fitted.weights, small.fitted.intercept), masker)

    values = explainer.shap_values(small.encoded(asked).astype(np.float64))

    summed = by_source_column(values, encoder=small.encoder, scorer=small.scorer)
    assert np.abs(summed).max() > 0.1
    np.testing.assert_allclose(reasons, summed, atol=TOLERANCE)
    np.testing.assert_allclose(small.scorer.baseline, explainer.expected_value, atol=TOLERANCE)


@pytest.mark.parametrize(("name", "apart"), [("RandomForest", 0.01), ("LogisticRegression", 1e-6)])
def test_the_baseline_is_the_mean_over_the_rows_learnt_from(
    name: str, apart: float, learnt: Table, fit_small: Callable[..., Any]
) -> None:
    """A forest's only up to its bootstrap samples; boosting weighs rows by how uncertain they are."""
    small = fit_small(name, learnt)

    assert small.scorer.baseline == pytest.approx(small.scorer.raw_many(learnt.features).mean(), abs=apart)


@pytest.mark.parametrize("name", ["XGBoost", "RandomForest", "LogisticRegression"])
def test_reasons_and_baseline_add_up_to_the_raw_score(
    name: str, learnt: Table, asked: Table, fit_small: Callable[..., Any]
) -> None:
    scorer = fit_small(name, learnt).scorer
    _, reasons = scorer.explain_many(asked.features)

    np.testing.assert_allclose(
        reasons.sum(axis=1) + scorer.baseline, scorer.raw_many(asked.features), atol=1e-9
    )
