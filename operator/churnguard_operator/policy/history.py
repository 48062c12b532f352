"""What is remembered of revisions: newest first, bounded, and never without those that are in use."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from churnguard_core.churnmodel.status import Headline, RevisionRecord
from churnguard_core.names import DIGEST_PREFIX_LENGTH, revision_number
from churnguard_core.result import TrainingResult

MOST_RECORDS: Final = 20
"""Bound of the CRD."""


def find(records: Collection[RevisionRecord], name: str | None) -> RevisionRecord | None:
    """The record of a revision."""
    return next((record for record in records if record.name == name), None)


def newest_accepted(records: Collection[RevisionRecord]) -> RevisionRecord | None:
    """The newest revision that may serve."""
    accepted = [record for record in records if is_servable(record)]
    return max(accepted, key=lambda record: revision_number(record.name), default=None)


def is_servable(record: RevisionRecord) -> bool:
    """Whether a revision was accepted and its bundle is known."""
    return record.verdict == "Accepted" and bool(record.bundle) and bool(record.digest)


def trimmed(
    records: Collection[RevisionRecord], *, most: int, in_use: Collection[str | None]
) -> tuple[RevisionRecord, ...]:
    """The newest records, newest first; those in use stay in the place of the oldest others."""
    newest = sorted(records, key=lambda record: revision_number(record.name), reverse=True)
    used = [record for record in newest if record.name in in_use][:MOST_RECORDS]
    others = [record for record in newest if record.name not in in_use]
    kept = [*used, *others[: max(0, min(most, MOST_RECORDS) - len(used))]]
    return tuple(record for record in newest if record in kept)


def bundle_names(records: Collection[RevisionRecord]) -> tuple[str, ...]:
    """The bundles that history keeps, ``<revision>-<digest12>``, as prune wants them."""
    return tuple(
        sorted(
            f"{record.name}-{record.digest.removeprefix('sha256:')[:DIGEST_PREFIX_LENGTH]}"
            for record in records
            if record.bundle and record.digest
        )
    )


def headline(result: TrainingResult) -> Headline:
    """Headline figures of a result."""
    return Headline(
        roc_auc=figure(result.metrics.get("rocAuc")),
        pr_auc=figure(result.metrics.get("prAuc")),
        log_loss=figure(result.metrics.get("logLoss")),
        brier=figure(result.metrics.get("brier")),
        ece=figure(result.metrics.get("ece")),
        f1=figure(result.metrics.get("f1")),
        f1_tuned=figure(result.metrics.get("f1Tuned")),
        precision_top_decile=figure(result.metrics.get("precisionTopDecile")),
        lift_top_decile=figure(result.metrics.get("liftTopDecile")),
    )


def figure(value: float | None, *, decimals: int = 4) -> str | None:
    """A figure as status holds it."""
    return None if value is None else f"{value:.{decimals}f}"[:17]
