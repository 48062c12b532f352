"""The one exception of this package."""

from __future__ import annotations

from churnguard_core.messages import message_for_people


class StorageError(Exception):
    """A file, a bundle, a store or a secret cannot be used; whoever set it up can mend it.

    Args:
        problems: What is wrong, each naming address or key; all of them, and never a secret's value.
        hint: What to do.
    """

    def __init__(self, problems: list[str], hint: str = "") -> None:
        self.problems = tuple(problems)
        self.hint = hint
        super().__init__(self.message)

    @property
    def message(self) -> str:
        """The text for people, also given by ``str``."""
        return message_for_people(self.problems, hint=self.hint)
