"""How it was trained."""

from __future__ import annotations

from typing import Final

from churnguard_core.churnmodel.types import Source
from churnguard_training.card.markdown import section, table
from churnguard_training.card.subject import Subject
from churnguard_training.card.wording import figure, number, percent

BALANCINGS: Final = {
    "None": "The class ratio was left as it is.",
    "ClassWeight": "Leavers got more weight in training; calibration brings the probabilities back.",
    "SMOTE": "Synthetic leavers were added (SMOTE) inside the training folds only; calibration brings the "
    "probabilities back.",
}


def describe_making(subject: Subject) -> str:
    """Data, candidates and parameters: enough to repeat it."""
    evaluation, training = subject.evaluation, subject.model.spec.training
    rows = evaluation.training_rows + evaluation.rows
    left = percent(evaluation.training_positives / evaluation.training_rows)
    return section(
        "How was it trained?",
        f"{_source(subject.model.spec.data.source)} gave {rows:,} rows with {subject.columns} features: "
        f"{evaluation.training_rows:,} to learn from ({left} left) "
        f"and {evaluation.rows:,} to be judged on. {BALANCINGS[training.balancing]} Candidates competed by "
        "cross-validated log loss on the training rows; the first one won.",
        _candidates(subject),
        f"{_calibration(subject)} Seed {training.seed}: the same data and the same ChurnModel give the same model.",
    )


def _source(source: Source) -> str:
    if source.simulator is not None:
        return "The simulator"
    return "A file" if source.file is not None else "A database query"


def _candidates(subject: Subject) -> str:
    return table(
        ["algorithm", "log loss:", "ROC AUC:", "trials:", "parameters"],
        [
            [
                candidate.algorithm,
                f"{candidate.log_loss:.4f}",
                figure(candidate.roc_auc),
                str(candidate.trials),
                ", ".join(f"{name} {_parameter(value)}" for name, value in candidate.parameters.items()),
            ]
            for candidate in subject.evaluation.candidates
        ],
    )


def _parameter(value: float | int | str) -> str:
    return value if isinstance(value, str) else number(value)


def _calibration(subject: Subject) -> str:
    calibration = subject.calibration
    if calibration.slope == 1.0 and calibration.intercept == 0.0:
        return "Its scores needed no calibration."
    return (
        f"Its raw scores were calibrated with slope {calibration.slope:.3f} and intercept {calibration.intercept:.3f}, "
        "fitted on out-of-fold scores."
    )
