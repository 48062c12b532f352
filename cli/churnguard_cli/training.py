"""Training on this machine: what ``train`` and ``up`` have in common."""

from __future__ import annotations

import os
import signal
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import click
import msgspec

from churnguard_cli import messages
from churnguard_cli.exits import FAILED, GATES_FAILED, OK, REFUSED
from churnguard_cli.fingerprints import fingerprint_of
from churnguard_cli.memory import Trained, remember
from churnguard_cli.models import read_models
from churnguard_cli.program import Ended, run_training
from churnguard_cli.progress import shown_progress
from churnguard_cli.report import print_result
from churnguard_cli.store import Stored
from churnguard_core.churnmodel.data import FileSource, Source
from churnguard_core.churnmodel.types import ChurnModel
from churnguard_core.gates import passed
from churnguard_core.result import TrainingResult


@dataclass(frozen=True, kw_only=True)
class Request:
    """What to train, and where the bundle goes; ``champion`` is what the new revision is compared with."""

    model: ChurnModel
    revision: str
    store: Path
    champion: Stored | None


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """An exit code, and the folder of the bundle when one was written."""

    code: int
    bundle: Path | None = None


def read_model(file: Path, *, data: Path | None) -> ChurnModel:
    """The one ChurnModel of a file, learning from ``data`` if given; says what is wrong and exits otherwise."""
    found = read_models(file)
    for skipped in found.skipped:
        messages.note(skipped)
    problems = list(found.problems)
    if len(found.models) > 1:
        names = ", ".join(model.metadata.name for model in found.models)
        problems.append(f"{file}: holds {len(found.models)} ChurnModels ({names}); expected one")
    if data is not None and not data.is_file():
        problems.append(f"{data}: {'no file' if data.exists() else 'No such file or directory'}")
    if problems:
        for problem in problems:
            messages.error(problem)
        raise click.exceptions.Exit(REFUSED)
    (model,) = found.models
    return model if data is None else _with_source(model, file=data)


def train_and_report(request: Request) -> Outcome:
    """Run the training program, show its progress and its result, and remember what it was made from."""
    fingerprint = fingerprint_of(request.model)
    ended = _run(request)
    result = ended.result
    if result is None or result.verdict != "Trained" or result.bundle is None:
        return Outcome(code=_report_untrained(ended))
    bundle = Path(unquote(urlsplit(result.bundle.uri).path))
    # Customers that changed meanwhile are perhaps not those that it learnt from.
    if fingerprint is not None and fingerprint == fingerprint_of(request.model):
        champion = request.champion
        trained = Trained(
            fingerprint=fingerprint,
            bundle=bundle.name,
            digest=result.bundle.digest,
            champion=None if champion is None else champion.digest,
        )
        remember(request.store, request.model.metadata, trained)
    _report_trained(result, request=request, digest=result.bundle.digest, bundle=bundle)
    return Outcome(code=OK if passed(result.gates) else GATES_FAILED, bundle=bundle)


def shown(path: Path) -> Path:
    """The path as a person would type it from here."""
    here = Path(os.getcwd())
    return path.relative_to(here) if path.is_relative_to(here) else path


def _with_source(model: ChurnModel, *, file: Path) -> ChurnModel:
    replace = msgspec.structs.replace
    source = Source(file=FileSource(uri=file.resolve().as_uri()))
    return replace(model, spec=replace(model.spec, data=replace(model.spec.data, source=source)))


def _run(request: Request) -> Ended:
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


def _report_trained(result: TrainingResult, *, request: Request, digest: str, bundle: Path) -> None:
    champion = request.champion
    print_result(
        result,
        champion=None if champion is None else f"{request.model.metadata.name}-r{champion.number}",
        console=messages.output_console(),
    )
    click.echo(f"bundle: {shown(bundle)}")
    if champion is not None and champion.digest == digest:
        messages.note(f"It is the same model as {champion.path.name}: a cluster would not roll it out.")


def _report_untrained(ended: Ended) -> int:
    if ended.stopped_by is not None:
        name = signal.Signals(ended.stopped_by).name
        messages.error(f"stopped by {name}; no bundle was written")
        return 128 + ended.stopped_by
    if ended.result is not None and ended.result.verdict == "Refused":
        messages.error(f"training was refused ({ended.result.reason})")
        messages.note(ended.result.message)
        return REFUSED
    if ended.errors:
        messages.note(ended.errors)
    if ended.code == -signal.SIGKILL:
        messages.error("the training program was killed; perhaps the machine ran out of memory")
    else:
        messages.error(f"the training program crashed (exit code {ended.code})")
    return FAILED
