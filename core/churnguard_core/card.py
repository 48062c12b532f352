"""The model card's findings, ``card.json`` of a bundle, for programs; people read ``card.md``."""

from __future__ import annotations

from typing import Final, Literal

from msgspec import Struct

from churnguard_core.gates import GateOutcome

CARD_FORMAT: Final = 1

Direction = Literal["rises", "falls", "varies"]


class Effect(Struct, frozen=True, kw_only=True):
    """Customers with certain values of one feature, and the risk with that one reason added to the starting risk."""

    values: str
    risk: float


class Driver(Struct, frozen=True, kw_only=True, rename="camel"):
    """A feature that moves risks.

    ``direction``: how the risk moves as a number grows; ``varies`` for categories and for numbers without one
    direction. ``highest`` and ``lowest`` are the groups of values that push furthest up and down; None when all
    groups are too small.
    """

    feature: str
    share: float
    direction: Direction
    highest: Effect | None
    lowest: Effect | None


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
