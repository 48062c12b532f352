"""Entry point of ``churnguard``: streams, exit codes, and ends that are nobody's fault."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click

from churnguard_cli.application import application
from churnguard_cli.exits import INTERRUPTED, OK


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal without UTF-8 shows a question mark rather than a traceback.
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    given = None if arguments is None else list(arguments)
    # NO_COLOR: https://no-color.org
    color = False if os.environ.get("NO_COLOR") else None
    try:
        # It ends quietly, with exit code 1, when the reader of its output (head, less) has seen enough.
        code = application.main(given, prog_name="churnguard", standalone_mode=False, color=color)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        click.echo("interrupted", err=True)
        return INTERRUPTED
    return code if isinstance(code, int) else OK


if __name__ == "__main__":
    sys.exit(main())
