"""How a refusal reads: every component that tells people what is wrong says it in this shape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

MOST_PROBLEMS: Final = 12


def message_for_people(problems: Sequence[str], *, hint: str) -> str:
    """One problem per line, then the hint if there is one; at most a screen, the rest is counted."""
    shown = list(problems[:MOST_PROBLEMS])
    if len(problems) > len(shown):
        shown.append(f"and {len(problems) - len(shown)} more")
    return "\n".join([*shown, *([f"hint: {hint}"] if hint else [])])
