"""Options that the command lines of our servers have in common."""

from __future__ import annotations

import argparse

from churnguard_core.options import port_number, seconds


def add_address(parser: argparse.ArgumentParser, *, port: int) -> None:
    """``--host`` and ``--port``."""
    add = parser.add_argument
    add("--host", default="0.0.0.0", help="address to listen on (default: all)")  # noqa: S104 - in a pod
    add("--port", type=port_number, default=port, help=f"port of HTTP; 0 takes a free one (default: {port})")


def add_drain(parser: argparse.ArgumentParser) -> None:
    """``--drain-seconds``."""
    parser.add_argument(
        "--drain-seconds",
        type=seconds(low=0, high=3600),
        default=10.0,
        metavar="SECONDS",
        help="how long to go on answering after SIGTERM, as not ready (default: 10)",
    )
