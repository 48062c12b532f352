"""Options that the command lines of our servers have in common, and types for theirs."""

from __future__ import annotations

import argparse
from collections.abc import Callable

LEVELS = ("debug", "info", "warning", "error")


def add_address(parser: argparse.ArgumentParser, *, port: int) -> None:
    """``--host`` and ``--port``."""
    add = parser.add_argument
    add("--host", default="0.0.0.0", help="address to listen on (default: all)")  # noqa: S104 - in a pod
    add("--port", type=port_number, default=port, help=f"port of HTTP; 0 takes a free one (default: {port})")


def add_drain(parser: argparse.ArgumentParser) -> None:
    """``--drain-seconds``."""
    parser.add_argument(
        "--drain-seconds",
        type=seconds,
        default=10.0,
        metavar="SECONDS",
        help="how long to go on answering after SIGTERM, as not ready (default: 10)",
    )


def add_log_level(parser: argparse.ArgumentParser) -> None:
    """``--log-level``."""
    parser.add_argument("--log-level", choices=LEVELS, default="info", help="default: info")


def whole_number(*, low: int, high: int) -> Callable[[str], int]:
    """A type of option: a whole number of this range."""

    def parse(text: str) -> int:
        number = int(text)
        if not low <= number <= high:
            raise argparse.ArgumentTypeError(f"{text} is not between {low} and {high}")
        return number

    # argparse says it of what is no number: "invalid whole number value".
    parse.__name__ = "whole number"
    return parse


def seconds(text: str) -> float:
    """A type of option: from nothing to an hour."""
    number = float(text)
    if not 0 <= number <= 3600:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 3600")
    return number


port_number = whole_number(low=0, high=65535)
"""A type of option: a port, 0 for a free one."""
