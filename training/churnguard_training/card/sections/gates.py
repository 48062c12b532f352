"""The gates and the comparison with the serving revision."""

from __future__ import annotations

from typing import Final

from churnguard_core.gates import LOWER_IS_BETTER
from churnguard_training.card.markdown import code, plain, section, table
from churnguard_training.card.sections.trust import FIGURES
from churnguard_training.card.subject import Subject
from churnguard_training.card.wording import figure

NO_DIFFERENCE: Final = 0.003
"""Differences below this mean nothing (on a scale from 0 to 1; lift is allowed ten times as much)."""


def describe_gates(subject: Subject) -> str:
    """Every gate with its verdict."""
    rows = [
        [code(gate.gate, most=80), "passed" if gate.passed else "**failed**", plain(gate.detail)]
        for gate in subject.gates
    ]
    return section("Gates", table(["gate", "verdict", "figure"], rows)) if rows else ""


def describe_champion(subject: Subject) -> str:
    """Both revisions on the same rows."""
    title = "Against the serving revision"
    champion, metrics = subject.champion, subject.evaluation.metrics
    if not champion:
        return section(title, "Nothing serves yet, so there is nothing to compare with.")
    rows = [
        [
            text,
            figure(metrics[name]),
            figure(champion[name]),
            _comparison(name, metrics[name], champion[name]),
        ]
        for name, (text, _) in FIGURES.items()
        if name in champion
    ]
    return section(
        title,
        f"Both were judged on the same {subject.evaluation.rows:,} rows.",
        table(["figure", "this revision:", "serving:", "this one is"], rows),
    )


def _comparison(name: str, new: float, old: float) -> str:
    tolerance = 10 * NO_DIFFERENCE if name == "liftTopDecile" else NO_DIFFERENCE
    if abs(new - old) < tolerance:
        return "equal"
    return "better" if (new < old) == (name in LOWER_IS_BETTER) else "worse"
