"""``card.json``: what the card knows beyond ``evaluation.json``, for programs."""

from __future__ import annotations

import msgspec
from churnguard_core.gates import GateOutcome
from msgspec import Struct

from churnguard_training.card.drivers import Driver
from churnguard_training.card.subject import Subject

CARD_FORMAT = 1


class CardData(Struct, frozen=True, kw_only=True, rename="camel"):
    """A card's own findings; figures are in ``evaluation.json`` and not repeated.

    ``champion`` holds the serving revision's figures on the same rows, empty when there was none. ``calibration`` is
    ``calibrated``, ``too high``, ``too low`` or ``uneven``; ``calibration_gap`` the average distance of predicted and
    observed share, ``chance_gap`` what a perfect model would show. ``starting_risk`` is where all reasons start;
    None, as ``drivers`` is empty, for a model without reasons.
    """

    format: int
    namespace: str
    model: str
    revision: str
    algorithm: str
    may_serve: bool
    gates: tuple[GateOutcome, ...]
    champion: dict[str, float]
    calibration: str
    calibration_gap: float
    chance_gap: float
    starting_risk: float | None
    drivers: tuple[Driver, ...]
    plots: tuple[str, ...]


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
