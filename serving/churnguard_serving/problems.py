"""What is wrong with a request, and the answer that says so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import Struct

from churnguard_scoring.records import FieldProblem

MOST_PROBLEMS: Final = 100
"""Problems named in one answer; the others are counted."""
MOST_NAME: Final = 128
"""Characters of a field's name that an answer repeats."""


class Problem(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing to mend: where (instance and field, as far as they are known) and what."""

    message: str
    instance: int | None = None
    field: str | None = None

    @property
    def place(self) -> str:
        """Where it is, as the beginning of a sentence about it."""
        instance = "" if self.instance is None else f"instances[{self.instance}]"
        parts = [part for part in (instance, self.field) if part]
        return ".".join(parts) + ": " if parts else ""


class BadRequest(Exception):  # noqa: N818 - an answer, not an error of the server
    """The caller's mistake.

    Args:
        error: One sentence about the whole request.
        problems: Everything that is wrong in it.
        status: A status from 400 to 499.
    """

    def __init__(self, error: str, *, problems: Sequence[Problem] = (), status: int = 400) -> None:
        self.error = error
        self.problems = tuple(problems)
        self.status = status
        super().__init__(self.text)

    @property
    def text(self) -> str:
        """The sentence and the first problems, for doors that answer in text."""
        shown = [f"{problem.place}{problem.message}" for problem in self.problems[:10]]
        return "; ".join([self.error, *shown])

    def body(self) -> bytes:
        """The answer's body."""
        return error_body(self.error, problems=self.problems)


class _Answer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    error: str
    problems: tuple[Problem, ...] = ()
    more: int = 0


def error_body(error: str, *, problems: Sequence[Problem] = ()) -> bytes:
    """JSON of an error, as KServe shapes it (``error``), with all problems beside it."""
    shown = tuple(problems[:MOST_PROBLEMS])
    return msgspec.json.encode(_Answer(error=error, problems=shown, more=len(problems) - len(shown)))


def wrong_fields(problems: Sequence[FieldProblem]) -> BadRequest:
    """Fields of instances that cannot be used."""
    return BadRequest(
        "instances hold fields that cannot be used",
        problems=[
            Problem(instance=found.instance, field=found.field[:MOST_NAME], message=found.message)
            for found in problems
        ],
    )
