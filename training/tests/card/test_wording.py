from __future__ import annotations

import pytest

from churnguard_training.card.wording import amount, listed, number, percent, short


@pytest.mark.parametrize(
    ("share", "text"),
    [(0, "0.0 %"), (0.0123, "1.2 %"), (0.0996, "10 %"), (0.265, "26 %"), (1, "100 %"), (-0.5, "-50 %")],
)
def test_percentages_have_a_decimal_only_where_it_says_something(share: float, text: str) -> None:
    assert percent(share) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (12.0, "12"),
        (24.95, "24.95"),
        (0.04661, "0.04661"),
        (4157.3, "4,157"),
        (-2.5, "-2.5"),
        (1e-7, "1e-07"),
        (1.5e12, "1.5e+12"),
    ],
)
def test_values_of_features_are_short_and_plain(value: float, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(("money", "text"), [(27955.4, "27,955"), (3.456, "3.46"), (0, "0.00")])
def test_money_has_cents_only_when_it_is_little(money: float, text: str) -> None:
    assert amount(money) == text


@pytest.mark.parametrize(
    ("texts", "text"), [(["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")]
)
def test_lists_read_as_in_a_sentence(texts: list[str], text: str) -> None:
    assert listed(texts) == text


def test_names_stay_on_one_line_and_have_an_end() -> None:
    assert short("two\nlines\x1b[0m  and blanks") == "two lines [0m and blanks"
    assert short("x" * 100) == "x" * 39 + "…"
