"""Answers of a server: a table and bars on a terminal, one JSON object per line for programs."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from typing import Any, Final

import click
import msgspec

from churnguard_cli.chunks import Chunk
from churnguard_cli.client import Explained, Prediction
from churnguard_cli.messages import printable
from churnguard_cli.records import Record

Show = Callable[[Chunk, Sequence[msgspec.Raw]], None]

MOST_REASONS: Final = 8
BAR_WIDTH: Final = 20
MOST_LABEL: Final = 44
_COLORS: Final = {"high": "red", "medium": "yellow", "low": "green"}


def shown_predictions() -> Show:
    """What shows predictions."""
    if not sys.stdout.isatty():
        return _lines
    click.echo(click.style("customer    risk  level", bold=True))
    return _table


def shown_explanations() -> Show:
    """What shows predictions with their reasons."""
    return _reasons if sys.stdout.isatty() else _lines


def _lines(_chunk: Chunk, answers: Sequence[msgspec.Raw]) -> None:
    for answer in answers:
        click.echo(bytes(answer))


def _table(chunk: Chunk, answers: Sequence[msgspec.Raw]) -> None:
    for number, answer in enumerate(answers, start=chunk.first):
        found = msgspec.json.decode(answer, type=Prediction)
        click.echo(f"{number:8,}  {_percent(found.risk_score)}  {_level(found.risk_level)}")


def _reasons(chunk: Chunk, answers: Sequence[msgspec.Raw]) -> None:
    for number, (record, answer) in enumerate(zip(chunk.records, answers, strict=True), start=chunk.first):
        found = msgspec.json.decode(answer, type=Explained)
        for line in explanation(found, record=record, number=number):
            click.echo(line)


def explanation(found: Explained, *, record: Record, number: int) -> list[str]:
    """A prediction with its reasons as lines of text.

    Args:
        found: What the server said.
        record: What it was asked.
        number: Which one of the records asked it is.
    """
    title = click.style(f"customer {number}", bold=True)
    start = 1 / (1 + math.exp(-found.baseline)) if found.space == "logOdds" else found.baseline
    lines = [
        f"{title}: risk {_percent(found.risk_score).strip()}, {_level(found.risk_level)}",
        *(f"  advice  {printable(text)}" for text in found.insights),
        f"  starts at {_percent(start).strip()}, where all reasons begin",
    ]
    by_size = sorted(found.shap_values.items(), key=lambda reason: -abs(reason[1]))
    largest = max((abs(value) for _, value in by_size), default=0.0)
    raising = [(name, value) for name, value in by_size[:MOST_REASONS] if value > 0]
    lowering = [(name, value) for name, value in by_size[:MOST_REASONS] if value < 0]
    for word, color, reasons in (("raises", "red", raising), ("lowers", "green", lowering)):
        for place, (name, value) in enumerate(reasons):
            bar = click.style("█" * max(1, round(BAR_WIDTH * abs(value) / largest)), fg=color)
            label = _label(name, record)
            lines.append(f"  {word if not place else '':<6}  {label:<{MOST_LABEL}} {value:+6.2f} {bar}")
    if others := by_size[MOST_REASONS:]:
        label = f"{len(others)} smaller ones together"
        total = math.fsum(value for _, value in others)
        lines.append(f"  {'others':<6}  {label:<{MOST_LABEL}} {total:+6.2f}")
    unit = "log-odds" if found.space == "logOdds" else "probability"
    return [*lines, f"  in {unit}; all of them and the start add up to the risk", ""]


def _label(name: str, record: Record) -> str:
    value = record.get(name)
    text = f"{name} not given" if value is None else f"{name} = {_spelled(value)}"
    text = printable(text).replace("\n", " ")
    return text if len(text) <= MOST_LABEL else f"{text[: MOST_LABEL - 1]}…"


def _spelled(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _percent(risk: float) -> str:
    return f"{100 * risk:4.1f} %"


def _level(level: str) -> str:
    return click.style(printable(level), fg=_COLORS.get(level))
