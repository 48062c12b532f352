"""Verdict, warnings and the model in one paragraph."""

from __future__ import annotations

from churnguard_training.card.markdown import bullets, code, plain
from churnguard_training.card.subject import Subject
from churnguard_training.card.wording import percent, times


def describe_overview(subject: Subject) -> str:
    """What to know when reading no further; warnings come before praise."""
    return "\n\n".join(part for part in (_verdict(subject), _warnings(subject), _in_short(subject)) if part)


def _verdict(subject: Subject) -> str:
    failed = [gate for gate in subject.gates if not gate.passed]
    if subject.may_serve:
        return "**It may serve**: every gate holds."
    reasons = (
        "; ".join(f"{code(gate.gate, most=80)} ({plain(gate.detail)})" for gate in failed)
        or "there is no gate to judge it by"
    )
    return f"**It must not serve**: {reasons}."


def _warnings(subject: Subject) -> str:
    warnings = [*_from_the_spec(subject), *map(plain, subject.evaluation.warnings)]
    if not subject.beats_baseline:
        warnings.insert(
            0, "Its probabilities are no better than answering the average for every customer: do not use it."
        )
    return f"**Warnings: read these first**\n\n{bullets(warnings)}" if warnings else ""


def _from_the_spec(subject: Subject) -> list[str]:
    data, algorithm = subject.model.spec.data, subject.algorithm
    found = []
    if data.source.simulator is not None:
        found.append("It learnt from **simulated customers**: good for a first look, not for real ones.")
    if data.allow.few_rows:
        found.append(
            "Its author allowed training on few rows; the intervals below say how little is certain."
        )
    if data.allow.leaky_columns:
        names = plain(", ".join(data.allow.leaky_columns))
        found.append(f"Its author allowed columns that predict the answer almost alone: {names}.")
    if algorithm == "SVM":
        found.append(
            "A support-vector machine keeps rows of customers inside the bundle and gives no reasons."
        )
    return found


def _in_short(subject: Subject) -> str:
    evaluation, metrics = subject.evaluation, subject.evaluation.metrics
    caution = "Read this with the warnings in mind. " if evaluation.warnings else ""
    return (
        f"{caution}The model gives every customer a probability of leaving. It is {subject.algorithm_in_words}, "
        f"learnt from {evaluation.training_rows:,} rows and judged on {evaluation.rows:,} others that nothing was "
        f"tuned on, of which {percent(subject.prevalence)} left. **Of the 10 % with the highest scores, "
        f"{percent(metrics['precisionTopDecile'])} left; that is {times(metrics['liftTopDecile'])} the average.** "
        f"Whoever contacts the riskiest 30 % reaches {percent(subject.reached(3))} of all who leave. Shown one "
        f"customer who left and one who stayed, it gives the one who left the higher score in "
        f"{100 * metrics['rocAuc']:.0f} of 100 cases (chance: 50)."
    )
