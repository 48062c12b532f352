"""Columns as in IBM's file: names, categories, and what they say of each other."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from churnguard_simulator import CATEGORIES, COLUMN_ORDER, MAX_ROWS, MAX_SEED, Categorical, Customers
from churnguard_simulator.equations import PRICES
from churnguard_simulator.identifiers import CAPACITY, identifiers

_ADD_ONS = (
    "OnlineSecurity",
    "OnlineBackup",
    "DeviceProtection",
    "TechSupport",
    "StreamingTV",
    "StreamingMovies",
)


def test_header_is_that_of_the_real_file(telco: dict[str, list[str]]) -> None:
    assert tuple(telco) == COLUMN_ORDER


def test_categories_are_those_of_the_real_file(telco: dict[str, list[str]]) -> None:
    numbers = {"customerID", "tenure", "MonthlyCharges", "TotalCharges"}

    assert {name: set(categories) for name, categories in CATEGORIES.items()} == {
        name: set(cells) for name, cells in telco.items() if name not in numbers
    }


def test_columns_come_in_order_and_use_every_category(customers: Customers) -> None:
    assert tuple(customers.columns) == COLUMN_ORDER
    for name, categories in CATEGORIES.items():
        column = customers.categorical(name)
        assert column.categories == categories
        assert set(np.unique(column.codes)) == set(range(len(categories))), name


@pytest.mark.parametrize(
    ("read", "name"), [("categorical", "tenure"), ("numeric", "gender"), ("numeric", "customerID")]
)
def test_a_column_of_another_kind_is_named_in_the_error(customers: Customers, read: str, name: str) -> None:
    with pytest.raises(TypeError, match=f"column {name} holds"):
        getattr(customers, read)(name)


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, MAX_SEED), start=st.integers(0, CAPACITY - 20_000))
def test_identifiers_are_unique_and_look_like_the_real_ones(seed: int, start: int) -> None:
    made = identifiers(rows=np.arange(start, start + 20_000, dtype=np.uint64), seed=seed)

    assert len(np.unique(made)) == len(made)
    assert all(re.fullmatch(rb"[0-9]{4}-[A-Z]{5}", identifier) for identifier in made[:50].tolist())


def test_the_largest_simulation_has_an_identifier_for_every_row() -> None:
    assert MAX_ROWS <= CAPACITY


def test_no_internet_service_is_repeated_by_every_internet_column(customers: Customers) -> None:
    without = customers.categorical("InternetService").equals("No")

    for name in _ADD_ONS:
        np.testing.assert_array_equal(
            customers.categorical(name).equals("No internet service"), without, err_msg=name
        )


def test_no_phone_service_is_repeated_by_multiple_lines_and_means_dsl(customers: Customers) -> None:
    without = customers.categorical("PhoneService").equals("No")

    np.testing.assert_array_equal(customers.categorical("MultipleLines").equals("No phone service"), without)
    assert customers.categorical("InternetService").equals("DSL")[without].all()


def test_tenure_is_whole_months_up_to_72_with_a_few_newcomers(customers: Customers) -> None:
    tenure = customers.numeric("tenure")

    np.testing.assert_array_equal(tenure, np.floor(tenure))
    assert (tenure.min(), tenure.max()) == (0, 72)
    assert 0.0010 < np.mean(tenure == 0) < 0.0022


def test_nothing_was_billed_exactly_when_tenure_is_0(customers: Customers) -> None:
    np.testing.assert_array_equal(
        np.isnan(customers.numeric("TotalCharges")), customers.numeric("tenure") == 0
    )


def test_monthly_charges_are_the_services_within_the_largest_deviation(customers: Customers) -> None:
    def has(name: str, category: str = "Yes") -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        return customers.categorical(name).equals(category).astype(np.float64)

    listed = 20 * has("PhoneService") + 5 * has("MultipleLines")
    listed += 25 * has("InternetService", "DSL") + 50 * has("InternetService", "Fiber optic")
    listed += sum(5 * has(name) for name in _ADD_ONS[:4]) + sum(10 * has(name) for name in _ADD_ONS[4:])
    monthly = customers.numeric("MonthlyCharges")

    assert np.abs(monthly - listed).max() <= PRICES.largest_deviation + 1e-9
    assert 0.4 < np.std(monthly - listed) < 1.2
    np.testing.assert_allclose(monthly * 20, np.rint(monthly * 20), atol=1e-9)


def test_total_charges_are_about_tenure_times_monthly_charges(customers: Customers) -> None:
    tenure, monthly = customers.numeric("tenure"), customers.numeric("MonthlyCharges")
    total = customers.numeric("TotalCharges")

    np.testing.assert_array_equal(total[tenure == 1], monthly[tenure == 1])
    longer = tenure > 1
    ratio = total[longer] / (tenure * monthly)[longer]
    assert abs(ratio.mean() - 1) < 0.005
    assert 0.03 < ratio.std() < 0.08
    assert np.corrcoef(total[longer], (tenure * monthly)[longer])[0, 1] > 0.995


def test_shares_and_churn_of_every_category_are_near_the_real_ones(
    customers: Customers, telco: dict[str, list[str]]
) -> None:
    left, real_left = customers.categorical("Churn").equals("Yes"), np.array(telco["Churn"]) == "Yes"
    problems = []
    for name, categories in CATEGORIES.items():
        cells = np.array(telco[name])
        for category in categories:
            ours, real = customers.categorical(name).equals(category), cells == category
            share, churn = abs(ours.mean() - real.mean()), abs(left[ours].mean() - real_left[real].mean())
            if share > 0.05 or churn > 0.08:
                problems.append(f"{name}={category}: share off by {share:.3f}, churn by {churn:.3f}")

    assert problems == []


def test_distributions_and_correlations_of_the_numbers_are_near_the_real_ones(
    customers: Customers, telco: dict[str, list[str]]
) -> None:
    names = ("tenure", "MonthlyCharges", "TotalCharges")
    ours = np.array([np.nan_to_num(customers.numeric(name)) for name in names])
    real = np.array([[float(cell.strip() or 0) for cell in telco[name]] for name in names])

    np.testing.assert_allclose(ours.mean(axis=1), real.mean(axis=1), rtol=0.05)
    np.testing.assert_allclose(ours.std(axis=1), real.std(axis=1), rtol=0.08)
    np.testing.assert_allclose(np.corrcoef(ours), np.corrcoef(real), atol=0.12)


def test_long_contracts_go_with_long_tenure(customers: Customers) -> None:
    tenure, contract = customers.numeric("tenure"), customers.categorical("Contract")
    means = [tenure[contract.equals(category)].mean() for category in contract.categories]

    assert means[0] < 25 < 35 < means[1] < 50 < means[2]


def test_a_categorical_column_knows_its_length_and_refuses_unknown_categories() -> None:
    column = Categorical(np.array([0, 1, 1], dtype=np.int8), ("No", "Yes"))

    assert len(column) == 3
    with pytest.raises(ValueError):
        column.equals("Maybe")
