"""Exit codes of ``churnguard``, the same for every command."""

from __future__ import annotations

import signal
from typing import Final

OK: Final = 0
FAILED: Final = 1
REFUSED: Final = 2
GATES_FAILED: Final = 3
INTERRUPTED: Final = 130

EXIT_CODES: Final = """\b
Exit codes:
  0    done; a server that was stopped by Ctrl-C or SIGTERM is done
  1    failed: a program that was started crashed, or no server answers
  2    refused: wrong input, named on the screen
  3    trained, but a gate failed: it would not be served
  130  interrupted by Ctrl-C, 143 by SIGTERM, before it was done"""


def how_it_ended(code: int) -> str:
    """How a program that was started ended, by its exit code as ``subprocess`` has it."""
    return f"exit code {code}" if code >= 0 else f"killed by {signal.Signals(-code).name}"
