"""The true effect of a retention offer: whom it keeps, and whom it drives away."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from churnguard_simulator import Categorical, Customers
from churnguard_simulator.drivers import OFFER
from churnguard_simulator.equations import Equation
from churnguard_simulator.risk import truth_of


def test_many_are_persuadable_and_a_few_are_sleeping_dogs(customers: Customers) -> None:
    effect = customers.truth.offer_effect

    assert 0.25 < np.mean(effect > 0.05) < 0.5
    assert 0.02 < np.mean(effect < -0.005) < 0.08
    assert effect.mean() > 0.01


def test_risk_with_the_offer_is_a_probability(customers: Customers) -> None:
    risk_with_offer = customers.truth.true_risk - customers.truth.offer_effect

    assert 0 < risk_with_offer.min() <= risk_with_offer.max() < 1


def test_sure_things_stay_with_or_without_the_offer(customers: Customers) -> None:
    two_years = customers.categorical("Contract").equals("Two year")

    assert np.abs(customers.truth.offer_effect[two_years]).max() < 0.03
    assert customers.truth.true_risk[two_years].mean() < 0.05


def test_sleeping_dogs_pay_by_themselves_from_month_to_month_for_long(customers: Customers) -> None:
    harmed = customers.truth.offer_effect < 0
    payment = customers.categorical("PaymentMethod")

    assert customers.categorical("Contract").equals("Month-to-month")[harmed].all()
    assert not (payment.equals("Electronic check") | payment.equals("Mailed check"))[harmed].any()
    assert (customers.numeric("tenure")[harmed] > OFFER.asleep_after).all()


def test_ranking_by_risk_is_not_ranking_by_the_effect_of_the_offer(customers: Customers) -> None:
    truth = customers.truth
    decile = len(customers) // 10
    by_risk, by_effect = np.argsort(-truth.true_risk)[:decile], np.argsort(-truth.offer_effect)[:decile]

    assert truth.offer_effect[by_risk].mean() < 0.8 * truth.offer_effect[by_effect].mean()
    assert len(np.intersect1d(by_risk, by_effect)) < 0.5 * decile


def test_who_surely_accepts_has_the_risk_of_a_one_year_contract_at_the_lower_price(
    customers: Customers,
) -> None:
    always = replace(OFFER, acceptance=Equation(100.0))
    contract = customers.categorical("Contract")
    accepted = {
        **customers.columns,
        "Contract": Categorical(np.maximum(contract.codes, np.int8(1)), contract.categories),
        "MonthlyCharges": 0.9 * customers.numeric("MonthlyCharges"),
    }
    effect = truth_of(customers.columns, offer=always).offer_effect

    np.testing.assert_allclose(effect, customers.truth.true_risk - truth_of(accepted).true_risk, atol=1e-12)
    assert effect.min() > 0


def test_who_surely_declines_is_unmoved_unless_awakened(customers: Customers) -> None:
    never = replace(OFFER, acceptance=Equation(-100.0))
    effect = truth_of(customers.columns, offer=never).offer_effect

    np.testing.assert_allclose(effect[customers.truth.offer_effect > 0], 0.0, atol=1e-12)
    assert effect.min() < -0.1
    assert effect.max() < 1e-12
