"""``card.json``: what the card knows beyond ``evaluation.json``, for programs."""

from __future__ import annotations

import msgspec

from churnguard_core.card import CARD_FORMAT, CardData
from churnguard_training.card.subject import Subject


def card_data(subject: Subject, *, plots: tuple[str, ...]) -> bytes:
    """The card's data as JSON."""
    trust = subject.trust
    data = CardData(
        format=CARD_FORMAT,
        namespace=subject.model.metadata.namespace,
        model=subject.model.metadata.name,
        revision=subject.revision,
        algorithm=subject.algorithm,
        may_serve=subject.may_serve,
        gates=tuple(subject.gates),
        champion=dict(subject.champion),
        calibration=trust.finding,
        calibration_gap=trust.gap,
        chance_gap=trust.chance,
        starting_risk=subject.starting_risk,
        drivers=subject.drivers,
        plots=plots,
    )
    return msgspec.json.format(msgspec.json.encode(data, order="deterministic"), indent=1)
