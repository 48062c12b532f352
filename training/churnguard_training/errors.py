"""Why a training run is refused.

``Refused`` is the one exception that the program turns into exit code 2 and a message for people. Anything else
that escapes is a crash.
"""

from __future__ import annotations

from typing import Literal

from churnguard_core.messages import message_for_people

Reason = Literal[
    "SourceUnreadable",  # the file, object or query cannot be read at all: missing, no permission, SQL error
    "MalformedData",  # it can be read, but is no table: ragged rows, truncated Parquet, NUL bytes
    "InvalidData",  # it is a table, but its content breaks a rule: label values, infinite numbers
    "TooFewRows",
    "LeakyColumns",
    "StoreUnreachable",  # the bundle store cannot be read or written
    "InvalidSpec",
    "ChampionUnreadable",
]


class Refused(Exception):  # noqa: N818 - a verdict, not an error of the program
    """Training is refused; the author of the ChurnModel can mend it.

    Args:
        reason: One of the closed set above, as shown in status.
        problems: What is wrong, each naming file, row, column or field; all of them, not only the first.
        hint: What to do.
    """

    def __init__(self, *, reason: Reason, problems: list[str], hint: str = "") -> None:
        self.reason: Reason = reason
        self.problems = tuple(problems)
        self.hint = hint
        super().__init__(self.message)

    @property
    def message(self) -> str:
        """The text for people: one problem per line, then the hint; at most a screen."""
        return message_for_people(self.problems, hint=self.hint)
