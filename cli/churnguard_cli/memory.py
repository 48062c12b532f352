"""What trainings of the past were made from, in ``trained.json`` beside a model's bundles.

A training is not repeated when nothing could come out differently: its fingerprint is the same, its bundle is still
there, and either that bundle is the champion, or it failed its gates against the very champion that is there now.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from churnguard_cli.store import Stored
from churnguard_core.churnmodel.types import Metadata
from churnguard_core.undecodable import UNDECODABLE

FILE_NAME: Final = "trained.json"
MOST_REMEMBERED: Final = 50


class Trained(Struct, frozen=True, kw_only=True):
    """One training: what it was made from, which bundle it left, and the digest of the champion of that time."""

    fingerprint: str
    bundle: str
    digest: str
    champion: str | None = None


class _Memory(Struct, frozen=True, kw_only=True):
    trained: tuple[Trained, ...] = ()


def remembered(store: Path, model: Metadata) -> tuple[Trained, ...]:
    """The trainings of a model, the oldest first; a file that cannot be read remembers none."""
    try:
        return msgspec.json.decode(_file(store, model).read_bytes(), type=_Memory).trained
    except (OSError, *UNDECODABLE):
        return ()


def remember(store: Path, model: Metadata, trained: Trained) -> None:
    """Add a training. What cannot be written is forgotten: the next training is one too many, not a wrong one."""
    memory = _Memory(trained=(*remembered(store, model), trained)[-MOST_REMEMBERED:])
    path = _file(store, model)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    with suppress(OSError):
        unfinished.write_bytes(msgspec.json.format(msgspec.json.encode(memory), indent=1))
        unfinished.replace(path)


def reusable(
    trainings: Sequence[Trained], *, fingerprint: str, stored: Sequence[Stored], champion: Stored | None
) -> Stored | None:
    """The bundle that training would leave once more; None when it must train."""
    bundles = {(bundle.path.name, bundle.digest): bundle for bundle in stored}
    now = None if champion is None else champion.digest
    for trained in reversed(trainings):
        bundle = bundles.get((trained.bundle, trained.digest))
        if trained.fingerprint != fingerprint or bundle is None:
            continue
        if bundle == champion or (not bundle.may_serve and trained.champion == now):
            return bundle
    return None


def _file(store: Path, model: Metadata) -> Path:
    return store / model.namespace / model.name / FILE_NAME
