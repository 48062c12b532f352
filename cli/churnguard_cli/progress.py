"""Progress on standard error: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from churnguard_core.progress import ProgressLine

Show = Callable[[ProgressLine], None]


@contextmanager
def shown_progress() -> Iterator[Show]:
    """What to call with each line."""
    if not sys.stderr.isatty():
        yield lambda line: click.echo(plain_line(line), err=True)
        return
    with _bar() as show:
        yield show


def plain_line(line: ProgressLine) -> str:
    """A line for logs: seconds, stage, percent where known, message."""
    percent = "" if line.percent is None else f" {line.percent:3.0f} %"
    return f"{line.elapsed:7.1f} s  {line.stage:<9}{percent} {line.message}"


@contextmanager
def _bar() -> Iterator[Show]:
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True, highlight=False)
    columns = (
        SpinnerColumn(),
        TextColumn("{task.fields[stage]:<9}"),
        BarColumn(bar_width=24),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("starting", stage="", total=None)

        def show(line: ProgressLine) -> None:
            progress.update(
                task,
                description=escape(line.message),
                stage=line.stage,
                total=None if line.percent is None else 100,
                completed=line.percent or 0,
            )

        yield show
