"""The judge: honest figures, baselines to hold them against, and a word when something is too good."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from churnguard_core.evaluation import Evaluation
from churnguard_scoring.columns import MISSING_CODE, CategoricalColumn, NumericColumn
from churnguard_scoring.scorer import Scorer
from churnguard_training.checks.leaks import leaky_columns
from churnguard_training.judge import (
    LEAST_GROUP_ROWS,
    group_reports,
    importance,
    prevalence_baseline,
    suspicions,
    value_at_risk,
)
from churnguard_training.metrics import measure
from churnguard_training.table import Table

Judge = Callable[..., Any]


@pytest.fixture(scope="module")
def table(simulated: Callable[..., Table]) -> Table:
    return simulated(rows=4000)


@pytest.fixture(scope="module")
def evaluation(table: Table, judge_small: Judge) -> Evaluation:
    found: Evaluation = judge_small(table, shuffles=5).evaluation
    return found


def some_scores(table: Table) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.random.default_rng(3).random(len(table))


# --- what is judged ---


def test_figures_are_those_of_the_bundles_own_scorer_on_the_held_out_rows(
    table: Table, judge_small: Judge
) -> None:
    judged = judge_small(table, shuffles=5)
    evaluation, holdout = judged.evaluation, judged.holdout
    scores = Scorer(judged.fitted.definition).score_many(holdout.features)

    assert evaluation.metrics == measure(holdout.label, scores, threshold=judged.fitted.threshold)
    assert (evaluation.rows, evaluation.positives) == (len(holdout), holdout.label.sum())
    assert evaluation.training_rows + evaluation.rows == len(table)
    assert evaluation.training_positives + evaluation.positives == table.label.sum()
    assert evaluation.holdout == "id"
    assert set(evaluation.intervals) < set(evaluation.metrics) == set(evaluation.baseline)


def test_a_model_of_simulated_customers_is_good_but_not_too_good(evaluation: Evaluation) -> None:
    assert 0.78 < evaluation.metrics["rocAuc"] < 0.88
    assert evaluation.metrics["logLoss"] < evaluation.baseline["logLoss"] - 0.05
    assert evaluation.warnings == ()


def test_held_out_labels_have_no_influence_on_the_model(table: Table, judge_small: Judge) -> None:
    judged = judge_small(table, shuffles=5)
    flipped = replace(judged.holdout, label=1 - judged.holdout.label)
    spoilt = table.label.copy()
    spoilt[np.isin(table.groups, flipped.groups)] ^= 1

    again = judge_small(replace(table, label=spoilt))

    assert again.fitted.definition == judged.fitted.definition
    assert again.fitted.threshold == judged.fitted.threshold
    assert again.evaluation.metrics["rocAuc"] == pytest.approx(1 - judged.evaluation.metrics["rocAuc"])


# --- baselines ---


def test_a_model_of_shuffled_labels_knows_nothing(evaluation: Evaluation) -> None:
    assert evaluation.shuffled_roc_auc == pytest.approx(0.5, abs=0.06)


def test_the_prevalence_baseline_orders_nobody_and_flags_everybody() -> None:
    y = np.array([1] * 30 + [0] * 70, dtype=np.uint8)
    figures = prevalence_baseline(y, prevalence=0.25)

    assert figures["rocAuc"] == 0.5
    assert figures["prAuc"] == pytest.approx(0.3)
    assert figures["precisionTopDecile"] == pytest.approx(0.3)
    assert figures["liftTopDecile"] == 1.0
    assert figures["f1"] == 0.0
    assert figures["f1Tuned"] == pytest.approx(2 * 30 / 130)
    assert figures["brier"] == pytest.approx(0.3 * 0.75**2 + 0.7 * 0.25**2)
    assert figures["logLoss"] == pytest.approx(-0.3 * np.log(0.25) - 0.7 * np.log(0.75))


# --- suspicion ---


def test_a_feature_that_was_written_after_customers_left_is_flagged_not_praised(
    table: Table, judge_small: Judge
) -> None:
    random = np.random.default_rng(1)
    leak = NumericColumn(table.label + random.normal(scale=0.2, size=len(table)))
    leaky = replace(table, features={**table.features, "closed_at": leak})

    refused = leaky_columns(leaky.features, leaky.label, groups=leaky.groups, allowed=())
    allowed = leaky_columns(leaky.features, leaky.label, groups=leaky.groups, allowed=("closed_at",))
    evaluation = judge_small(leaky).evaluation

    assert [finding.reason for finding in (*refused, *allowed)] == ["LeakyColumns", None]
    assert evaluation.metrics["rocAuc"] > 0.98
    assert any("too good for churn" in warning for warning in evaluation.warnings)
    assert evaluation.importance[0].feature == "closed_at"


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({}, ()),
        ({"auc": 0.951}, ("too good for churn",)),
        ({"cross_validated": 0.881}, ("cross-validation",)),
        ({"cross_validated": 0.879}, ()),
        ({"cross_validated": 0.70}, ()),
        ({"shuffled": 0.58}, ("shuffled labels",)),
        ({"shuffled": 0.42}, ("shuffled labels",)),
        ({"shuffled": 0.58, "shuffled_error": 0.02}, ()),
        ({"auc": 0.96, "cross_validated": 0.999, "shuffled": 0.7}, ("too good", "cross-val", "shuffled")),
    ],
)
def test_suspicions_are_raised_at_their_limits(changed: dict[str, float], words: tuple[str, ...]) -> None:
    figures = {"auc": 0.85, "cross_validated": 0.85, "shuffled": 0.5, "shuffled_error": 0.005, **changed}
    auc = figures.pop("auc")

    found = suspicions(metrics={"rocAuc": auc}, **figures)

    assert len(found) == len(words)
    for text, word in zip(found, words, strict=True):
        assert word in text


def test_warnings_of_the_table_come_first(simulated: Callable[..., Table], judge_small: Judge) -> None:
    warned = replace(simulated(rows=1200), warnings=("11 cells are blank",))

    assert judge_small(warned).evaluation.warnings[0] == "11 cells are blank"


# --- importance ---


def test_importance_names_source_columns_by_size_and_shares_add_up(
    evaluation: Evaluation, table: Table
) -> None:
    names = [entry.feature for entry in evaluation.importance]
    sizes = [entry.mean_absolute_reason for entry in evaluation.importance]

    assert set(names) <= set(table.features)
    assert len(set(names)) == len(names)
    assert sizes == sorted(sizes, reverse=True)
    assert sum(entry.share for entry in evaluation.importance) == pytest.approx(1)
    assert {"tenure", "Contract"} <= set(names[:4])


def test_importance_is_the_mean_size_of_calibrated_reasons(table: Table, judge_small: Judge) -> None:
    judged = judge_small(table, shuffles=5)
    scorer = Scorer(judged.fitted.definition)
    _, reasons = scorer.explain_many(judged.training_part.features)
    expected = dict(zip([f.name for f in scorer.features], np.abs(reasons).mean(axis=0), strict=True))

    for entry in judged.evaluation.importance:
        assert entry.mean_absolute_reason == pytest.approx(expected[entry.feature])


def test_a_model_without_reasons_has_no_importance(
    simulated: Callable[..., Table], fit_small: Callable[..., Any]
) -> None:
    table = simulated(rows=1200)

    assert importance(fit_small("SVM", table).scorer, table, seed=1) == ()


# --- money ---


def test_value_at_risk_is_score_times_value() -> None:
    table = Table(
        features={},
        label=np.zeros(20, dtype=np.uint8),
        groups=np.arange(20, dtype=np.uint64),
        digest="",
        value=np.array([10.0, np.nan, *[1.0] * 18]),
    )
    scores = np.array([0.5, 0.9, *np.linspace(0.1, 0.4, 18)])
    found = value_at_risk(table, scores)

    assert found is not None
    assert found.value == pytest.approx(28)
    assert found.total == pytest.approx(5 + scores[2:].sum())  # nobody knows the second customer's value
    assert found.top_decile == pytest.approx(5)  # the two riskiest: 0.9 of nothing and 0.5 of 10
    assert value_at_risk(replace(table, value=None), scores) is None


def test_money_at_risk_is_about_the_money_that_was_lost(table: Table, judge_small: Judge) -> None:
    judged = judge_small(table, shuffles=5)
    at_risk, holdout = judged.evaluation.value_at_risk, judged.holdout
    lost = (holdout.value * holdout.label).sum()

    assert at_risk.total == pytest.approx(lost, rel=0.15)
    assert at_risk.top_decile < at_risk.total < at_risk.value


# --- groups ---


def test_every_group_of_a_protected_column_is_reported(evaluation: Evaluation, table: Table) -> None:
    groups = {(report.column, report.group): report for report in evaluation.groups}

    assert set(groups) == {
        ("gender", "Female"),
        ("gender", "Male"),
        ("SeniorCitizen", "0"),
        ("SeniorCitizen", "1"),
    }
    assert "gender" not in table.features
    for column in ("gender", "SeniorCitizen"):
        parts = [report for (name, _), report in groups.items() if name == column]
        assert sum(report.rows for report in parts) == evaluation.rows
        assert sum(report.rows * report.prevalence for report in parts) == pytest.approx(evaluation.positives)
        assert all(report.roc_auc is not None and report.roc_auc > 0.7 for report in parts)


def test_a_groups_figures_are_those_of_its_rows_alone(table: Table) -> None:
    scores = some_scores(table)
    (report,) = [r for r in group_reports(table, scores, threshold=0.6) if r.group == "Female"]
    column = table.protected["gender"]
    rows = column.codes == column.categories.index("Female")
    y, own = table.label[rows], scores[rows]

    assert report.rows == rows.sum()
    assert report.prevalence == pytest.approx(y.mean())
    assert report.mean_score == pytest.approx(own.mean())
    assert report.flagged == pytest.approx((own >= 0.6).mean())
    assert report.recall == pytest.approx((own >= 0.6)[y == 1].mean())
    assert report.roc_auc == pytest.approx(roc_auc_score(y, own))


def test_small_groups_are_left_out_and_missing_ones_are_a_group() -> None:
    codes = np.array([0] * (LEAST_GROUP_ROWS - 1) + [1] * LEAST_GROUP_ROWS + [MISSING_CODE] * 40)
    column = CategoricalColumn(codes.astype(np.int32), ("few", "enough"))
    rows = len(codes)
    label = np.zeros(rows, dtype=np.uint8)
    label[-40:-20] = 1
    table = Table(
        features={},
        label=label,
        groups=np.arange(rows, dtype=np.uint64),
        digest="",
        protected={"region": column},
    )

    found = {r.group: r for r in group_reports(table, np.linspace(0, 1, rows), threshold=0.5)}

    assert set(found) == {"enough", "missing"}
    assert (found["enough"].recall, found["enough"].roc_auc) == (None, None)  # nobody of them left
    assert found["missing"].prevalence == 0.5


# --- no signal at all ---


@pytest.mark.parametrize("algorithm", ["XGBoost", "LogisticRegression", "RandomForest"])
def test_data_without_any_signal_give_a_model_that_claims_nothing(
    algorithm: str, simulated: Callable[..., Table], judge_small: Judge
) -> None:
    table = simulated(rows=1200)
    random = np.random.default_rng(4)
    noise = replace(table, label=random.permutation(table.label))
    judged = judge_small(noise, algorithm=algorithm)

    scores = Scorer(judged.fitted.definition).score_many(judged.holdout.features)

    assert judged.fitted.definition.calibration.slope >= 0
    assert scores.std() < 0.06
    assert judged.evaluation.metrics["logLoss"] < judged.evaluation.baseline["logLoss"] + 0.02
    assert judged.evaluation.metrics["rocAuc"] < 0.62
