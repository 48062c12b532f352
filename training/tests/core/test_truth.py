"""Against the truth that only a simulator knows: true risks, and the columns that really drive them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from churnguard_core.churnmodel.types import Search, Training
from churnguard_scoring.scorer import Scorer
from churnguard_simulator import Customers
from churnguard_training.fitting import fit_model
from churnguard_training.table import Table

pytestmark = pytest.mark.slow

ROWS = 20_000
HIGH_RISK = 0.6


@pytest.fixture(scope="module", params=["XGBoost", "LogisticRegression"])
def scorer(request: pytest.FixtureRequest, simulated: Callable[..., Table]) -> Scorer:
    """Learnt from 20,000 customers."""
    training = Training(algorithms=(request.param,), search=Search(trials=2))
    return Scorer(fit_model(simulated(rows=ROWS), training).definition)


@pytest.fixture(scope="module")
def others(customers_of: Callable[..., Customers]) -> Customers:
    """Customers whom no model has seen."""
    return customers_of(rows=ROWS, seed=8)


@pytest.fixture(scope="module")
def asked(simulated: Callable[..., Table]) -> Table:
    return simulated(rows=ROWS, seed=8)


def test_in_every_tenth_of_customers_the_mean_score_is_the_mean_true_risk(
    scorer: Scorer, others: Customers, asked: Table
) -> None:
    scores, risk = scorer.score_many(asked.features), others.truth.true_risk

    for by in (scores, risk):  # by score for calibration, by risk for shrinkage
        for rows in np.array_split(np.argsort(by), 10):
            assert scores[rows].mean() == pytest.approx(risk[rows].mean(), abs=0.03)
    assert np.abs(scores - risk).mean() < 0.035


def test_scores_order_customers_nearly_as_well_as_the_true_risk_does(
    scorer: Scorer, others: Customers, asked: Table
) -> None:
    best = roc_auc_score(asked.label, others.truth.true_risk)

    assert best - 0.008 < roc_auc_score(asked.label, scorer.score_many(asked.features)) < best + 0.002


def test_the_strongest_reason_of_customers_at_high_risk_is_among_their_true_top_three(
    scorer: Scorer, others: Customers, asked: Table
) -> None:
    """``TotalCharges`` is tenure times price, so its share belongs to tenure, whose clock it repeats."""
    scores, reasons = scorer.explain_many(asked.features)
    names = [feature.name for feature in scorer.features]
    by_name = {name: reasons[:, at] for at, name in enumerate(names)}
    by_name["tenure"] = by_name["tenure"] + by_name.pop("TotalCharges")
    # Protected columns are no features: what they do, nobody can see.
    truth = {name: part for name, part in others.truth.contributions.items() if name in by_name}
    high = np.flatnonzero(scores >= HIGH_RISK)

    strongest = np.array(list(by_name))[np.argmax(np.stack(list(by_name.values())), axis=0)]
    ranked = np.array(list(truth))[np.argsort(-np.stack(list(truth.values())), axis=0)]
    hits = [strongest[row] in ranked[:3, row] for row in high]

    assert len(high) > 500
    assert np.mean(hits) >= 0.95


def test_a_column_without_effect_has_next_to_no_reasons(scorer: Scorer, asked: Table) -> None:
    _, reasons = scorer.explain_many(asked.features)
    size = dict(zip([feature.name for feature in scorer.features], np.abs(reasons).mean(axis=0), strict=True))

    for name in ("Partner", "OnlineBackup", "DeviceProtection"):
        assert size[name] < 0.12 * size["Contract"], size
