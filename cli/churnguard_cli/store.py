"""The store of a laptop: a folder of bundles, ``<namespace>/<model>/<model>-r<number>-<digest12>``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec

from churnguard_core.bundle import CARD_DATA_NAME, MANIFEST_NAME
from churnguard_core.churnmodel.types import Metadata
from churnguard_core.gates import GateOutcome
from churnguard_core.names import DIGEST_PREFIX_LENGTH, revision_name


@dataclass(frozen=True, kw_only=True)
class Stored:
    """A bundle's folder, its revision number, the digest that its manifest states, and the verdict on its gates."""

    path: Path
    number: int
    digest: str
    may_serve: bool
    gates: tuple[GateOutcome, ...] = ()

    @property
    def revision(self) -> str:
        """Name of the revision, such as ``telco-r7``."""
        return self.path.name.rpartition("-")[0]


_Part = TypeVar("_Part", bound=msgspec.Struct)


class _Manifest(msgspec.Struct):
    digest: str


class _Card(msgspec.Struct, rename="camel"):
    may_serve: bool
    gates: tuple[GateOutcome, ...] = ()


def stored_bundles(store: Path, model: Metadata) -> tuple[Stored, ...]:
    """The complete bundles of a model, the oldest first; a store that is not there yet has none."""
    found = []
    for number, folder in _revisions(store, model):
        manifest = _read(folder / MANIFEST_NAME, _Manifest)
        if manifest is None:
            continue
        card = _read(folder / CARD_DATA_NAME, _Card)
        found.append(
            Stored(
                path=folder,
                number=number,
                digest=manifest.digest,
                may_serve=card is not None and card.may_serve,
                gates=() if card is None else card.gates,
            )
        )
    return tuple(found)


def next_revision(store: Path, model: Metadata) -> str:
    """The name after the last one; also folders that are no complete bundle have used up theirs."""
    last = max((number for number, _ in _revisions(store, model)), default=0)
    return revision_name(model=model.name, number=last + 1)


def champion_of(bundles: tuple[Stored, ...]) -> Stored | None:
    """What would serve: the newest bundle whose gates held. A laptop serves nothing, so nothing else says it."""
    return next((bundle for bundle in reversed(bundles) if bundle.may_serve), None)


def _revisions(store: Path, model: Metadata) -> list[tuple[int, Path]]:
    name = re.compile(rf"{re.escape(model.name)}-r([1-9][0-9]{{0,9}})-[0-9a-f]{{{DIGEST_PREFIX_LENGTH}}}")
    folder = store / model.namespace / model.name
    if not folder.is_dir():
        return []
    found = [(match, path) for path in folder.iterdir() if (match := name.fullmatch(path.name))]
    return sorted((int(match[1]), path) for match, path in found)


def _read(path: Path, kind: type[_Part]) -> _Part | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (OSError, msgspec.MsgspecError):
        return None
