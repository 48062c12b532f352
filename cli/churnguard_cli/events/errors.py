"""What can go wrong, in words for the screen."""

from __future__ import annotations


class CannotTakeEvents(Exception):  # noqa: N818 - names the fact
    """A program that events need does not run; ``hint`` says what to do about it."""

    def __init__(self, problem: str, *, hint: str = "") -> None:
        super().__init__(problem)
        self.hint = hint
