"""The sections of a card: each a pure function from its subject to Markdown, empty when it has nothing to say."""

from __future__ import annotations

from churnguard_training.card.markdown import document
from churnguard_training.card.sections.benefit import describe_benefit, describe_money
from churnguard_training.card.sections.drivers import describe_drivers
from churnguard_training.card.sections.gates import describe_champion, describe_gates
from churnguard_training.card.sections.groups import describe_groups
from churnguard_training.card.sections.limits import describe_limits
from churnguard_training.card.sections.making import describe_making
from churnguard_training.card.sections.overview import describe_overview
from churnguard_training.card.sections.threshold import describe_f1, describe_threshold
from churnguard_training.card.sections.trust import describe_trust
from churnguard_training.card.subject import Subject

SECTIONS = (
    describe_overview,
    describe_trust,
    describe_drivers,
    describe_benefit,
    describe_money,
    describe_threshold,
    describe_gates,
    describe_champion,
    describe_groups,
    describe_limits,
    describe_making,
    describe_f1,
)


def card_text(subject: Subject) -> bytes:
    """The whole card: what to know first, where the figures come from last."""
    return document(
        f"{subject.revision}: who is likely to leave", *(describe(subject) for describe in SECTIONS)
    )


__all__ = ["card_text"]
