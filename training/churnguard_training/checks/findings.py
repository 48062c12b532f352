"""Findings of a check: problems refuse the data, warnings are shown; and how rows are named in both."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from churnguard_training.errors import Reason, Refused

MAX_SHOWN: Final = 5
"""Rows or values shown before "and N more": enough to find the pattern, short enough for one line."""

_REASONS: Final[dict[Reason, str]] = {
    "MalformedData": "mend the source so that it is one table with one header",
    "InvalidData": "mend the data, or say in spec.data.columns what the columns mean",
    "LeakyColumns": "list them in columns.exclude, or in allow.leakyColumns if they are known before a customer leaves",
    "TooFewRows": "bring more customers; for a first try, allow.fewRows: true accepts fewer, with less certain figures",
}
"""Reasons a table can be refused for, the gravest first, each with what to do."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding; with a reason it refuses the data, without one it is a warning."""

    text: str
    reason: Reason | None = None


def problem(text: str) -> Finding:
    """A finding about the content that refuses the data."""
    return Finding(text, "InvalidData")


def warning(text: str) -> Finding:
    """A finding that is only shown."""
    return Finding(text)


def warnings_of(findings: Iterable[Finding]) -> tuple[str, ...]:
    """The texts of the warnings."""
    return tuple(finding.text for finding in findings if finding.reason is None)


def refuse_on_problems(findings: Sequence[Finding], *, name: str) -> None:
    """Raise Refused with every problem, under the gravest of their reasons; return when there is none."""
    problems = [finding for finding in findings if finding.reason is not None]
    if not problems:
        return
    found = {finding.reason for finding in problems}
    reasons = [reason for reason in _REASONS if reason in found]
    ranked = sorted(problems, key=lambda finding: reasons.index(finding.reason))  # type: ignore[arg-type]
    raise Refused(
        reason=reasons[0],
        problems=[f"{name}: {finding.text}" for finding in ranked],
        hint="; ".join(_REASONS[reason] for reason in reasons),
    )


@dataclass(frozen=True, slots=True)
class RowNumbers:
    """Row numbers as people see them; ``first`` is that of the table's first row."""

    first: int = 1

    def listed(self, rows: NDArray[np.bool_]) -> str:
        """The rows where the mask is true, such as ``rows 490, 755 and 3 more``."""
        numbers = np.flatnonzero(rows) + self.first
        noun = "row" if len(numbers) == 1 else "rows"
        return f"{noun} {listed([str(number) for number in numbers[:MAX_SHOWN]], count=len(numbers))}"


def listed(shown: Sequence[str], *, count: int | None = None) -> str:
    """The first few of ``count`` things, in words; ``count`` defaults to their number."""
    total = len(shown) if count is None else count
    head = list(shown[:MAX_SHOWN])
    if total > len(head):
        return f"{', '.join(head)} and {total - len(head):,} more"
    return " and ".join([", ".join(head[:-1]), head[-1]]) if len(head) > 1 else "".join(head)


def counted(count: int, noun: str) -> str:
    """A count with its noun, such as ``1 cell`` or ``1,200 cells``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
