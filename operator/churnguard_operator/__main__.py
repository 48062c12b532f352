"""``churnguard-operator``: from ChurnModels to trained, served models."""

from __future__ import annotations

import asyncio
import sys

from churnguard_core.logs import configure_logging
from churnguard_operator.options import parse_options


def main() -> int:
    """Run the program; the process's exit code."""
    options = parse_options(sys.argv[1:])
    configure_logging(level=options.log_level)
    from churnguard_operator.program import run

    return asyncio.run(run(options))


if __name__ == "__main__":
    sys.exit(main())
