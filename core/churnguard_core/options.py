"""What the command lines of our programs have in common: types of options, and the option that all of them take."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TypeVar

LEVELS = ("debug", "info", "warning", "error")

_Number = TypeVar("_Number", int, float)


def add_log_level(parser: argparse.ArgumentParser) -> None:
    """``--log-level``."""
    parser.add_argument("--log-level", choices=LEVELS, default="info", help="default: info")


def whole_number(*, low: int, high: int) -> Callable[[str], int]:
    """A type of option: a whole number of this range."""
    return _between(int, low=low, high=high, name="whole number")


def seconds(*, low: float, high: float) -> Callable[[str], float]:
    """A type of option: seconds, or parts of one, of this range."""
    return _between(float, low=low, high=high, name="seconds")


def _between(
    read: Callable[[str], _Number], *, low: _Number, high: _Number, name: str
) -> Callable[[str], _Number]:
    def parse(text: str) -> _Number:
        number = read(text)
        if not low <= number <= high:
            raise argparse.ArgumentTypeError(f"{text} is not between {low} and {high}")
        return number

    # argparse says it of what is no number: "invalid whole number value".
    parse.__name__ = name
    return parse


port_number = whole_number(low=0, high=65535)
"""A type of option: a port, 0 for a free one."""
