"""Types are inferred cell by cell, overridden on request, and every doubtful cell is named by its row."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from churnguard_core.churnmodel.types import Data
from churnguard_scoring.columns import CategoricalColumn, NumericColumn
from churnguard_training.checks import Origin, check_table, with_origin
from churnguard_training.errors import Refused
from churnguard_training.table import Table

ROWS = 1_200


@pytest.fixture
def typed(customers: Callable[..., pa.Table], spec: Callable[..., Data]) -> Callable[..., Table]:
    """The checked table of customers with one more column ``x``, whose cells are repeated to fill it."""

    def check(cells: list[Any], *, override: str | None = None) -> Table:
        types = {} if override is None else {"x": override}
        return check_table(customers(x=filled(cells)), spec(types=types))

    return check


@pytest.fixture
def refused(
    customers: Callable[..., pa.Table], spec: Callable[..., Data], refusal_of: Callable[..., Refused]
) -> Callable[..., Refused]:
    """The refusal of customers with one more column ``x``."""

    def check(cells: list[Any], *, override: str | None = None) -> Refused:
        types = {} if override is None else {"x": override}
        return refusal_of(customers(x=filled(cells)), spec(types=types))

    return check


def filled(cells: list[Any]) -> list[Any]:
    return (cells * (ROWS // len(cells) + 1))[:ROWS]


def numbers(table: Table) -> NDArray[np.float64]:
    column = table.features["x"]
    assert isinstance(column, NumericColumn)
    return column.values


def categories(table: Table) -> tuple[str, ...]:
    column = table.features["x"]
    assert isinstance(column, CategoricalColumn)
    return column.categories


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["1", "2.5", " 3 ", "+4", "-.5", "1e3", "7."], [1, 2.5, 3, 4, -0.5, 1000, 7]),
        ([1, 2, 3], [1, 2, 3]),
        ([1.5, None, -2.0], [1.5, None, -2]),
        (["1", "", "2", None], [1, None, 2, None]),
        (["1", " ", "NA", "n/a", "null", "None", "NaN", "?", "-", "2"], [1, *[None] * 8, 2]),
    ],
)
def test_numbers_are_numeric_and_missing_markers_missing(
    typed: Callable[..., Table], cells: list[Any], expected: list[float | None]
) -> None:
    wanted = [np.nan if number is None else number for number in expected]
    np.testing.assert_array_equal(numbers(typed(cells))[: len(cells)], wanted)


def test_a_few_cells_that_are_no_numbers_count_as_missing_and_are_named(
    typed: Callable[..., Table], customers: Callable[..., pa.Table], spec: Callable[..., Data]
) -> None:
    cells = [str(number % 50) for number in range(ROWS)]
    cells[3], cells[9], cells[700] = "unknown", " ", "NA"
    table = check_table(with_origin(customers(x=cells), Origin(name="f.csv", first_row=2)), spec())
    assert np.flatnonzero(np.isnan(numbers(table))).tolist() == [3, 9, 700]
    assert table.warnings == (
        "x: 1 cell is blank and counts as missing (row 11)",
        "x: 1 cell is marked as missing and counts as missing (row 702)",
        "x: 1 cell is no number and counts as missing (row 5)",
    )


def test_many_rows_are_counted_and_the_first_named(typed: Callable[..., Table]) -> None:
    table = typed([" ", *map(str, range(99))])
    assert (
        table.warnings[0]
        == "x: 12 cells are blank and count as missing (rows 1, 101, 201, 301, 401 and 7 more)"
    )


def test_a_column_of_mostly_numbers_is_a_mistake(refused: Callable[..., Refused]) -> None:
    refusal = refused([*map(str, range(90)), *["unknown"] * 10])
    assert refusal.reason == "InvalidData"
    assert (
        "x: looks numeric, but 120 cells are no number (rows 91, 92, 93, 94, 95 and 115 more)"
        in refusal.message
    )
    assert "columns.types.x: categorical" in refusal.message


def test_a_mistake_may_be_meant(typed: Callable[..., Table]) -> None:
    assert len(categories(typed([*map(str, range(90)), "unknown"], override="categorical"))) == 91


def test_few_distinct_values_are_categories_even_when_most_are_numbers(typed: Callable[..., Table]) -> None:
    assert categories(typed(["0", "1", "2", "3", "4+"])) == ("0", "1", "2", "3", "4+")


@pytest.mark.parametrize(
    "cells",
    [
        ["29,99", "1,5"],
        ["1,234.50", "12.5"],
        ["1.234,50", "12"],
        ["$29.99", "$5"],
        ["29.99 €", "5 €"],
        ["45 %", "5%"],
        ["EUR 12", "EUR 13.5"],
        ["1 234", "999"],
        ["-$5.00", "7"],
    ],
)
def test_formatted_numbers_are_refused_with_the_remedy(
    refused: Callable[..., Refused], typed: Callable[..., Table], cells: list[str]
) -> None:
    refusal = refused(cells)
    assert "x: " in refusal.problems[0]
    assert "write plain numbers such as 1234.5, or set columns.types.x: categorical" in refusal.message
    assert not any(cell in refusal.message for cell in cells if len(cell) > 4)
    assert set(categories(typed(cells, override="categorical"))) == set(cells)


@pytest.mark.parametrize("cells", [["1.2.3", "1.3.0"], ["0-3", "4-12"], ["A1", "B2"], ["1/2", "2/3"]])
def test_codes_with_digits_are_categories(typed: Callable[..., Table], cells: list[str]) -> None:
    assert categories(typed(cells)) == tuple(sorted(cells))


@pytest.mark.parametrize("cells", [["1", "inf"], ["1", "-Infinity"], ["1", "1e999"], [1.0, float("inf")]])
def test_infinite_numbers_are_refused_with_their_rows(
    refused: Callable[..., Refused], cells: list[Any]
) -> None:
    assert "x: 600 infinite numbers (rows 2, 4, 6, 8, 10 and 595 more)" in refused(cells).message


@pytest.mark.parametrize("cells", [["true", "false", ""], ["TRUE", "False", "NA"], [True, False, None]])
def test_true_and_false_are_boolean(typed: Callable[..., Table], cells: list[Any]) -> None:
    table = typed(cells)
    assert categories(table) == ("false", "true")
    assert table.features["x"].codes[:3].tolist() == [1, 0, -1]  # type: ignore[union-attr]


@pytest.mark.parametrize("cells", [["0", "1"], [0, 1], ["f", "t"], [0.0, 1.0]])
def test_other_booleans_need_the_override(typed: Callable[..., Table], cells: list[Any]) -> None:
    table = typed(cells, override="boolean")
    assert categories(table) == ("false", "true")
    assert table.features["x"].codes[:2].tolist() == [0, 1]  # type: ignore[union-attr]


def test_what_is_not_boolean_cannot_be_made_so(refused: Callable[..., Refused]) -> None:
    refusal = refused(["Yes", "No"], override="boolean")
    assert "columns.types says boolean, but 1,200 cells are neither true nor false" in refusal.message


def test_what_is_not_numeric_cannot_be_made_so(refused: Callable[..., Refused]) -> None:
    assert (
        "x: must be numeric, but 1,200 cells hold no number"
        in refused(["Yes", "No"], override="numeric").message
    )


def test_a_numeric_override_keeps_few_wrong_cells_out(typed: Callable[..., Table]) -> None:
    assert np.isnan(numbers(typed([*map(str, range(99)), "unknown"], override="numeric"))[99])


@pytest.mark.parametrize("cells", [["1", "2"], ["1.0", "2.0"], [1, 2], [1.0, 2.0]])
def test_numbers_as_categories_have_one_spelling(typed: Callable[..., Table], cells: list[Any]) -> None:
    assert categories(typed(cells, override="categorical")) == ("1", "2")


def test_spellings_of_one_number_are_one_category(typed: Callable[..., Table]) -> None:
    table = typed(["1", "1.0", "01"], override="categorical")
    assert categories(table) == ("01", "1")
    assert table.features["x"].codes[:3].tolist() == [1, 1, 0]  # type: ignore[union-attr]


def test_in_a_categorical_column_only_blanks_are_missing(typed: Callable[..., Table]) -> None:
    table = typed(["NA", "None", "EU", "", " ", None])
    assert categories(table) == ("EU", "NA", "None")
    assert table.features["x"].codes[3:6].tolist() == [-1, -1, -1]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "cells",
    [
        [f"2024-05-{day:02}" for day in range(1, 29)],
        [f"2024-05-{day:02}T12:00:00Z" for day in range(1, 29)],
        [f"{day}.5.2024" for day in range(1, 29)],
        [f"5/{day}/24 3:15 PM" for day in range(1, 29)],
        [f"{day} May 2024" for day in range(1, 29)],
        [f"May {day}, 2024" for day in range(1, 29)],
        [datetime.date(2024, 5, day) for day in range(1, 29)],
        [datetime.datetime(2024, 5, day, tzinfo=datetime.UTC) for day in range(1, 29)],
        [*(f"2024-05-{day:02}" for day in range(1, 29)), "unknown"],
    ],
)
def test_dates_are_left_out_with_their_proper_place_named(
    typed: Callable[..., Table], cells: list[Any]
) -> None:
    table = typed(cells)
    assert "x" not in table.features
    assert "x: holds dates; left out" in table.warnings[0]
    assert "columns.time" in table.warnings[0]


LEFT_OUT = {
    "all missing": ([""] * ROWS, "x: every cell is missing; left out"),
    "all marked missing": (["NA"] * ROWS, "x: every cell is missing; left out"),
    "null type": (pa.nulls(ROWS), "x: every cell is missing; left out"),
    "no number at all": (pa.nulls(ROWS, pa.float64()), "x: every cell is missing; left out"),
    "constant text": (["a"] * ROWS, "x: the same value in every row; left out"),
    "constant number": ([1] * ROWS, "x: the same value in every row; left out"),
    "free text": (
        [f"called {row} times" for row in range(ROWS)],
        "x: looks like an identifier or free text (1,200 different values in 1,200 rows); left out",
    ),
    "long text": (
        ["a" * 300, "b"] * (ROWS // 2),
        "x: holds texts of more than 256 characters; left out as free text",
    ),
    "row numbers": (
        range(ROWS),
        "x: looks like an identifier (different in every row and sorted); left out.",
    ),
    "falling numbers": (
        range(ROWS, 0, -1),
        "x: looks like an identifier (different in every row and sorted)",
    ),
}


@pytest.mark.parametrize(("cells", "warning"), LEFT_OUT.values(), ids=LEFT_OUT)
def test_columns_that_teach_nothing_are_left_out(
    customers: Callable[..., pa.Table], spec: Callable[..., Data], cells: Any, warning: str
) -> None:
    table = check_table(customers(x=cells), spec())
    assert "x" not in table.features
    assert any(found.startswith(warning) for found in table.warnings)


@pytest.mark.parametrize("name", ["id", "customer_id", "customerID", "CustomerId", "account.number", "KEY"])
def test_shuffled_numbers_named_like_an_identifier_are_left_out(
    customers: Callable[..., pa.Table], spec: Callable[..., Data], name: str
) -> None:
    shuffled = np.random.default_rng(1).permutation(ROWS)
    assert name not in check_table(customers(**{name: shuffled}), spec()).features
    kept = check_table(customers(**{name: shuffled}), spec(types={name: "numeric"}))
    assert name in kept.features


@pytest.mark.parametrize("name", ["paid", "covid", "income", "tenure_days"])
def test_shuffled_numbers_with_another_name_are_kept(
    customers: Callable[..., pa.Table], spec: Callable[..., Data], name: str
) -> None:
    assert (
        name in check_table(customers(**{name: np.random.default_rng(1).permutation(ROWS)}), spec()).features
    )


def test_many_categories_are_kept_up_to_a_thousand(
    customers: Callable[..., pa.Table], spec: Callable[..., Data]
) -> None:
    rows = 4_000
    cities = [f"city {row % 1_000}" for row in range(rows)]
    towns = [f"town {row % 1_001}" for row in range(rows)]
    table = check_table(customers(rows=rows, cities=cities, towns=towns), spec())
    assert len(table.features["cities"].categories) == 1_000  # type: ignore[union-attr]
    assert "towns" not in table.features
    assert "towns: 1,001 categories, more than 1,000; left out, group them first" in table.warnings


def test_missing_shares_are_shown_and_almost_empty_columns_kept(
    customers: Callable[..., pa.Table], spec: Callable[..., Data]
) -> None:
    table = check_table(
        customers(x=[1.0, *[None] * 99] * 12, y=["a", "b", "", ""] * 300, z=[None, *range(1, ROWS)]), spec()
    )
    assert {"x", "y"} <= table.features.keys()
    assert "cells are missing in 2 columns: x 99.0% and y 50.0%" in table.warnings
    assert "x: 99.0% of the cells are missing; kept, as being filled may tell something" in table.warnings


def test_all_problems_of_all_columns_are_reported_at_once(
    customers: Callable[..., pa.Table], spec: Callable[..., Data], refusal_of: Callable[..., Refused]
) -> None:
    table = customers(
        price=["29,99", "1,5"] * 600,
        speed=[1.0, float("inf")] * 600,
        orders=[[1]] * ROWS,
        left=["Yes"] * ROWS,
    )
    refusal = refusal_of(table, spec(value="cost", exclude=("gone",)))
    for text in ("price:", "speed:", "orders: columns of type list<item: int64>", "left: the label is 'Yes'"):
        assert text in refusal.message
    assert "columns.value: there is no column 'cost'" in refusal.message
    assert "columns.exclude: there is no column 'gone'" in refusal.message


def test_nothing_to_learn_from_is_refused(
    customers: Callable[..., pa.Table], spec: Callable[..., Data], refusal_of: Callable[..., Refused]
) -> None:
    table = customers(tenure=None, charges=None, contract=["same"] * ROWS)
    assert "no column is left to learn from" in refusal_of(table, spec()).message
