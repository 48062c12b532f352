"""``churnguard-serve``: the predictor of a revision."""

from __future__ import annotations

import sys

from churnguard_serving.options import parse_options


def main() -> int:
    """Run the program; the process's exit code."""
    options = parse_options(sys.argv[1:])
    # KServe parses the command line when it is imported, and takes this setting from nowhere else.
    sys.argv[1:] = ["--enable_docs_url", str(options.docs)]
    from churnguard_serving.program import run

    return run(options)


if __name__ == "__main__":
    sys.exit(main())
