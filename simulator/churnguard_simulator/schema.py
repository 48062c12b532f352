"""Columns of simulated customers (IBM's Telco), and the truth that is kept apart from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Codes: TypeAlias = NDArray[np.int8]
Identifiers: TypeAlias = NDArray[np.bytes_]

YES_NO: Final = ("No", "Yes")
_ADD_ON: Final = ("No", "Yes", "No internet service")

COLUMN_ORDER: Final = (
    "customerID",
    "gender",
    "SeniorCitizen",
    "Partner",
    "Dependents",
    "tenure",
    "PhoneService",
    "MultipleLines",
    "InternetService",
    "OnlineSecurity",
    "OnlineBackup",
    "DeviceProtection",
    "TechSupport",
    "StreamingTV",
    "StreamingMovies",
    "Contract",
    "PaperlessBilling",
    "PaymentMethod",
    "MonthlyCharges",
    "TotalCharges",
    "Churn",
)
"""The header of IBM's file."""

CATEGORIES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "gender": ("Female", "Male"),
        "SeniorCitizen": ("0", "1"),
        "Partner": YES_NO,
        "Dependents": YES_NO,
        "PhoneService": YES_NO,
        "MultipleLines": ("No", "Yes", "No phone service"),
        "InternetService": ("DSL", "Fiber optic", "No"),
        "OnlineSecurity": _ADD_ON,
        "OnlineBackup": _ADD_ON,
        "DeviceProtection": _ADD_ON,
        "TechSupport": _ADD_ON,
        "StreamingTV": _ADD_ON,
        "StreamingMovies": _ADD_ON,
        "Contract": ("Month-to-month", "One year", "Two year"),
        "PaperlessBilling": YES_NO,
        "PaymentMethod": (
            "Electronic check",
            "Mailed check",
            "Bank transfer (automatic)",
            "Credit card (automatic)",
        ),
        "Churn": YES_NO,
    }
)
"""Categories by column; a code is a position in this tuple."""


@dataclass(frozen=True, eq=False, slots=True)
class Categorical:
    """One code per row into ``categories``; nothing is missing."""

    codes: Codes
    categories: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.codes)

    def equals(self, category: str) -> NDArray[np.bool_]:
        """Which rows have this category."""
        return np.asarray(self.codes == self.categories.index(category))


SimulatedColumn: TypeAlias = Categorical | Floats | Identifiers


@dataclass(frozen=True, eq=False, kw_only=True, slots=True)
class Truth:
    """What no data source of a real company knows; every array has one entry per row.

    ``true_risk`` is the probability of leaving given the customer's columns: the best that any model can
    know, since what remains is luck. ``contributions`` are log-odds by driver column, centred on the
    average customer, and ``baseline + sum(contributions) = logit(true_risk)``. A column that is not in
    ``contributions`` has no effect of its own. ``offer_effect`` is the probability of leaving without a
    retention offer minus that with one: positive where the offer retains, negative where it wakes a
    sleeping dog.
    """

    true_risk: Floats
    offer_effect: Floats
    baseline: float
    contributions: Mapping[str, Floats]

    @property
    def log_odds(self) -> Floats:
        """The true log-odds of leaving."""
        return np.asarray(self.baseline + np.sum(list(self.contributions.values()), axis=0))


@dataclass(frozen=True, eq=False, kw_only=True, slots=True)
class Customers:
    """Simulated customers: the columns a company has, in IBM's order, and the truth beside them.

    ``customerID`` is fixed-width ASCII (``S10``); ``tenure``, ``MonthlyCharges`` and ``TotalCharges`` are
    float64; ``TotalCharges`` is NaN where nothing was billed yet (tenure 0), which CSV files show as one
    blank.
    """

    columns: Mapping[str, SimulatedColumn]
    truth: Truth

    def __len__(self) -> int:
        return len(self.truth.true_risk)

    def categorical(self, name: str) -> Categorical:
        """A column of categories; TypeError when it holds something else."""
        column = self.columns[name]
        if not isinstance(column, Categorical):
            raise TypeError(f"column {name} holds {column.dtype}, not categories")
        return column

    def numeric(self, name: str) -> Floats:
        """A column of numbers; TypeError when it holds something else."""
        column = self.columns[name]
        if isinstance(column, Categorical) or column.dtype != np.float64:
            raise TypeError(f"column {name} holds no numbers")
        return column.astype(np.float64, copy=False)

    def identifiers(self) -> Identifiers:
        """The column ``customerID``."""
        column = self.columns["customerID"]
        if isinstance(column, Categorical):
            raise TypeError("column customerID holds categories, not identifiers")
        return column.astype(np.bytes_, copy=False)
