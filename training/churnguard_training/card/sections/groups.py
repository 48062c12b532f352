"""How it treats the groups of protected columns."""

from __future__ import annotations

from churnguard_core.evaluation import GroupReport
from churnguard_training.card.markdown import code, section, table
from churnguard_training.card.subject import Subject
from churnguard_training.card.wording import figure, listed, percent


def describe_groups(subject: Subject) -> str:
    """Figures by group, with no promise of equality."""
    title = "Does it treat groups alike?"
    names = [code(name) for name in subject.model.spec.data.columns.protected]
    if not names:
        return section(title, "No column is declared protected, so this is not known.")
    reports = subject.evaluation.groups
    return section(
        title,
        f"{listed(names)} {'is' if len(names) == 1 else 'are'} not among the features. **That promises no equality**: "
        "other columns can carry the same information, and groups may really leave at different rates.",
        table(
            ["group", "customers:", "left:", "mean score:", "flagged:", "leavers found:", "ROC AUC:"],
            [_row(report) for report in reports],
        )
        if reports
        else "No group has enough rows to be judged.",
        *_differences(reports),
        f"Flagged: a score of at least {percent(subject.evaluation.threshold)}. Groups below 30 rows are left out."
        if reports
        else "",
    )


def _row(report: GroupReport) -> list[str]:
    return [
        f"{code(report.column)} {code(report.group)}",
        f"{report.rows:,}",
        percent(report.prevalence),
        percent(report.mean_score),
        percent(report.flagged),
        "" if report.recall is None else percent(report.recall),
        "" if report.roc_auc is None else figure(report.roc_auc),
    ]


def _differences(reports: tuple[GroupReport, ...]) -> list[str]:
    columns = dict.fromkeys(report.column for report in reports)
    found = [_difference([report for report in reports if report.column == column]) for column in columns]
    return [" ".join(text for text in found if text)]


def _difference(groups: list[GroupReport]) -> str:
    if len(groups) < 2:
        return ""
    most, least = max(groups, key=_flagged), min(groups, key=_flagged)
    return (
        f"By {code(most.column)}, the model flags {percent(most.flagged)} of group {code(most.group)} and "
        f"{percent(least.flagged)} of group {code(least.group)}; {percent(most.prevalence)} and "
        f"{percent(least.prevalence)} of them really left."
    )


def _flagged(report: GroupReport) -> float:
    return report.flagged
