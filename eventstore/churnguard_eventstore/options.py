"""Options that the command lines of those who write events have in common."""

from __future__ import annotations

import argparse
from pathlib import Path

from churnguard_core.options import add_log_level, whole_number


def add_migrate(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The command ``migrate``, with its options."""
    parser = commands.add_parser(
        "migrate", help="bring the tables to this program's version", allow_abbrev=False
    )
    add_database(parser)
    add_log_level(parser)


def add_database(parser: argparse.ArgumentParser) -> None:
    """``--database``: a file, because the address holds a password."""
    parser.add_argument(
        "--database", type=Path, metavar="FILE", help="file of postgresql://... (default: DATABASE_URL)"
    )


def add_keep_days(parser: argparse.ArgumentParser) -> None:
    """``--keep-days``."""
    parser.add_argument(
        "--keep-days",
        type=whole_number(low=1, high=3650),
        default=90,
        metavar="DAYS",
        help="days before today whose events are kept; older ones are dropped (default: 90)",
    )
