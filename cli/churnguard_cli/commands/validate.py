"""``churnguard validate``."""

from __future__ import annotations

from pathlib import Path

import click

from churnguard_cli import messages
from churnguard_cli.exits import EXIT_CODES, OK, REFUSED
from churnguard_cli.models import read_models


@click.command(epilog=EXIT_CODES)
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE...")
def validate(files: tuple[Path, ...]) -> int:
    """Name every wrong field of ChurnModel files (YAML or JSON, several documents allowed).

    Objects of other kinds are skipped. Each problem is one line: file, field, what is wrong.
    """
    sound = True
    for path in files:
        found = read_models(path)
        for skipped in found.skipped:
            messages.note(skipped)
        for problem in found.problems:
            click.echo(problem)
        for model in found.models:
            name = f"{model.metadata.namespace}/{model.metadata.name}"
            click.echo(f"{path}: ChurnModel {name} is valid")
        sound = sound and not found.problems
    return OK if sound else REFUSED
