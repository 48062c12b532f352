"""From whom on to act, and why F1 is no headline."""

from __future__ import annotations

from churnguard_training.card.markdown import section
from churnguard_training.card.subject import Subject
from churnguard_training.card.wording import figure, percent


def describe_threshold(subject: Subject) -> str:
    """A threshold by money; the one that is tuned for F1 only where no money is known."""
    capacity = (
        "With room for a fixed number of contacts, take the highest scores instead and use no threshold."
    )
    value = subject.model.spec.data.columns.value
    worth = "value of the customer" if value is None else "value"
    return section(
        "From which score on should we act?",
        f"Act when **score × share of leavers whom the action keeps × {worth} > cost of the action**. For example, an "
        "action that costs 5 % of a customer's value and keeps one leaver in five pays from a score of "
        f"{percent(0.05 / 0.2)}. {capacity}",
        f"Only when no money is known: {percent(subject.evaluation.threshold)} is the threshold that balances "
        "found and false alarms on the training rows (highest F1).",
    )


def describe_f1(subject: Subject) -> str:
    """F1, explained rather than advertised."""
    metrics, share = subject.evaluation.metrics, subject.prevalence
    constant = 2 * share / (1 + share)
    return section(
        "Why is F1 not the headline?",
        f"F1 is {figure(metrics['f1Tuned'])} at the tuned threshold and {figure(metrics['f1'])} at 50 %: it judges the "
        "threshold as much as the model, and it depends on how many leave. Flagging everybody already gives "
        f"{figure(constant)} here. Values above 0.8 on churn data usually come from resampling before the data is "
        "split, so that copies of the judged rows are learnt by heart.",
    )
