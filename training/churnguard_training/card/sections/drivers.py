"""What drives churn, as far as the model uses it."""

from __future__ import annotations

from typing import Final

from churnguard_core.card import Direction, Driver, Effect
from churnguard_training.card.markdown import code, section, table
from churnguard_training.card.subject import Subject
from churnguard_training.card.wording import percent

DIRECTIONS: Final[dict[Direction, str]] = {
    "rises": "the more, the higher the risk",
    "falls": "the more, the lower the risk",
    "varies": "",
}

NO_REASONS: Final = (
    "A support-vector machine gives no exact reasons for its scores, so nothing can be said here and no plot is drawn. "
    "Choose another algorithm when people must be told why."
)


def describe_drivers(subject: Subject) -> str:
    """The strongest features, their share of all reasons and the direction in which they push."""
    title = "What drives churn?"
    if subject.starting_risk is None:
        return section(title, NO_REASONS)
    if not subject.drivers:
        return section(title, "Nothing: the model gives every customer the same score.")
    return section(
        title,
        f"All reasons start from a risk of {percent(subject.starting_risk)}; the table says where one reason alone "
        "takes it, for the groups of customers that a feature pushes furthest. The share is the feature's part of all "
        "reasons.",
        table(
            ["feature", "share:", "raises the risk most", "lowers it most", "direction"],
            [_row(driver) for driver in subject.drivers],
        ),
        _others(subject),
        "![What moves the risk](plots/reasons.png)",
        "Each dot is a customer of a random sample, without name or id. Reasons say what the model goes by, not what "
        "causes churn.",
    )


def _row(driver: Driver) -> list[str]:
    return [
        code(driver.feature),
        percent(driver.share),
        _effect(driver.highest),
        _effect(driver.lowest),
        DIRECTIONS[driver.direction],
    ]


def _effect(effect: Effect | None) -> str:
    return f"{code(effect.values)}: to {percent(effect.risk)}" if effect else ""


def _others(subject: Subject) -> str:
    others = subject.evaluation.importance[len(subject.drivers) :]
    unused = subject.columns - len(subject.evaluation.importance)
    texts = []
    if others:
        texts.append(f"{len(others)} further features share {percent(sum(other.share for other in others))}.")
    if unused:
        texts.append(f"{unused} of its {subject.columns} features play no part.")
    return " ".join(texts)
