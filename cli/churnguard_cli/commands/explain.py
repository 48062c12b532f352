"""``churnguard explain``."""

from __future__ import annotations

import click

from churnguard_cli.answers import shown_explanations
from churnguard_cli.asking import ask, asking_options
from churnguard_cli.exits import EXIT_CODES


@click.command(epilog=EXIT_CODES)
@asking_options
def explain(*, given: tuple[str, ...], url: str, model: str | None) -> int:
    """Ask a running server why customers may leave: risk, advice, and every reason's share.

    Customers are given as to `churnguard predict`. A terminal shows what raises and what lowers each risk; a pipe
    gets one JSON object per line, in the order of the customers.
    """
    return ask(given, url=url, model=model, verb="explain", shown=shown_explanations)
