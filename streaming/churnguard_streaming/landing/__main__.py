"""``churnguard-land``: events from Kafka into Postgres."""

from __future__ import annotations

import sys

from churnguard_streaming.landing.options import parse_options


def main() -> int:
    """Run the program; the process's exit code."""
    options = parse_options(sys.argv[1:])
    from churnguard_streaming.landing.program import run

    return run(options)


if __name__ == "__main__":
    sys.exit(main())
