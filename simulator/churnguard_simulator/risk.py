"""The truth about one chunk of customers, from their columns alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from churnguard_simulator.drivers import (
    BASELINE,
    CATEGORY_EFFECTS,
    CENTERS,
    INTERACTIONS,
    OFFER,
    PRICE_EFFECT,
    TENURE_EFFECT,
    RetentionOffer,
)
from churnguard_simulator.process import sigmoid
from churnguard_simulator.schema import Categorical, Floats, SimulatedColumn, Truth

_AUTOMATIC: Final = ("Bank transfer (automatic)", "Credit card (automatic)")

Columns = Mapping[str, SimulatedColumn]


def truth_of(columns: Columns, *, offer: RetentionOffer = OFFER) -> Truth:
    """True risk, its parts and the effect of a retention offer, for every row."""
    contributions = contributions_of(columns)
    log_odds = BASELINE + np.sum(list(contributions.values()), axis=0)
    true_risk = sigmoid(log_odds)
    return Truth(
        true_risk=true_risk,
        offer_effect=true_risk - _risk_with_offer(columns, log_odds=log_odds, offer=offer),
        baseline=BASELINE,
        contributions=contributions,
    )


def contributions_of(columns: Columns) -> dict[str, Floats]:
    """Log-odds by driver column, centred on the average customer."""
    own = {
        **{name: _category_effect(columns, name) for name in CATEGORY_EFFECTS},
        "tenure": np.interp(_numeric(columns, "tenure"), *TENURE_EFFECT),
        "MonthlyCharges": PRICE_EFFECT * _numeric(columns, "MonthlyCharges"),
    }
    for interaction in INTERACTIONS:
        (first, one), (second, other) = interaction.first, interaction.second
        both = _categorical(columns, first).equals(one) & _categorical(columns, second).equals(other)
        half = 0.5 * interaction.log_odds * both
        own[first] += half
        own[second] += half
    return {name: own[name] - center for name, center in CENTERS.items()}


def _risk_with_offer(columns: Columns, *, log_odds: Floats, offer: RetentionOffer) -> Floats:
    facts = _offer_facts(columns, offer=offer)
    accepts = sigmoid(offer.acceptance.score(facts))
    log_odds_accepted = BASELINE + np.sum(
        list(contributions_of(_accepted(columns, offer=offer)).values()), axis=0
    )
    log_odds_declined = log_odds + offer.awakened * facts["asleep"]
    return np.asarray(accepts * sigmoid(log_odds_accepted) + (1.0 - accepts) * sigmoid(log_odds_declined))


def _offer_facts(columns: Columns, *, offer: RetentionOffer) -> dict[str, Floats]:
    internet, payment = _categorical(columns, "InternetService"), _categorical(columns, "PaymentMethod")
    month_to_month = _categorical(columns, "Contract").equals("Month-to-month")
    automatic = payment.equals(_AUTOMATIC[0]) | payment.equals(_AUTOMATIC[1])
    facts = {
        "month_to_month": month_to_month,
        "dsl": internet.equals("DSL"),
        "fiber": internet.equals("Fiber optic"),
        "electronic_check": payment.equals("Electronic check"),
        "dependents": _categorical(columns, "Dependents").equals("Yes"),
        "asleep": month_to_month & automatic & (_numeric(columns, "tenure") > offer.asleep_after),
    }
    return {name: fact.astype(np.float64) for name, fact in facts.items()}


def _accepted(columns: Columns, *, offer: RetentionOffer) -> dict[str, SimulatedColumn]:
    """The same customers, all having accepted: at least the offered contract, and the lower price."""
    contract = _categorical(columns, "Contract")
    offered = contract.categories.index(offer.contract)
    return {
        **columns,
        "Contract": Categorical(np.maximum(contract.codes, offered).astype(np.int8), contract.categories),
        "MonthlyCharges": (1.0 - offer.discount) * _numeric(columns, "MonthlyCharges"),
    }


def _category_effect(columns: Columns, name: str) -> Floats:
    column, effects = _categorical(columns, name), CATEGORY_EFFECTS[name]
    return np.array([effects.get(category, 0.0) for category in column.categories])[column.codes]


def _categorical(columns: Columns, name: str) -> Categorical:
    column = columns[name]
    if not isinstance(column, Categorical):
        raise TypeError(f"column {name} holds no categories")
    return column


def _numeric(columns: Columns, name: str) -> Floats:
    column = columns[name]
    if isinstance(column, Categorical):
        raise TypeError(f"column {name} holds no numbers")
    return column.astype(np.float64, copy=False)
