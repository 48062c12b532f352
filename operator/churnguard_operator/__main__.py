"""``churnguard-operator``: from ChurnModels to trained, served models."""

from __future__ import annotations

import asyncio
import gc
import sys
from typing import Final

from churnguard_core.logs import configure_logging
from churnguard_operator.options import parse_options

GARBAGE_THRESHOLDS: Final = (50_000, 10, 50)
"""What comes of the API server is trees without cycles, and thousands of them are kept: to look through all of them
again and again while a list is read takes as long as to read it, and finds nothing."""


def main() -> int:
    """Run the program; the process's exit code."""
    options = parse_options(sys.argv[1:])
    configure_logging(level=options.log_level)
    import uvloop

    from churnguard_operator.program import run

    # What was loaded stays for life: the collector need not look at it again.
    gc.freeze()
    gc.set_threshold(*GARBAGE_THRESHOLDS)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(run(options))


if __name__ == "__main__":
    sys.exit(main())
