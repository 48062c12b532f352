"""``churnguard-serve``: the predictor of a revision."""

from __future__ import annotations

import os
import sys

from churnguard_serving.options import parse_options


def main() -> int:
    """Run the program; the process's exit code."""
    options = parse_options(sys.argv[1:])
    # KServe parses the command line when it is imported, and takes this setting from nowhere else.
    sys.argv[1:] = ["--enable_docs_url", str(options.docs)]
    # gRPC's core has a log of its own, in no format of ours; what matters in it is raised as well.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    from churnguard_serving.program import run

    return run(options)


if __name__ == "__main__":
    sys.exit(main())
