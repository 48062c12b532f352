"""What people are told: messages on standard error, tables where they are asked for."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import Console

PLAIN_WIDTH = 100
MOST_WIDTH = 120


def error(text: str) -> None:
    """What went wrong."""
    _say("error", text, color="red")


def warning(text: str) -> None:
    """What to look at."""
    _say("warning", text, color="yellow")


def hint(text: str) -> None:
    """What to do, after a blank line."""
    click.echo(err=True)
    _say("hint", text, color="cyan")


def note(text: str) -> None:
    """What is good to know."""
    click.echo(text, err=True)


def _say(kind: str, text: str, *, color: str) -> None:
    click.echo(f"{click.style(kind, fg=color, bold=True)}: {text}", err=True)


def printable(text: str) -> str:
    """Text without what a terminal would obey: it may come from anywhere."""
    return "".join(letter if letter.isprintable() or letter in "\n\t" else "�" for letter in text)


def output_console() -> Console:
    """For tables and cards on standard output: as wide as the terminal, within reason; else of a fixed width."""
    # Imported late: not every message needs a table.
    from rich.console import Console

    width = min(Console().width, MOST_WIDTH) if sys.stdout.isatty() else PLAIN_WIDTH
    return Console(width=width, highlight=False, markup=False, emoji=False)
