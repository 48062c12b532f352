"""``churnguard train``."""

from __future__ import annotations

import os
import shlex
import signal
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import click
import msgspec

from churnguard_cli import messages
from churnguard_cli.exits import EXIT_CODES, FAILED, GATES_FAILED, OK, REFUSED
from churnguard_cli.models import read_models
from churnguard_cli.program import Ended, run_training
from churnguard_cli.progress import shown_progress
from churnguard_cli.report import print_result
from churnguard_cli.store import Stored, champion_of, next_revision, stored_bundles
from churnguard_core.churnmodel.data import FileSource, Source
from churnguard_core.churnmodel.types import ChurnModel
from churnguard_core.gates import passed
from churnguard_core.names import revision_number
from churnguard_core.result import TrainingResult


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
    model = _read_model(file, data=data)
    store = output.absolute()
    champion = champion_of(stored_bundles(store, model.metadata))
    request = _Request(
        model=model,
        revision=next_revision(store, model.metadata)
        if revision is None
        else _checked(revision, model=model),
        store=store,
        champion=champion,
    )
    return _report(_run(request), request=request)


@dataclass(frozen=True, kw_only=True)
class _Request:
    model: ChurnModel
    revision: str
    store: Path
    champion: Stored | None


def _read_model(file: Path, *, data: Path | None) -> ChurnModel:
    found = read_models(file)
    for skipped in found.skipped:
        messages.note(skipped)
    problems = list(found.problems)
    if len(found.models) > 1:
        names = ", ".join(model.metadata.name for model in found.models)
        problems.append(f"{file}: holds {len(found.models)} ChurnModels ({names}); train takes one")
    if data is not None and not data.is_file():
        problems.append(f"{data}: {'no file' if data.exists() else 'No such file or directory'}")
    if problems:
        for problem in problems:
            messages.error(problem)
        raise click.exceptions.Exit(REFUSED)
    (model,) = found.models
    return model if data is None else _with_source(model, file=data)


def _with_source(model: ChurnModel, *, file: Path) -> ChurnModel:
    replace = msgspec.structs.replace
    source = Source(file=FileSource(uri=file.resolve().as_uri()))
    return replace(model, spec=replace(model.spec, data=replace(model.spec.data, source=source)))


def _checked(revision: str, *, model: ChurnModel) -> str:
    try:
        number = revision_number(revision)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--revision") from None
    if revision != f"{model.metadata.name}-r{number}":
        raise click.BadParameter(
            f"{revision!r} is no revision of {model.metadata.name}; expected {model.metadata.name}-r{number}",
            param_hint="--revision",
        )
    return revision


def _run(request: _Request) -> Ended:
    with tempfile.TemporaryDirectory(prefix="churnguard-") as folder, shown_progress() as show:
        file = Path(folder, f"{request.model.metadata.name}.json")
        file.write_bytes(msgspec.json.encode(request.model))
        arguments = [
            f"--model={file}",
            f"--revision={request.revision}",
            f"--output={request.store.as_uri()}",
        ]
        if request.champion is not None:
            arguments += [
                f"--champion={request.champion.path.as_uri()}",
                f"--champion-digest={request.champion.digest}",
            ]
        return run_training(arguments, on_progress=show)


def _report(ended: Ended, *, request: _Request) -> int:
    result = ended.result
    if result is not None and result.verdict == "Trained" and result.bundle is not None:
        return _report_trained(result, request=request)
    if ended.stopped_by is not None:
        name = signal.Signals(ended.stopped_by).name
        messages.error(f"stopped by {name}; no bundle was written")
        return 128 + ended.stopped_by
    if result is not None and result.verdict == "Refused":
        messages.error(f"training was refused ({result.reason})")
        messages.note(result.message)
        return REFUSED
    _report_crash(ended)
    return FAILED


def _report_trained(result: TrainingResult, *, request: _Request) -> int:
    assert result.bundle is not None  # noqa: S101 - for the type checker
    champion = request.champion
    print_result(
        result,
        champion=None if champion is None else f"{request.model.metadata.name}-r{champion.number}",
        console=messages.output_console(),
    )
    folder = _shown(Path(unquote(urlsplit(result.bundle.uri).path)))
    click.echo(f"bundle: {folder}")
    if champion is not None and champion.digest == result.bundle.digest:
        messages.note(f"It is the same model as {champion.path.name}: a cluster would not roll it out.")
    messages.hint(f"churnguard bundle show {shlex.quote(str(folder))}")
    return OK if passed(result.gates) else GATES_FAILED


def _report_crash(ended: Ended) -> None:
    if ended.errors:
        messages.note(ended.errors)
    if ended.code == -signal.SIGKILL:
        messages.error("the training program was killed; perhaps the machine ran out of memory")
    else:
        messages.error(f"the training program crashed (exit code {ended.code})")


def _shown(path: Path) -> Path:
    """The path as a person would type it from here."""
    here = Path(os.getcwd())
    return path.relative_to(here) if path.is_relative_to(here) else path
