"""The judge: a fitted model's figures on a hold-out that nothing was tuned on."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from churnguard_core.churnmodel.types import Training
from churnguard_core.evaluation import (
    Evaluation,
    FeatureImportance,
    GroupReport,
    HoldoutMethod,
    ValueAtRisk,
)
from churnguard_scoring.columns import MISSING_CODE, CategoricalColumn
from churnguard_scoring.radial_basis import NoReasonsError
from churnguard_scoring.scorer import Scorer
from churnguard_training.fitting import FittedModel, fit_chosen
from churnguard_training.folds import subsample
from churnguard_training.metrics import Labels, Scores, calibration_bins, deciles, intervals, measure
from churnguard_training.table import Table

TOO_GOOD_ROC_AUC: Final = 0.95
"""Churn is a decision of people: better than this on a hold-out, a feature probably knows the answer."""
CROSS_VALIDATION_GAP: Final = 0.03
SHUFFLES: Final = 5
"""One shuffle says little: it learns some random direction, and features that order real labels order by it too."""
SHUFFLE_ROWS: Final = 20_000
SHUFFLED_GAP: Final = 0.05
SHUFFLED_ERRORS: Final = 5.0
"""The mean of a few shuffles is 0.5 give or take its standard error; this many of them are no chance."""
MOST_REASON_ROWS: Final = 5_000
LEAST_GROUP_ROWS: Final = 30


def judge(
    fitted: FittedModel, *, training_part: Table, holdout: Table, method: HoldoutMethod, training: Training
) -> Evaluation:
    """Score the hold-out with the bundle's own evaluator and measure.

    Args:
        fitted: Fitted on ``training_part`` only.
        training_part: For the prevalence and the shuffled-label baseline.
        holdout: Rows that nothing was tuned on.
        method: How they were chosen.
        training: The spec, for seed and balancing.
    """
    scorer = Scorer(fitted.definition)
    scores = scorer.score_many(holdout.features)
    y = holdout.label
    metrics = measure(y, scores, threshold=fitted.threshold)
    shuffled = _shuffled_roc_aucs(fitted, training_part, holdout, training=training)
    return Evaluation(
        holdout=method,
        rows=len(holdout),
        positives=int(y.sum()),
        training_rows=len(training_part),
        training_positives=int(training_part.label.sum()),
        threshold=fitted.threshold,
        metrics=metrics,
        intervals=intervals(y, scores, seed=training.seed),
        baseline=prevalence_baseline(y, prevalence=float(training_part.label.mean())),
        shuffled_roc_auc=float(shuffled.mean()),
        candidates=fitted.candidates,
        calibration=calibration_bins(y, scores),
        deciles=deciles(y, scores),
        importance=importance(scorer, training_part, seed=training.seed),
        groups=group_reports(holdout, scores, threshold=fitted.threshold),
        value_at_risk=value_at_risk(holdout, scores),
        warnings=(
            *holdout.warnings,
            *suspicions(
                metrics=metrics,
                cross_validated=fitted.chosen.report.roc_auc,
                shuffled=float(shuffled.mean()),
                shuffled_error=float(shuffled.std(ddof=1)) / SHUFFLES**0.5,
            ),
        ),
    )


def prevalence_baseline(y: Labels, *, prevalence: float) -> dict[str, float]:
    """Figures of always answering the training prevalence; what a model must beat to be worth anything."""
    constant = np.full(len(y), prevalence)
    figures = measure(y, constant, threshold=prevalence)
    # A constant orders nobody: its top decile is any decile.
    return {**figures, "precisionTopDecile": float(y.mean()), "liftTopDecile": 1.0}


def suspicions(
    *, metrics: dict[str, float], cross_validated: float, shuffled: float, shuffled_error: float
) -> tuple[str, ...]:
    """What is too good, or does not fit together, in words."""
    found = []
    if metrics["rocAuc"] > TOO_GOOD_ROC_AUC:
        found.append(
            f"ROC AUC {metrics['rocAuc']:.3f} on the hold-out is too good for churn: look for a feature that is only "
            "known after a customer left (see the importance of features)"
        )
    gap = cross_validated - metrics["rocAuc"]
    if gap > CROSS_VALIDATION_GAP:
        found.append(
            f"ROC AUC falls from {cross_validated:.3f} in cross-validation to {metrics['rocAuc']:.3f} on the hold-out: "
            "the data changes over time, or one customer has rows in several folds"
        )
    if abs(shuffled - 0.5) > max(SHUFFLED_GAP, SHUFFLED_ERRORS * shuffled_error):
        found.append(
            f"a model trained on shuffled labels has ROC AUC {shuffled:.3f}, not 0.5: rows leak labels"
        )
    return tuple(found)


def _shuffled_roc_aucs(
    fitted: FittedModel, training_part: Table, holdout: Table, *, training: Training
) -> NDArray[np.float64]:
    rows = subsample(groups=training_part.groups, most=SHUFFLE_ROWS, seed=training.seed)
    part, random = training_part.rows(rows), np.random.default_rng(training.seed)
    values = []
    for _ in range(SHUFFLES):
        shuffled = replace(part, label=random.permutation(part.label))
        scorer = Scorer(fit_chosen(shuffled, fitted.chosen, training=training))
        values.append(roc_auc_score(holdout.label, scorer.raw_many(holdout.features)))
    return np.array(values)


def importance(scorer: Scorer, table: Table, *, seed: int) -> tuple[FeatureImportance, ...]:
    """Mean absolute reasons over at most 5,000 rows, the strongest feature first; empty without reasons."""
    rows = subsample(groups=table.groups, most=MOST_REASON_ROWS, seed=seed)
    try:
        _, reasons = scorer.explain_many(table.rows(rows).features)
    except NoReasonsError:
        return ()
    means = np.abs(reasons).mean(axis=0)
    total = float(means.sum()) or 1.0
    order = np.argsort(-means, kind="stable")
    return tuple(
        FeatureImportance(
            feature=scorer.features[at].name,
            mean_absolute_reason=float(means[at]),
            share=float(means[at]) / total,
        )
        for at in order
        if means[at] > 0
    )


def value_at_risk(table: Table, scores: Scores) -> ValueAtRisk | None:
    """Money at risk on these rows; None when no value is known."""
    if table.value is None:
        return None
    value = np.nan_to_num(table.value, nan=0.0)
    at_risk = scores * value
    riskiest = np.argsort(-scores, kind="stable")[: max(1, round(len(scores) / 10))]
    return ValueAtRisk(
        total=float(at_risk.sum()), top_decile=float(at_risk[riskiest].sum()), value=float(value.sum())
    )


def group_reports(table: Table, scores: Scores, *, threshold: float) -> tuple[GroupReport, ...]:
    """Figures by group of the protected columns; small groups are left out, their figures would be noise."""
    return tuple(
        _group_report(name, group, table.label[rows], scores[rows], threshold=threshold)
        for name, column in table.protected.items()
        for group, rows in _groups(column)
        if len(rows) >= LEAST_GROUP_ROWS
    )


def _groups(column: CategoricalColumn) -> list[tuple[str, NDArray[np.intp]]]:
    groups = [(text, np.flatnonzero(column.codes == code)) for code, text in enumerate(column.categories)]
    return [*groups, ("missing", np.flatnonzero(column.codes == MISSING_CODE))]


def _group_report(column: str, group: str, y: Labels, scores: Scores, *, threshold: float) -> GroupReport:
    flagged, churned = scores >= threshold, y == 1
    both = bool(churned.any() and not churned.all())
    return GroupReport(
        column=column,
        group=group,
        rows=len(y),
        prevalence=float(y.mean()),
        mean_score=float(scores.mean()),
        flagged=float(flagged.mean()),
        recall=float(flagged[churned].mean()) if churned.any() else None,
        roc_auc=float(roc_auc_score(y, scores)) if both else None,
    )
