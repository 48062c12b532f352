"""``churnguard predict``."""

from __future__ import annotations

import click

from churnguard_cli.answers import shown_predictions
from churnguard_cli.asking import ask, asking_options
from churnguard_cli.exits import EXIT_CODES


@click.command(epilog=EXIT_CODES)
@asking_options
def predict(*, given: tuple[str, ...], url: str, model: str | None) -> int:
    """Ask a running server how likely customers are to leave.

    Customers are those of a JSON file (an object, a list, or {"instances": [...]}) or of a CSV file, the same from
    standard input as -, or one as fields: tenure=1 Contract=Month-to-month. What is not given is unknown. A terminal
    shows a table, a pipe gets one JSON object per line, in the order of the customers.
    """
    return ask(given, url=url, model=model, verb="predict", shown=shown_predictions)
