"""The truth: true risk, what drives it, and that labels obey it."""

from __future__ import annotations

import numpy as np
import pytest

from churnguard_simulator import Categorical, Customers, SimulatedColumn
from churnguard_simulator.drivers import DRIVERS
from churnguard_simulator.risk import truth_of
from churnguard_simulator.schema import Floats

_WITHOUT_EFFECT = (
    "gender",
    "Partner",
    "OnlineBackup",
    "DeviceProtection",
    "StreamingTV",
    "StreamingMovies",
    "TotalCharges",
)


@pytest.fixture(scope="module")
def left(customers: Customers) -> Floats:
    return customers.categorical("Churn").equals("Yes").astype(np.float64)


def roc_auc(*, label: Floats, score: Floats) -> float:
    """Mann-Whitney's statistic over the number of pairs; scores without ties."""
    ranks = np.empty(len(score))
    ranks[np.argsort(score)] = np.arange(1, len(score) + 1)
    positives = label.sum()
    return float(
        (ranks[label == 1].sum() - positives * (positives + 1) / 2) / (positives * (len(label) - positives))
    )


def changed(customers: Customers, name: str, column: SimulatedColumn) -> dict[str, SimulatedColumn]:
    return {**customers.columns, name: column}


def test_between_26_and_27_percent_leave(left: Floats) -> None:
    assert 0.26 <= left.mean() <= 0.27


def test_the_churn_rate_is_the_mean_true_risk_up_to_luck(customers: Customers, left: Floats) -> None:
    risk = customers.truth.true_risk
    standard_error = np.sqrt(np.sum(risk * (1 - risk))) / len(risk)

    assert abs(left.mean() - risk.mean()) < 4 * standard_error


def test_labels_are_drawn_from_the_true_risk_at_every_level_of_it(customers: Customers, left: Floats) -> None:
    risk = customers.truth.true_risk
    for rows in np.array_split(np.argsort(risk), 20):
        standard_error = np.sqrt(np.sum(risk[rows] * (1 - risk[rows]))) / len(rows)
        assert abs(left[rows].mean() - risk[rows].mean()) < 4 * standard_error


def test_labels_are_calibrated_within_every_value_of_every_driver(customers: Customers, left: Floats) -> None:
    risk = customers.truth.true_risk
    for name, column in customers.columns.items():
        if not isinstance(column, Categorical) or name == "Churn":
            continue
        for category in column.categories:
            rows = column.equals(category)
            standard_error = np.sqrt(np.sum((risk * (1 - risk))[rows])) / rows.sum()
            assert abs(left[rows].mean() - risk[rows].mean()) < 4.5 * standard_error, (name, category)


def test_a_perfect_model_is_about_as_good_as_the_best_on_the_real_data(
    customers: Customers, left: Floats
) -> None:
    assert 0.84 <= roc_auc(label=left, score=customers.truth.true_risk) <= 0.86


def test_risks_are_probabilities_away_from_certainty(customers: Customers) -> None:
    risk = customers.truth.true_risk

    assert 0 < risk.min() < 0.01
    assert 0.85 < risk.max() < 0.99


def test_baseline_and_contributions_add_up_to_the_log_odds_of_the_true_risk(customers: Customers) -> None:
    truth = customers.truth
    logit = np.log(truth.true_risk / (1 - truth.true_risk))

    np.testing.assert_allclose(truth.log_odds, logit, atol=1e-9)
    np.testing.assert_allclose(truth.baseline + sum(truth.contributions.values()), logit, atol=1e-9)


def test_contributions_are_centred_on_the_average_customer(customers: Customers) -> None:
    means = {name: abs(part.mean()) for name, part in customers.truth.contributions.items()}

    assert max(means.values()) < 0.02, means


def test_contract_and_tenure_drive_most_and_every_driver_drives(customers: Customers) -> None:
    spread = {name: part.std() for name, part in customers.truth.contributions.items()}

    assert tuple(spread) == DRIVERS
    assert set(sorted(spread, key=spread.__getitem__)[-2:]) == {"tenure", "Contract"}
    assert min(spread.values()) > 0.05


def test_gender_has_no_effect_on_anything(customers: Customers, left: Floats) -> None:
    male = customers.categorical("gender").equals("Male")
    numbers = {name: customers.numeric(name) for name in ("tenure", "MonthlyCharges")}
    for values in (left, customers.truth.true_risk, customers.truth.offer_effect, *numbers.values()):
        standard_error = values.std() * np.sqrt(1 / male.sum() + 1 / (~male).sum())
        assert abs(values[male].mean() - values[~male].mean()) < 4 * standard_error


@pytest.mark.parametrize("name", _WITHOUT_EFFECT)
def test_a_column_without_contribution_can_be_shuffled_without_any_change(
    customers: Customers, name: str
) -> None:
    order = np.random.default_rng(1).permutation(len(customers))
    column = customers.columns[name]
    shuffled = (
        Categorical(column.codes[order], column.categories)
        if isinstance(column, Categorical)
        else column[order]
    )
    truth = truth_of(changed(customers, name, shuffled))

    np.testing.assert_array_equal(truth.true_risk, customers.truth.true_risk)
    np.testing.assert_array_equal(truth.offer_effect, customers.truth.offer_effect)
    assert name not in truth.contributions


@pytest.mark.parametrize("name", DRIVERS)
def test_changing_a_driver_changes_its_contribution(customers: Customers, name: str) -> None:
    column = customers.columns[name]
    reverse = (
        Categorical(column.codes[::-1], column.categories)
        if isinstance(column, Categorical)
        else column[::-1]
    )
    truth = truth_of(changed(customers, name, reverse))

    differs = truth.contributions[name] != customers.truth.contributions[name]
    assert differs.mean() > 0.1


def log_odds_as(customers: Customers, **everybody: str) -> Floats:
    """True log-odds if everybody were in these categories."""
    columns = dict(customers.columns)
    for name, category in everybody.items():
        categories = customers.categorical(name).categories
        columns[name] = Categorical(np.full(len(customers), categories.index(category), np.int8), categories)
    return truth_of(columns).log_odds


@pytest.mark.parametrize(
    ("first", "second", "log_odds"),
    [
        ({"InternetService": "Fiber optic"}, {"Contract": "Month-to-month"}, 0.30),
        ({"InternetService": "Fiber optic"}, {"TechSupport": "No"}, 0.20),
        ({"PaymentMethod": "Electronic check"}, {"Contract": "Month-to-month"}, 0.15),
        ({"InternetService": "DSL"}, {"Contract": "Month-to-month"}, 0.0),
        ({"SeniorCitizen": "1"}, {"PaymentMethod": "Electronic check"}, 0.0),
    ],
)
def test_interactions_are_those_documented_and_no_others(
    customers: Customers, first: dict[str, str], second: dict[str, str], log_odds: float
) -> None:
    """Differences in differences: own effects cancel, the interaction remains."""
    neutral = {
        "InternetService": "No",
        "Contract": "One year",
        "TechSupport": "Yes",
        "PaymentMethod": "Mailed check",
        "SeniorCitizen": "0",
    }
    both = log_odds_as(customers, **(neutral | first | second))
    one, other = (log_odds_as(customers, **(neutral | part)) for part in (first, second))

    np.testing.assert_allclose(both - one - other + log_odds_as(customers, **neutral), log_odds, atol=1e-9)


def test_newcomers_have_hardly_had_time_to_leave(customers: Customers) -> None:
    tenure = customers.numeric("tenure")

    assert customers.truth.true_risk[tenure == 0].mean() < 0.10
    assert customers.truth.true_risk[tenure == 1].mean() > 0.50
