"""The metrics of all models as text, made of what the store knows when Prometheus asks.

A model that is gone is in no page, so there is nothing to clean up. Most models have not changed since the last page:
their lines are kept until they do, as kube-state-metrics does it. They are written here rather than by the client
library, which would make an object of each of 100,000 samples first.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from churnguard_operator.observed import Document
from churnguard_operator.runtime.happenings import Happenings
from churnguard_operator.runtime.model_families import FAMILIES, OWN_LABELS, Family, Known
from churnguard_operator.runtime.store import ModelKey, Store, version_of
from churnguard_operator.views.fields import text
from churnguard_operator.views.model import view_status

IN_ONE_BREATH: Final = 100
"""Models after which others get their turn: a page of thousands takes longer than a probe waits."""

_ESCAPES: Final = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


@dataclass(frozen=True, kw_only=True, slots=True)
class _Lines:
    """The lines of one model, those of each family as one text, and what they were made from."""

    made_from: tuple[str, int, int]
    by_family: tuple[str, ...]


class ModelMetrics:
    """All models of a store.

    Args:
        store: What is known of them.
        happenings: What happened to them.
    """

    def __init__(self, *, store: Store, happenings: Happenings) -> None:
        self._store = store
        self._happenings = happenings
        self._lines: dict[ModelKey, _Lines] = {}

    async def page(self) -> bytes:
        """The metrics, in Prometheus' text format; families without a sample are left away."""
        lines: dict[ModelKey, _Lines] = {}
        for number, key in enumerate(self._store.models(), start=1):
            document = self._store.model(key)
            if document is not None:
                lines[key] = self._lines_of(key, document)
            if number % IN_ONE_BREATH == 0:
                await asyncio.sleep(0)
        self._happenings.forget_all_but({each.made_from[0] for each in lines.values()})
        self._lines = lines
        pieces = []
        for place, family in enumerate(FAMILIES):
            of_family = "".join([each.by_family[place] for each in lines.values()])
            if of_family:
                pieces.append((head_of(family) + of_family).encode())
        return b"".join(pieces)

    def _lines_of(self, key: ModelKey, document: Document) -> _Lines:
        uid = text(document, "metadata", "uid")
        happened = self._happenings.of(uid)
        made_from = uid, version_of(document), happened.total()
        found = self._lines.get(key)
        if found is not None and found.made_from == made_from:
            return found
        known = Known(status=view_status(document.get("status")), happened=happened)
        own = pairs(OWN_LABELS, key)
        by_family = tuple(_lines(family, known, own=own) for family in FAMILIES)
        return _Lines(made_from=made_from, by_family=by_family)


def _lines(family: Family, known: Known, *, own: str) -> str:
    begin = f"{family.full_name}{{{own}{',' if family.labels else ''}"
    return "".join(
        f"{begin}{pairs(family.labels, labels)}}} {value!r}\n" for labels, value in family.read(known)
    )


def head_of(family: Family) -> str:
    """The lines before a family's samples."""
    meaning = family.meaning.replace("\\", r"\\").replace("\n", r"\n")
    return f"# HELP {family.full_name} {meaning}\n# TYPE {family.full_name} {family.type}\n"


def pairs(names: tuple[str, ...], values: tuple[str, ...]) -> str:
    """Labels with their values."""
    return ",".join(
        f'{name}="{value.translate(_ESCAPES)}"' for name, value in zip(names, values, strict=True)
    )
