"""Exit codes of ``churnguard``, the same for every command."""

from __future__ import annotations

from typing import Final

OK: Final = 0
FAILED: Final = 1
REFUSED: Final = 2
GATES_FAILED: Final = 3
INTERRUPTED: Final = 130

EXIT_CODES: Final = """\b
Exit codes:
  0  done
  1  crashed, or the training program did
  2  refused: wrong input, named on the screen
  3  trained, but a gate failed: a cluster would not serve it"""
