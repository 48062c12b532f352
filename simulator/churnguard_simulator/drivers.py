"""Why customers leave, and what a retention offer does: the coefficients of the truth.

Log-odds of leaving = ``BASELINE`` + one contribution per driver column. A contribution is the column's own
effect, plus half of each interaction it takes part in (the Shapley value against a customer without the
interaction), minus the column's average over customers. Columns that are not named here have no effect of
their own: ``gender``, ``Partner``, ``OnlineBackup``, ``DeviceProtection``, both streaming columns (they act
through the price) and ``TotalCharges``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from churnguard_simulator.equations import Equation

BASELINE: Final = -1.648
"""Log-odds of the average customer."""

CATEGORY_EFFECTS: Final[Mapping[str, Mapping[str, float]]] = MappingProxyType(
    {
        "SeniorCitizen": {"1": 0.25},
        "Dependents": {"Yes": -0.20},
        "PhoneService": {"No": 0.40},
        "MultipleLines": {"Yes": 0.20},
        "InternetService": {"DSL": 0.45, "Fiber optic": 0.75},
        "OnlineSecurity": {"Yes": -0.35},
        "TechSupport": {"Yes": -0.35},
        "Contract": {"Month-to-month": 0.55, "Two year": -0.85},
        "PaperlessBilling": {"Yes": 0.35},
        "PaymentMethod": {"Electronic check": 0.30},
    }
)
"""Log-odds by category; categories that are not named have 0."""

TENURE_EFFECT: Final = (
    (0.0, 1.0, 3.0, 6.0, 12.0, 24.0, 48.0, 72.0),
    (-3.0, 1.30, 0.70, 0.35, 0.00, -0.35, -0.80, -1.60),
)
"""Log-odds (second row) by months, linear between. In the month of joining almost nobody has left yet."""

PRICE_EFFECT: Final = 0.012
"""Log-odds per unit of money in ``MonthlyCharges``."""


@dataclass(frozen=True)
class Interaction:
    """Log-odds on top of the own effects, for customers in both categories."""

    first: tuple[str, str]
    second: tuple[str, str]
    log_odds: float


INTERACTIONS: Final = (
    Interaction(("InternetService", "Fiber optic"), ("Contract", "Month-to-month"), 0.30),
    Interaction(("InternetService", "Fiber optic"), ("TechSupport", "No"), 0.20),
    Interaction(("PaymentMethod", "Electronic check"), ("Contract", "Month-to-month"), 0.15),
)

CENTERS: Final[Mapping[str, float]] = MappingProxyType(
    {
        "SeniorCitizen": 0.041,
        "Dependents": -0.061,
        "tenure": -0.392,
        "PhoneService": 0.04,
        "MultipleLines": 0.077,
        "InternetService": 0.564,
        "OnlineSecurity": -0.098,
        "TechSupport": -0.067,
        "Contract": 0.178,
        "PaperlessBilling": 0.208,
        "PaymentMethod": 0.123,
        "MonthlyCharges": 0.769,
    }
)
"""Averages of the contributions before centring: constants, so that a row depends on no other row."""

DRIVERS: Final = tuple(CENTERS)
"""Columns with an effect of their own."""

_ACCEPTANCE: Final = Equation(
    -0.6,
    {
        "month_to_month": 0.9,
        "dsl": 0.3,
        "fiber": -0.4,
        "electronic_check": -0.9,
        "dependents": 0.6,
        "asleep": -2.2,
    },
)


@dataclass(frozen=True)
class RetentionOffer:
    """A call that offers 12 months at a discount.

    Who accepts has the contract of one year (unless the present one is longer) and the lower price from
    then on. Who declines is as likely to leave as before, except sleeping dogs: month-to-month customers
    for more than ``asleep_after`` months whose payments are automatic. The call makes them look at the bill.
    """

    contract: str = "One year"
    discount: float = 0.10
    asleep_after: float = 36.0
    awakened: float = 0.9
    """Log-odds that the call adds for a sleeping dog who declines."""
    acceptance: Equation = _ACCEPTANCE
    """Logit of the probability of accepting; its drivers are not those of leaving."""


OFFER: Final = RetentionOffer()
