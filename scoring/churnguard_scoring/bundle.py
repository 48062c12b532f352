"""Loading a bundle: digest, then parity, and only then a scorer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from msgspec import Struct

from churnguard_core.bundle import PARITY_NAME, SCORER_NAME, InvalidBundle, Manifest, verify_bundle
from churnguard_scoring.radial_basis import NoReasonsError
from churnguard_scoring.scorer import Scorer, ScorerDefinition

PARITY_TOLERANCE: Final = 1e-6


class ParityRecord(Struct, frozen=True, kw_only=True):
    """A synthetic record with the answer it must get; ``reasons`` is None for models without reasons."""

    record: dict[str, Any]
    score: float
    reasons: dict[str, float] | None


@dataclass(frozen=True, eq=False, slots=True)
class LoadedBundle:
    """A bundle that was checked, and the scorer that answers from it."""

    manifest: Manifest
    scorer: Scorer


def load_bundle(
    files: Mapping[str, bytes],
    *,
    digest: str | None = None,
    on_unseen: Callable[[str], None] = lambda _: None,
) -> LoadedBundle:
    """Verify and compile a bundle.

    Args:
        files: All files by their path in the bundle.
        digest: The expected digest.
        on_unseen: Called with a feature's name for each unseen category met by a per-record method.

    Raises:
        InvalidBundle: It was changed, is of another format, or does not give the answers that training recorded.
    """
    manifest = verify_bundle(files, digest=digest)
    try:
        definition = msgspec.json.decode(files[SCORER_NAME], type=ScorerDefinition)
        parity = msgspec.json.decode(files[PARITY_NAME], type=tuple[ParityRecord, ...])
    except msgspec.MsgspecError as error:
        raise InvalidBundle([f"{SCORER_NAME} or {PARITY_NAME}: {error}"]) from None
    check_parity(Scorer(definition), parity)
    return LoadedBundle(manifest, Scorer(definition, on_unseen=on_unseen))


def answer(scorer: Scorer, record: dict[str, Any]) -> ParityRecord:
    """What this scorer answers to a record, as a parity record."""
    score = scorer.score(record)
    try:
        reasons = scorer.explain(record).reasons
    except NoReasonsError:
        reasons = None
    return ParityRecord(record=record, score=score, reasons=reasons)


def check_parity(scorer: Scorer, parity: tuple[ParityRecord, ...]) -> None:
    """Raise InvalidBundle when the scorer's answers differ from the recorded ones by more than the tolerance."""
    if not parity:
        raise InvalidBundle([f"{PARITY_NAME}: holds no records"])
    for position, expected in enumerate(parity):
        difference = _difference(expected, answer(scorer, expected.record))
        if not difference <= PARITY_TOLERANCE:
            raise InvalidBundle(
                [f"{PARITY_NAME}: record {position} differs from the recorded answer by {difference:.3g}"]
            )


def _difference(expected: ParityRecord, actual: ParityRecord) -> float:
    if (expected.reasons is None) != (actual.reasons is None):
        return float("inf")
    wanted, found = expected.reasons or {}, actual.reasons or {}
    names = wanted.keys() | found.keys()
    apart = [abs(wanted.get(name, 0.0) - found.get(name, 0.0)) for name in names]
    return max([abs(expected.score - actual.score), *apart])
