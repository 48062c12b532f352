"""Asking a server about records: what ``predict`` and ``explain`` have in common."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TypeVar

import click

from churnguard_cli import messages
from churnguard_cli.answers import Show
from churnguard_cli.chunks import Chunk, chunks
from churnguard_cli.client import BadRequest, Client, NoAnswer, Problem, Verb
from churnguard_cli.exits import FAILED, OK, REFUSED
from churnguard_cli.records import (
    Record,
    UnreadableRecords,
    known_fields,
    records_from_file,
    records_from_pairs,
    records_from_stream,
)

DEFAULT_URL = "http://127.0.0.1:8080"
MOST_UNKNOWN = 20

_Command = TypeVar("_Command", bound=Callable[..., object])


def asking_options(command: _Command) -> _Command:
    """The arguments and options of a command that asks a server."""
    for decorate in (
        click.argument("given", nargs=-1, required=True, metavar="(FILE | - | FIELD=VALUE...)"),
        click.option("--model", help="Name of the model.  [default: the one that is served]"),
        click.option("--url", default=DEFAULT_URL, show_default=True, help="Address of the server."),
    ):
        command = decorate(command)
    return command


def ask(given: Sequence[str], *, url: str, model: str | None, verb: Verb, shown: Callable[[], Show]) -> int:
    """Read the records, ask in requests of a bounded size, show the answers; the exit code."""
    _check(given)
    try:
        client = Client(url)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--url") from None
    with closing(client):
        try:
            return _ask(client, given, model=model, verb=verb, shown=shown)
        except UnreadableRecords as error:
            messages.error(messages.printable(str(error)))
            return REFUSED
        except BadRequest as bad:
            _show_refusal(bad, first=None)
            return REFUSED
        except NoAnswer as error:
            messages.error(messages.printable(str(error)))
            if error.unheard:
                messages.hint(
                    "churnguard up FILE trains a ChurnModel and serves it; --url asks another server"
                )
            return FAILED


def _check(given: Sequence[str]) -> None:
    if len(given) > 1 and not all("=" in argument for argument in given):
        problem = "give one file, or - for standard input, or fields as name=value; not several of them"
        raise click.UsageError(problem)
    (first, *_) = given
    if "=" not in first and first != "-" and not Path(first).is_file():
        messages.error(f"{first}: {'no file' if Path(first).exists() else 'No such file or directory'}")
        raise click.exceptions.Exit(REFUSED)


def _ask(
    client: Client, given: Sequence[str], *, model: str | None, verb: Verb, shown: Callable[[], Show]
) -> int:
    name = model or _only_model(client)
    types = client.input_types(name)
    unknown: set[str] = set()
    show: Show | None = None
    for chunk in chunks(known_fields(_records(given, types=types), types=types, unknown=unknown)):
        try:
            answers = client.ask(name, verb, chunk.encoded)
        except BadRequest as bad:
            _show_refusal(bad, first=chunk)
            return REFUSED
        # Not before the first answer: a heading alone would say that there is one.
        show = show or shown()
        show(chunk, answers)
    _show_unknown(unknown, model=name)
    if show is None:
        raise UnreadableRecords(f"{given[0]}: holds no records")
    return OK


def _only_model(client: Client) -> str:
    names = client.models()
    if len(names) != 1:
        served = ", ".join(names) or "none"
        raise click.UsageError(f"the server has {len(names)} models ({served}); name one with --model")
    return names[0]


def _records(given: Sequence[str], *, types: Mapping[str, str]) -> Iterator[Record]:
    if "=" in given[0]:
        return records_from_pairs(given, types=types)
    if given[0] == "-":
        return records_from_stream(sys.stdin.buffer, name="standard input", types=types)  # type: ignore[arg-type]
    return records_from_file(Path(given[0]), types=types)


def _show_refusal(bad: BadRequest, *, first: Chunk | None) -> None:
    start = 1 if first is None else first.first
    for problem in bad.problems:
        messages.error(messages.printable(_located(problem, start=start)))
    if not bad.problems:
        messages.error(messages.printable(bad.error))
    if bad.more:
        messages.note(f"and {bad.more} more")


def _located(problem: Problem, *, start: int) -> str:
    where = [] if problem.instance is None else [f"customer {start + problem.instance:,}"]
    where += [] if problem.field is None else [problem.field]
    return f"{', '.join(where)}: {problem.message}" if where else problem.message


def _show_unknown(unknown: set[str], *, model: str) -> None:
    if unknown:
        names = sorted(unknown)
        shown = ", ".join(names[:MOST_UNKNOWN]) + (", ..." if len(names) > MOST_UNKNOWN else "")
        messages.note(messages.printable(f"{model} has no such fields, they were left out: {shown}"))
