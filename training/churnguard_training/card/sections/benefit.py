"""What it is good for: lift by decile, and money."""

from __future__ import annotations

from churnguard_training.card.markdown import code, section, table
from churnguard_training.card.subject import Subject
from churnguard_training.card.wording import amount, percent, times


def describe_benefit(subject: Subject) -> str:
    """Tenths of the hold-out, the riskiest first."""
    reached, rows = 0, []
    for decile in subject.evaluation.deciles:
        reached += decile.churned
        rows.append(
            [
                str(decile.decile),
                f"{decile.rows:,}",
                percent(decile.churned / decile.rows),
                f"{decile.lift:.1f}",
                percent(reached / subject.evaluation.positives),
            ]
        )
    return section(
        "Whom does it find?",
        table(["tenth", "customers:", "left:", "times the average:", "all leavers reached so far:"], rows),
        "![Leavers by tenth](plots/deciles.png)",
    )


def describe_money(subject: Subject) -> str:
    """Value at risk on the hold-out, when a value column is known."""
    risk, column = subject.evaluation.value_at_risk, subject.model.spec.data.columns.value
    if risk is None or column is None or risk.total <= 0 or risk.value <= 0:
        return ""
    trusted = subject.trust.finding == "calibrated"
    return section(
        "Money at risk",
        f"The {subject.evaluation.rows:,} customers of the hold-out are worth {amount(risk.value)} (the sum of "
        f"{code(column)}). Score times value adds up to **{amount(risk.total)} at risk**, "
        f"{percent(risk.total / risk.value)} of it. The riskiest tenth of customers holds {amount(risk.top_decile)}, "
        f"{percent(risk.top_decile / risk.total)} of what is at risk"
        + (f": {times(10 * risk.top_decile / risk.total)} its share." if risk.top_decile > 0 else "."),
        "" if trusted else "Take these sums with care: they are right only when scores are probabilities.",
    )
