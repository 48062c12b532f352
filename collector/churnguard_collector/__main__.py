"""``churnguard-collector``: events over HTTP to where they are kept."""

from __future__ import annotations

import sys

from churnguard_collector.options import parse_options


def main() -> int:
    """Run the program; the process's exit code."""
    options = parse_options(sys.argv[1:])
    from churnguard_collector.program import run

    return run(options)


if __name__ == "__main__":
    sys.exit(main())
