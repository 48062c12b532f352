"""``churnguard train``."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from churnguard_cli import messages
from churnguard_cli.exits import EXIT_CODES
from churnguard_core.names import revision_name, revision_number


@click.command(epilog=EXIT_CODES)
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    help="Learn from this CSV or Parquet file instead of spec.data.source.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    default=Path("store"),
    show_default=True,
    help="Folder of bundles.",
)
@click.option("--revision", help="Name of the revision.  [default: the next one in the folder]")
def train(file: Path, data: Path | None, output: Path, revision: str | None) -> int:
    """Train the ChurnModel of FILE on this machine.

    It runs the program that a cluster's Job runs, with the same arguments. The newest bundle of the model whose gates
    held is the champion that the new one is compared with.
    """
    # Imported late: --help needs none of it.
    from churnguard_cli.store import champion_of, next_revision, stored_bundles
    from churnguard_cli.training import Request, read_model, shown, train_and_report

    model = read_model(file, data=data)
    store, name = output.absolute(), model.metadata.name
    named = next_revision(store, model.metadata) if revision is None else _checked(revision, model=name)
    champion = champion_of(stored_bundles(store, model.metadata))
    outcome = train_and_report(Request(model=model, revision=named, store=store, champion=champion))
    if outcome.bundle is not None:
        messages.hint(f"churnguard bundle show {shlex.quote(str(shown(outcome.bundle)))}")
    return outcome.code


def _checked(revision: str, *, model: str) -> str:
    try:
        expected = revision_name(model=model, number=revision_number(revision))
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--revision") from None
    if revision != expected:
        raise click.BadParameter(
            f"{revision!r} is no revision of {model}; expected {expected}", param_hint="--revision"
        )
    return revision
