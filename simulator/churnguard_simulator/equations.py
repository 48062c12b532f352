"""Structural equations of everything but churn: how a customer comes to have these columns.

Every yes-or-no decision is a logit: ``P(yes) = sigmoid(intercept + sum(effect * fact))``. Facts are 0 or 1,
except ``attachment`` (see below; mean about 0, standard deviation about 1), ``years`` (tenure in years),
``viewer`` (a taste for television, uniform from -1 to 1) and ``luck`` (a standard logistic draw).
The numbers were chosen so that shares and correlations resemble IBM's file; none of them touches ``gender``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

import numpy as np

from churnguard_simulator.schema import Floats


@dataclass(frozen=True)
class Equation:
    """A linear score of facts."""

    intercept: float
    effects: Mapping[str, float] = field(default_factory=dict)

    def score(self, facts: Mapping[str, Floats]) -> Floats:
        """The score of every row; of shape () when no fact has an effect."""
        total = np.asarray(self.intercept)
        for fact, effect in self.effects.items():
            total = total + effect * facts[fact]
        return total


EQUATIONS: Final[Mapping[str, Equation]] = MappingProxyType(
    {
        "senior": Equation(-1.64),
        "partner": Equation(-0.09, {"senior": 0.10}),
        "dependents": Equation(-2.05, {"partner": 2.50, "senior": -2.40}),
        "internet": Equation(1.35, {"senior": 1.90, "dependents": -0.60}),
        "fiber": Equation(0.16, {"senior": 0.95, "dependents": -0.45, "attachment": 0.05}),
        "dsl_phone": Equation(0.93),
        "multiple_lines": Equation(
            -2.10, {"fiber": 1.45, "internet": 0.35, "attachment": 0.30, "years": 0.28}
        ),
        "security": Equation(
            -0.05, {"fiber": -1.10, "senior": -0.45, "dependents": 0.25, "attachment": 1.00}
        ),
        "backup": Equation(-0.23, {"fiber": -0.05, "attachment": 1.15}),
        "protection": Equation(-0.30, {"attachment": 1.25}),
        "support": Equation(-0.05, {"fiber": -1.05, "senior": -0.50, "dependents": 0.20, "attachment": 1.15}),
        "streaming_tv": Equation(-0.70, {"fiber": 1.05, "attachment": 0.85, "viewer": 2.80}),
        "streaming_movies": Equation(-0.65, {"fiber": 1.00, "attachment": 0.85, "viewer": 2.80}),
        "paperless": Equation(-0.90, {"internet": 1.10, "fiber": 0.95, "senior": 0.30}),
        "automatic": Equation(-0.55, {"attachment": 0.80, "years": 0.11, "fiber": -0.15}),
        "bank_transfer": Equation(0.0),
        "electronic_check": Equation(
            -1.75, {"internet": 1.50, "fiber": 1.55, "paperless": 0.45, "senior": 0.55}
        ),
    }
)
"""Probability of each decision, in the order in which they are taken.

``dsl_phone`` is for customers with DSL, all others have a phone. ``automatic`` decides between
``bank_transfer`` (else credit card) and ``electronic_check`` (else mailed check)."""

ATTACHMENT: Final = Equation(-0.54, {"partner": 0.87, "dependents": 0.20, "luck": 0.48})
"""How settled a customer is: the unobserved common cause of tenure, contract, add-ons and automatic payment.

It stands for survivorship too: who was not attached left before the snapshot.
"""

TENURE: Final = Equation(0.0, {"attachment": 1.30, "internet": 0.12, "fiber": 0.05, "luck": 0.62})
"""Score of tenure; ``sigmoid`` makes it a rank from 0 to 1, ``TENURE_BY_RANK`` months."""

TENURE_BY_RANK: Final = (
    (0.0, 0.087, 0.121, 0.15, 0.175, 0.25, 0.50, 0.75, 0.90, 0.949, 1.0),
    (1.0, 2.0, 3.0, 4.0, 5.0, 10.0, 29.5, 55.5, 69.5, 72.0, 73.0),
)
"""Months (second row, rounded down) by rank: many newcomers, and a company that is 72 months old."""

MAX_TENURE: Final = 72
NEWCOMERS: Final = 11 / 7043
"""Share of customers who joined this month: tenure 0 and nothing billed."""

CONTRACT: Final = Equation(
    -1.60,
    {
        "attachment": 0.80,
        "years": 0.90,
        "internet": -2.50,
        "fiber": -1.55,
        "support": 0.95,
        "security": 0.50,
        "protection": 0.40,
        "senior": -0.30,
        "dependents": 0.25,
    },
)
"""Score of commitment; luck is added (an ordered logit)."""

CONTRACT_CUTS: Final = (-0.60, 1.50)
"""Below the first: month-to-month; below the second: one year; else two years."""


@dataclass(frozen=True)
class PriceList:
    """Money per month, in the currency of IBM's file."""

    phone: float = 20.0
    multiple_lines: float = 5.0
    dsl: float = 25.0
    fiber: float = 50.0
    add_on: float = 5.0
    streaming: float = 10.0
    spread: float = 0.4
    """Scale of the logistic deviation of a customer's price from the list: old tariffs, rebates."""
    largest_deviation: float = 1.75
    step: float = 0.05
    history_spread: float = 0.11
    """Scale of the logistic deviation of ``TotalCharges / (tenure * MonthlyCharges)`` from 1, which shrinks
    with the square root of tenure."""


PRICES: Final = PriceList()
