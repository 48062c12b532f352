"""The label, and the columns with a role: id, time, value, protected."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from churnguard_core.churnmodel.types import Data
from churnguard_training.checks import Origin, check_table, with_origin
from churnguard_training.errors import Refused

ROWS = 1_200


@pytest.mark.parametrize(
    ("cells", "positive"),
    [
        (["Yes", "No"], "Yes"),
        (["Yes ", " No"], "Yes"),
        (["1", "0"], "1"),
        (["1.0", "0.0"], "1"),
        ([1, 0], "1"),
        ([1, 0], "1.0"),
        ([1.0, 0.0], "1"),
        (["TRUE", "FALSE"], "true"),
        (["true", "false"], "TRUE"),
        ([True, False], "True"),
        (["left", "0"], "left"),
    ],
)
def test_the_positive_value_is_compared_as_people_read_it(
    customers: Callable[..., pa.Table], spec: Callable[..., Data], cells: list[Any], positive: str
) -> None:
    table = check_table(customers(left=cells * (ROWS // 2)), spec(positive=positive))
    assert table.label[:2].tolist() == [1, 0]
    assert table.label.dtype == np.uint8


BAD_LABELS = {
    "three values": (
        ["Yes", "No", "No", "Maybe"],
        "left: the label has 3 values, needs exactly 2: 'No' (600 rows), 'Maybe' (300 rows) and 'Yes' (300 rows)",
    ),
    "constant": (["No"], "left: the label is 'No' (1,200 rows) in every row"),
    "missing cells": (
        ["Yes", "", "No", None],
        "left: the label is missing in 600 rows (rows 3, 5, 7, 9, 11 and 595",
    ),
    "missing markers": (["Yes", "NA", "No"], "left: the label is missing in 400 rows"),
    "all missing": ([None], "left: the label is missing in 1,200 rows"),
    "positive absent": (
        ["yes", "no"],
        "left: columns.label.positive is 'Yes', but the values are 'no' (600 rows) and 'yes' (600 rows); "
        "did you mean 'yes'?",
    ),
    "dates": ([datetime.date(2024, 5, 31)], "left: holds dates, not who left"),
    "nested": ([[1]], "left: columns of type list<item: int64> cannot be used"),
}


@pytest.mark.parametrize(("cells", "expected"), BAD_LABELS.values(), ids=BAD_LABELS)
def test_a_bad_label_is_refused_with_its_values(
    customers: Callable[..., pa.Table],
    spec: Callable[..., Data],
    refusal_of: Callable[..., Refused],
    cells: list[Any],
    expected: str,
) -> None:
    cells = cells * (ROWS // len(cells))
    table = with_origin(customers(left=pa.array(cells)), Origin(name="f.csv", first_row=2))
    refusal = refusal_of(table, spec())
    assert refusal.reason == "InvalidData"
    assert f"f.csv: {expected}" in refusal.message


def test_many_values_are_counted_but_not_shown(
    customers: Callable[..., pa.Table], spec: Callable[..., Data], refusal_of: Callable[..., Refused]
) -> None:
    names = [f"Jane Doe {row}" for row in range(ROWS)]
    refusal = refusal_of(customers(left=names), spec())
    assert "Jane" not in refusal.message
    assert "1,200 different ones, so this is not a label" in refusal.message


def test_columns_that_do_not_exist_are_named_with_what_there_is(
    customers: Callable[..., pa.Table], spec: Callable[..., Data], refusal_of: Callable[..., Refused]
) -> None:
    data = spec(
        label="Left",
        id="customer",
        time="when",
        value="charge",
        exclude=("tenuer",),
        protected=("gender",),
        types={"contracts": "categorical"},
        leaky_columns=("late",),
    )
    assert refusal_of(customers(), data).problems == (
        "the table: columns.label.name: there is no column 'Left'; did you mean 'left'?",
        "the table: columns.id: there is no column 'customer'",
        "the table: columns.time: there is no column 'when'",
        "the table: columns.value: there is no column 'charge'; did you mean 'charges'?",
        "the table: columns.exclude: there is no column 'tenuer'; did you mean 'tenure'?",
        "the table: columns.protected: there is no column 'gender'",
        "the table: columns.types: there is no column 'contracts'; did you mean 'contract'?",
        "the table: allow.leakyColumns: there is no column 'late'",
        "the table: its columns are: tenure, charges, contract, left",
    )


def test_columns_of_one_name_are_refused(
    spec: Callable[..., Data], refusal_of: Callable[..., Refused]
) -> None:
    refusal = refusal_of(pa.table([["Yes"], [1], [2]], names=["left", "a", "a"]), spec())
    assert refusal.reason == "MalformedData"
    assert "column names occur more than once: 'a' (2 times)" in refusal.message


@pytest.mark.parametrize(
    "cells",
    [
        ["2024-05-31", "2024-05-31T12:30:00"],
        ["2024-05-31T02:00:00+02:00", "2024-05-31 12:30:00Z"],
        [datetime.datetime(2024, 5, 31), datetime.datetime(2024, 5, 31, 12, 30)],
    ],
)
def test_times_are_seconds_in_utc_and_no_feature(
    customers: Callable[..., pa.Table], spec: Callable[..., Data], cells: list[Any]
) -> None:
    table = check_table(customers(seen=cells * (ROWS // 2)), spec(time="seen"))
    assert table.time is not None
    assert table.time.dtype == np.dtype("datetime64[s]")
    assert table.time[:2].tolist() == [datetime.datetime(2024, 5, 31), datetime.datetime(2024, 5, 31, 12, 30)]
    assert "seen" not in table.features


def test_dates_are_times_at_midnight(customers: Callable[..., pa.Table], spec: Callable[..., Data]) -> None:
    table = check_table(customers(seen=[datetime.date(2024, 5, 31)] * ROWS), spec(time="seen"))
    assert table.time is not None
    assert table.time[0] == np.datetime64("2024-05-31T00:00:00")


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["2024-05-31", "yesterday"], "seen: 600 cells not a time in ISO form such as 2024-05-31 (rows 2, 4"),
        (["2024-05-31", "31.05.2024"], "seen: 600 cells not a time in ISO form"),
        (["2024-05-31", "2024-02-30"], "seen: 600 cells not a time in ISO form"),
        (["2024-05-31", ""], "seen: 600 cells without a time (rows 2, 4"),
        ([datetime.date(2024, 5, 31), None], "seen: 600 cells without a time (rows 2, 4"),
        ([1717113600], "seen: holds numbers, not times"),
    ],
)
def test_times_that_cannot_be_read_are_refused_with_their_rows(
    customers: Callable[..., pa.Table],
    spec: Callable[..., Data],
    refusal_of: Callable[..., Refused],
    cells: list[Any],
    expected: str,
) -> None:
    assert expected in refusal_of(customers(seen=cells * (ROWS // len(cells))), spec(time="seen")).message


def test_value_is_money_and_a_feature_too(
    customers: Callable[..., pa.Table], spec: Callable[..., Data]
) -> None:
    cells = [*map(str, range(1, ROWS)), " "]
    table = check_table(customers(worth=[*reversed(cells)]), spec(value="worth", types={"worth": "numeric"}))
    assert table.value is not None
    assert np.isnan(table.value[0])
    assert table.value[1] == ROWS - 1
    assert "worth" in table.features
    assert table.warnings == ("worth: 1 cell is blank and counts as missing (row 1)",)


def test_an_excluded_value_is_no_feature(
    customers: Callable[..., pa.Table], spec: Callable[..., Data]
) -> None:
    table = check_table(customers(), spec(value="charges", exclude=("charges",)))
    assert table.value is not None
    assert "charges" not in table.features


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ([5.0, -1.0], "worth: 600 negative amounts (rows 2, 4, 6, 8, 10 and 595 more)"),
        ([5.0, float("inf")], "worth: 600 infinite numbers (rows 2, 4"),
        (["5", "much"], "worth: must be numeric, but 600 cells hold no number (rows 2, 4"),
        ([None], "worth: columns.value names a column without any amount"),
        ([datetime.date(2024, 5, 31)], "worth: columns.value must hold money, not dates"),
    ],
)
def test_values_that_are_no_money_are_refused(
    customers: Callable[..., pa.Table],
    spec: Callable[..., Data],
    refusal_of: Callable[..., Refused],
    cells: list[Any],
    expected: str,
) -> None:
    refusal = refusal_of(customers(worth=cells * (ROWS // len(cells))), spec(value="worth"))
    assert expected in refusal.message
    assert len(refusal.problems) == len(set(refusal.problems))


@pytest.mark.parametrize(
    ("cells", "categories", "codes"),
    [
        (["Female", "Male", ""], ("Female", "Male"), [0, 1, -1]),
        ([0, 1, None], ("0", "1"), [0, 1, -1]),
        (["0", "1", " "], ("0", "1"), [0, 1, -1]),
        ([True, False, None], ("false", "true"), [1, 0, -1]),
    ],
)
def test_protected_columns_are_groups_and_no_features(
    customers: Callable[..., pa.Table],
    spec: Callable[..., Data],
    cells: list[Any],
    categories: tuple[str, ...],
    codes: list[int],
) -> None:
    table = check_table(customers(group=cells * (ROWS // 3)), spec(protected=("group",)))
    assert table.protected["group"].categories == categories
    assert table.protected["group"].codes[:3].tolist() == codes
    assert "group" not in table.features


def test_protected_numbers_are_grouped_by_quarters(
    customers: Callable[..., pa.Table], spec: Callable[..., Data]
) -> None:
    ages = np.append(np.nan, np.tile(np.arange(18, 98), ROWS // 80)[1:])
    group = check_table(customers(age=ages), spec(protected=("age",))).protected["age"]
    assert group.categories == ("18-38", "39-58", "59-77", "78-97")
    assert group.codes[0] == -1
    assert group.codes[1:4].tolist() == [0, 0, 0]


def test_of_many_protected_groups_the_largest_are_reported(
    customers: Callable[..., pa.Table], spec: Callable[..., Data]
) -> None:
    groups = [f"group {min(row, 60) % 60}" for row in range(ROWS)]
    table = check_table(customers(group=groups), spec(protected=("group",)))
    assert len(table.protected["group"].categories) == 50
    assert table.protected["group"].categories[-1] == "(others)"
    assert np.count_nonzero(table.protected["group"].codes == 49) == 11
    assert table.warnings == (
        "group: 60 protected groups; the 49 largest are reported, the rest as (others)",
    )


def test_ids_are_no_features_and_their_gaps_and_repeats_are_shown(
    customers: Callable[..., pa.Table], spec: Callable[..., Data]
) -> None:
    ids = [f"c{row}" for row in range(ROWS)]
    ids[5], ids[6], ids[9] = "c4", " ", ""
    table = check_table(customers(id=ids), spec(id="id"))
    assert "id" not in table.features
    assert table.groups[5] == table.groups[4]
    assert table.groups[6] != table.groups[9]
    assert table.warnings == (
        "id: 2 rows without an id (rows 7 and 10), kept together by equal features",
        "id: 1 row has the id of an earlier row; they stay together in every split",
    )
