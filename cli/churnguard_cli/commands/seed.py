"""``churnguard seed``."""

from __future__ import annotations

from pathlib import Path

import click

from churnguard_cli import messages
from churnguard_cli.exits import EXIT_CODES, OK, REFUSED


@click.command(epilog=EXIT_CODES)
@click.option("--rows", type=int, default=7043, show_default=True, help="How many customers.")
@click.option(
    "--seed", type=int, default=7, show_default=True, help="The same seed gives the same customers."
)
@click.option("--output", type=click.Path(path_type=Path), required=True, help="The CSV file to write.")
@click.option(
    "--truth", type=click.Path(path_type=Path), help="Also write each customer's true risk and offer effect."
)
def seed(rows: int, seed: int, output: Path, truth: Path | None) -> int:
    """Write simulated customers, with the columns of the Telco data set, to a CSV file."""
    # Imported late: numpy takes a while, and --help needs none.
    from churnguard_simulator import iter_chunks, write_csv_files, write_customers_csv

    try:
        if truth is None:
            write_customers_csv(iter_chunks(rows=rows, seed=seed), output)
        else:
            write_csv_files(rows=rows, seed=seed, customers=output, truth=truth)
    except ValueError as error:
        messages.error(str(error))
        return REFUSED
    except OSError as error:
        messages.error(f"{output if truth is None else f'{output} or {truth}'}: {error.strerror or error}")
        return REFUSED
    click.echo(f"{output}: {rows:,} customers")
    if truth is not None:
        click.echo(f"{truth}: the truth about them")
    return OK
