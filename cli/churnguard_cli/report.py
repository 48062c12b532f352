"""A training result as people read it in a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import click
from rich import box
from rich.console import Console
from rich.table import Table

from churnguard_cli.store import Stored
from churnguard_core.gates import GateOutcome
from churnguard_core.result import TrainingResult

FIGURES: Final = {
    "rocAuc": "ROC AUC",
    "prAuc": "PR AUC",
    "logLoss": "log loss (less is better)",
    "brier": "Brier score (less is better)",
    "ece": "calibration error (less is better)",
    "liftTopDecile": "lift of the riskiest tenth",
    "precisionTopDecile": "precision of the riskiest tenth",
    "f1Tuned": "F1 at its tuned threshold",
}
HOLDOUTS: Final = {
    "time": "the latest by time",
    "id": "by a hash of the id",
    "features": "by a hash of the features",
}


def print_result(result: TrainingResult, *, champion: str | None, console: Console) -> None:
    """Print what was trained, its figures, warnings and gates.

    Args:
        result: Of a run that trained.
        champion: Name of the revision it was compared with.
        console: On standard output.
    """
    holdout = HOLDOUTS.get(result.holdout, result.holdout)
    click.echo(
        f"{click.style(result.revision, bold=True)}: {result.algorithm}, learnt from "
        f"{result.rows - result.holdout_rows:,} rows, judged on {result.holdout_rows:,} others ({holdout}), of which "
        f"{100 * result.prevalence:.1f} % left\n"
    )
    console.print(_figures(result, champion=champion))
    click.echo()
    for warning in result.warnings:
        click.echo(f"{click.style('warning', fg='yellow', bold=True)}: {warning}")
    for gate in result.gates:
        click.echo(_gate(gate))


def print_reused(bundle: Stored, *, folder: Path) -> None:
    """Print what is taken from the store instead of being trained; ``folder`` as it is shown."""
    click.echo(
        f"{click.style(bundle.revision, bold=True)}: not trained again, customers and ChurnModel are the same\n"
    )
    for gate in bundle.gates:
        click.echo(_gate(gate))
    click.echo(f"bundle: {folder}")


def _figures(result: TrainingResult, *, champion: str | None) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("on the hold-out")
    others: list[Mapping[str, float]] = [result.baseline]
    headers = [result.revision, "95 % interval", "always the average"]
    if result.champion:
        others.append(result.champion)
        headers.append(champion or "champion")
    for header in headers:
        table.add_column(header, justify="right", no_wrap=True)
    for name, title in FIGURES.items():
        if name in result.metrics:
            interval = result.intervals.get(name)
            between = f"{interval[0]:.3f} to {interval[1]:.3f}" if interval else ""
            table.add_row(title, _number(result.metrics, name), between, *(_number(o, name) for o in others))
    return table


def _number(figures: Mapping[str, float], name: str) -> str:
    value = figures.get(name)
    return "" if value is None else f"{value:.3f}"


def _gate(gate: GateOutcome) -> str:
    verdict = click.style("passed", fg="green") if gate.passed else click.style("failed", fg="red", bold=True)
    return f"gate {verdict}: {gate.gate} ({gate.detail})" if gate.detail else f"gate {verdict}: {gate.gate}"
