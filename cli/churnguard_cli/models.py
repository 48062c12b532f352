"""From a file's text to its ChurnModels, with every problem of all of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from churnguard_cli.documents import MOST_BYTES, InvalidYaml, read_documents
from churnguard_core.churnmodel.parse import parse_churnmodel
from churnguard_core.churnmodel.problems import InvalidChurnModel
from churnguard_core.churnmodel.types import ChurnModel
from churnguard_core.names import GROUP, KIND


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a file holds. ``problems`` name file, field and what is wrong; ``skipped`` are objects of other kinds."""

    models: tuple[ChurnModel, ...] = ()
    problems: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()


def read_models(path: Path) -> Found:
    """The ChurnModels of a file; one that cannot be read has a problem."""
    try:
        with path.open("rb") as file:
            # One byte more tells that there is more; a device may have no end.
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        return Found(problems=(f"{path}: {error.strerror or error}",))
    return find_models(data, name=str(path))


def find_models(data: bytes, *, name: str) -> Found:
    """The ChurnModels of a text; pure."""
    try:
        documents = read_documents(data)
    except InvalidYaml as invalid:
        return Found(problems=tuple(f"{name}: {problem}" for problem in invalid.problems))
    models, problems, skipped = [], [], []
    for number, document in enumerate(documents, start=1):
        where = name if len(documents) == 1 else f"{name}, document {number}"
        if other := _other_kind(document):
            skipped.append(f"{where}: a {other}, skipped")
            continue
        try:
            models.append(parse_churnmodel(document))
        except InvalidChurnModel as invalid:
            problems += [f"{where}: {problem}" for problem in invalid.problems]
    if not models and not problems:
        problems.append(f"{name}: holds no ChurnModel")
    return Found(models=tuple(models), problems=tuple(problems), skipped=tuple(skipped))


def _other_kind(document: object) -> str:
    """Kind of an object that is somebody else's; empty when it is, or was meant to be, a ChurnModel."""
    if not isinstance(document, dict):
        return ""
    kind, api_version = document.get("kind"), document.get("apiVersion")
    if not isinstance(kind, str) or not isinstance(api_version, str):
        return ""
    ours = api_version.partition("/")[0] == GROUP or kind.lower() == KIND.lower()
    return "" if ours else kind[:60]
