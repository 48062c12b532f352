"""Can it be trusted: how it was judged, calibration, figures with their intervals and a baseline."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from churnguard_core.evaluation import CalibrationBin, HoldoutMethod
from churnguard_training.card.markdown import section, table
from churnguard_training.card.subject import Subject
from churnguard_training.card.trust import explained_by_chance
from churnguard_training.card.wording import counted, figure, percent, points

HOLDOUTS: Final[dict[HoldoutMethod, str]] = {
    "time": "the latest fifth of the rows: the model learnt from the past and was judged on what came after",
    "id": "a fifth of the customers, chosen by a hash of their id: nobody is on both sides, and a later revision is "
    "judged on the same customers",
    "features": "a fifth of the rows, chosen by a hash of their features: equal rows are on the same side, and a later "
    "revision is judged on the same ones",
}


def describe_trust(subject: Subject) -> str:
    """Calibration first: without it a score is no probability."""
    return section(
        "Can it be trusted?",
        _calibration(subject),
        _bins(subject),
        "![Predicted and observed share of leavers](plots/calibration.png)",
        f"Judged once on {HOLDOUTS[subject.evaluation.holdout]}. The same training on shuffled answers, which must "
        f"find nothing, has a ROC AUC of {figure(subject.evaluation.shuffled_roc_auc)} (0.5 is chance).",
        _figures(subject),
    )


def _calibration(subject: Subject) -> str:
    trust = subject.trust
    gap = (
        f"Over {counted(trust.bins, 'group')} of customers with similar scores, predicted and observed share differ by "
        f"{points(trust.gap)} on average; a perfect model would show about {points(trust.chance)} on so few rows."
    )
    totals = f"On the whole it expects {percent(trust.expected)} to leave; {percent(trust.observed)} did."
    verdict = {
        "calibrated": "**A score can be read as a probability.**",
        "too high": "**Scores are too high**: rank customers by them, but do not read them as probabilities.",
        "too low": "**Scores are too low**: rank customers by them, but do not read them as probabilities.",
        "uneven": "**Scores are too high for some and too low for others**: rank customers by them, but do not read "
        "them as probabilities.",
    }[trust.finding]
    return f"{verdict} {gap} {totals}"


def _bins(subject: Subject) -> str:
    rows = [
        [f"{b.rows:,}", percent(b.mean_score), percent(b.observed), _by_chance(b)]
        for b in subject.evaluation.calibration
    ]
    return table(["rows:", "predicted:", "left:", "difference"], rows)


def _by_chance(calibration_bin: CalibrationBin) -> str:
    if explained_by_chance(calibration_bin):
        return "within chance"
    return "more than chance explains"


def _figures(subject: Subject) -> str:
    evaluation = subject.evaluation
    rows = []
    for name, (title, in_words) in FIGURES.items():
        interval = evaluation.intervals.get(name)
        rows.append(
            [
                title,
                figure(evaluation.metrics[name]),
                f"{figure(interval[0])} to {figure(interval[1])}" if interval else "",
                figure(evaluation.baseline[name]),
                in_words(subject),
            ]
        )
    return table(["figure", "model:", "95 % interval:", "always the average:", "in words"], rows)


def _less_uncertainty(subject: Subject) -> str:
    model, baseline = subject.evaluation.metrics["logLoss"], subject.evaluation.baseline["logLoss"]
    change = 1 - model / baseline
    return f"{percent(abs(change))} {'less' if change >= 0 else 'more'} uncertainty than without a model"


FIGURES: Final[dict[str, tuple[str, Callable[[Subject], str]]]] = {
    "rocAuc": ("ROC AUC", lambda _: "how often a leaver is ranked above a stayer"),
    "prAuc": ("PR AUC", lambda _: "share of leavers among those flagged, averaged over all thresholds"),
    "logLoss": ("log loss", _less_uncertainty),
    "brier": ("Brier score", lambda _: "mean squared error of the probability; less is better"),
    "ece": ("calibration error", lambda _: "average gap of predicted and observed share; less is better"),
    "liftTopDecile": ("lift, riskiest tenth", lambda _: "times the average share of leavers"),
    "precisionTopDecile": ("precision, riskiest tenth", lambda _: "share of leavers among them"),
}
