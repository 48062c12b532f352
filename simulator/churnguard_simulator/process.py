"""One chunk of customers: named uniform draws through the structural equations, in causal order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from churnguard_simulator.equations import (
    ATTACHMENT,
    CONTRACT,
    CONTRACT_CUTS,
    EQUATIONS,
    MAX_TENURE,
    NEWCOMERS,
    PRICES,
    TENURE,
    TENURE_BY_RANK,
)
from churnguard_simulator.schema import CATEGORIES, Categorical, Floats, Identifiers, SimulatedColumn

# Append only: a draw's place in this tuple decides its numbers, so inserting one would change every customer.
_DRAWS: Final = (
    "gender",
    *EQUATIONS,
    "attachment",
    "tenure",
    "newcomer",
    "contract",
    "viewer",
    "price",
    "history",
    "churn",
)

Draws = Mapping[str, Floats]
Facts = dict[str, Floats]

_ADD_ONS: Final = {
    "OnlineSecurity": "security",
    "OnlineBackup": "backup",
    "DeviceProtection": "protection",
    "TechSupport": "support",
    "StreamingTV": "streaming_tv",
    "StreamingMovies": "streaming_movies",
}


def uniform_draws(*, generator: np.random.Generator, rows: int) -> Draws:
    """Independent uniform numbers in (0, 1), one array per decision.

    Only ``Generator.random`` is used: NumPy may change the streams of its other distributions.
    """
    numbers = np.maximum(generator.random((len(_DRAWS), rows)), 2.0**-53)
    return dict(zip(_DRAWS, numbers, strict=True))


def sigmoid(log_odds: Floats) -> Floats:
    """Probability of log-odds; both are bounded far from overflow here."""
    return np.asarray(1.0 / (1.0 + np.exp(-log_odds)))


def customers_without_churn(*, draws: Draws, identifiers: Identifiers) -> dict[str, SimulatedColumn]:
    """Every column but ``Churn``, in IBM's order."""
    facts = _facts(draws)
    monthly = _monthly_charges(facts, draws=draws)
    return {
        "customerID": identifiers,
        "gender": _choice("gender", draws["gender"] < 0.505),
        "SeniorCitizen": _choice("SeniorCitizen", facts["senior"]),
        "Partner": _choice("Partner", facts["partner"]),
        "Dependents": _choice("Dependents", facts["dependents"]),
        "tenure": facts["tenure"],
        "PhoneService": _choice("PhoneService", facts["phone"]),
        "MultipleLines": _choice("MultipleLines", np.where(facts["phone"] == 0, 2, facts["multiple_lines"])),
        "InternetService": _choice("InternetService", np.where(facts["internet"] == 0, 2, facts["fiber"])),
        **{
            column: _choice(column, np.where(facts["internet"] == 0, 2, facts[fact]))
            for column, fact in _ADD_ONS.items()
        },
        "Contract": _choice("Contract", _contract(facts, draws=draws)),
        "PaperlessBilling": _choice("PaperlessBilling", facts["paperless"]),
        "PaymentMethod": _choice("PaymentMethod", _payment_method(facts)),
        "MonthlyCharges": monthly,
        "TotalCharges": _total_charges(tenure=facts["tenure"], monthly=monthly, draws=draws),
    }


def churn_column(*, draws: Draws, true_risk: Floats) -> Categorical:
    """Who left: luck that no column shows makes leaving a draw from the true risk."""
    return _choice("Churn", draws["churn"] < true_risk)


def _choice(column: str, codes: NDArray[np.bool_] | NDArray[np.int64] | Floats) -> Categorical:
    return Categorical(codes.astype(np.int8), CATEGORIES[column])


def _facts(draws: Draws) -> Facts:
    """Decisions as numbers, each made when all it depends on is known."""
    facts: Facts = {}

    def decide(name: str) -> None:
        facts[name] = (draws[name] < sigmoid(EQUATIONS[name].score(facts))).astype(np.float64)

    for name in ("senior", "partner", "dependents"):
        decide(name)
    facts["attachment"] = ATTACHMENT.score(facts | {"luck": _logistic(draws["attachment"])})
    decide("internet")
    decide("fiber")
    facts["fiber"] *= facts["internet"]
    facts["tenure"] = _tenure(facts, draws=draws)
    facts["years"] = facts["tenure"] / 12.0
    decide("dsl_phone")
    facts["phone"] = np.maximum(facts["dsl_phone"], 1.0 - facts["internet"] * (1.0 - facts["fiber"]))
    decide("multiple_lines")
    facts["multiple_lines"] *= facts["phone"]
    facts["viewer"] = 2.0 * draws["viewer"] - 1.0
    for name in _ADD_ONS.values():
        decide(name)
        facts[name] *= facts["internet"]
    for name in ("paperless", "automatic", "bank_transfer", "electronic_check"):
        decide(name)
    return facts


def _logistic(uniform: Floats) -> Floats:
    return np.asarray(np.log(uniform / (1.0 - uniform)))


def _tenure(facts: Facts, *, draws: Draws) -> Floats:
    rank = sigmoid(TENURE.score(facts | {"luck": _logistic(draws["tenure"])}))
    months = np.minimum(np.floor(np.interp(rank, *TENURE_BY_RANK)), MAX_TENURE)
    return np.where(draws["newcomer"] < NEWCOMERS, 0.0, months)


def _contract(facts: Facts, *, draws: Draws) -> NDArray[np.int64]:
    commitment = CONTRACT.score(facts) + _logistic(draws["contract"])
    return np.searchsorted(np.asarray(CONTRACT_CUTS), commitment)


def _payment_method(facts: Facts) -> Floats:
    """Codes: electronic check 0, mailed check 1, bank transfer 2, credit card 3."""
    by_hand = 1.0 - facts["electronic_check"]
    by_itself = 3.0 - facts["bank_transfer"]
    return np.where(facts["automatic"] == 1, by_itself, by_hand)


def _monthly_charges(facts: Facts, *, draws: Draws) -> Floats:
    listed = (
        PRICES.phone * facts["phone"]
        + PRICES.multiple_lines * facts["multiple_lines"]
        + PRICES.dsl * (facts["internet"] - facts["fiber"])
        + PRICES.fiber * facts["fiber"]
        + PRICES.add_on * (facts["security"] + facts["backup"] + facts["protection"] + facts["support"])
        + PRICES.streaming * (facts["streaming_tv"] + facts["streaming_movies"])
    )
    deviation = PRICES.spread * _logistic(draws["price"])
    return _money(listed + np.clip(deviation, -PRICES.largest_deviation, PRICES.largest_deviation))


def _total_charges(*, tenure: Floats, monthly: Floats, draws: Draws) -> Floats:
    """Billed so far: the months at about today's price; exactly today's price in the first, NaN before it."""
    spread = np.where(tenure > 1, PRICES.history_spread / np.sqrt(np.maximum(tenure, 1.0)), 0.0)
    history = np.clip(1.0 + spread * _logistic(draws["history"]), 0.65, 1.6)
    return np.where(tenure == 0, np.nan, _money(tenure * monthly * history))


def _money(amount: Floats) -> Floats:
    """Rounded to the price list's step, as the float64 nearest to its decimal text: CSV gives it back."""
    cents = np.rint(amount / PRICES.step) * round(100 * PRICES.step)
    return np.asarray(cents / 100.0)
