"""A ChurnModel object as the operator sees it."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from churnguard_core.churnmodel.parse import parse_churnmodel
from churnguard_core.churnmodel.problems import InvalidChurnModel
from churnguard_core.churnmodel.status import Status
from churnguard_core.churnmodel.types import ChurnModel
from churnguard_core.names import revision_number
from churnguard_operator.observed import Document, ModelView
from churnguard_operator.views.fields import created, is_deleting, mapping, number, text


def view_model(document: Document) -> ModelView:
    """The ChurnModel, its spec parsed or its problems named."""
    parsed, problems = _parse(document)
    return ModelView(
        name=text(document, "metadata", "name"),
        namespace=text(document, "metadata", "namespace"),
        uid=text(document, "metadata", "uid"),
        generation=number(document, "metadata", "generation"),
        resource_version=text(document, "metadata", "resourceVersion"),
        created=created(document),
        is_deleting=is_deleting(document),
        annotations={
            key: value
            for key, value in mapping(document, "metadata", "annotations").items()
            if isinstance(value, str)
        },
        parsed=parsed,
        problems=problems,
        status=view_status(document.get("status")),
    )


def _parse(document: Document) -> tuple[ChurnModel | None, tuple[str, ...]]:
    try:
        return parse_churnmodel(document), ()
    except InvalidChurnModel as invalid:
        return None, tuple(map(str, invalid.problems))


def view_status(status: object) -> Status:
    """A status as it was written; parts that cannot be read (a newer operator's, say) count as absent."""
    if not isinstance(status, dict):
        return Status()
    try:
        found = msgspec.convert(status, Status)
    except msgspec.ValidationError:
        found = msgspec.convert(_readable(status), Status)
    return replace(
        found,
        serving=found.serving if found.serving and _is_revision(found.serving.revision) else None,
        candidate=found.candidate if found.candidate and _is_revision(found.candidate.revision) else None,
        training=found.training if found.training and _is_revision(found.training.revision) else None,
        revisions=tuple(record for record in found.revisions if _is_revision(record.name)),
    )


def _is_revision(name: str) -> bool:
    try:
        revision_number(name)
    except ValueError:
        return False
    return True


def _readable(status: Document) -> Document:
    readable = {}
    for name, value in status.items():
        try:
            msgspec.convert({name: value}, Status)
        except msgspec.ValidationError:
            continue
        readable[name] = value
    return readable
