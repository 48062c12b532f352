"""Groups and digests depend on content alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from churnguard_core.churnmodel.types import Data
from churnguard_scoring.columns import CategoricalColumn, NumericColumn
from churnguard_training.checks import check_table
from churnguard_training.checks.grouping import content_hashes, mixed

CELLS = st.one_of(st.none(), st.integers(-2, 2))
ROWS = st.lists(st.tuples(CELLS, CELLS, st.sampled_from(["a", "b", "c", None])), min_size=1, max_size=12)


def columns_of(rows: list[tuple[Any, Any, Any]], *, categories: tuple[str, ...]) -> dict[str, Any]:
    def numbers(position: int) -> NumericColumn:
        return NumericColumn(
            np.array([np.nan if row[position] is None else row[position] for row in rows], float)
        )

    codes = [-1 if row[2] is None else categories.index(row[2]) for row in rows]
    return {
        "x": numbers(0),
        "y": numbers(1),
        "z": CategoricalColumn(np.array(codes, dtype=np.int32), categories),
    }


@given(ROWS, st.randoms(use_true_random=False))
def test_groups_do_not_depend_on_the_order_of_rows_columns_or_codes(rows: list[Any], random: Any) -> None:
    hashes = content_hashes(columns_of(rows, categories=("a", "b", "c")), rows=len(rows))
    order = list(range(len(rows)))
    random.shuffle(order)
    shuffled = columns_of([rows[row] for row in order], categories=("c", "unused", "b", "a"))
    names = list(shuffled)
    random.shuffle(names)
    again = content_hashes({name: shuffled[name] for name in names}, rows=len(rows))
    assert again.tolist() == hashes[order].tolist()


@given(ROWS)
def test_rows_are_one_group_exactly_when_they_are_equal(rows: list[Any]) -> None:
    hashes = content_hashes(columns_of(rows, categories=("a", "b", "c")), rows=len(rows)).tolist()
    assert len(set(hashes)) == len(set(rows))
    assert len(set(zip(rows, hashes, strict=True))) == len(set(rows))


def test_swapped_values_are_another_group() -> None:
    swapped = columns_of([(1, 2, "a"), (2, 1, "a")], categories=("a",))
    assert len(set(content_hashes(swapped, rows=2).tolist())) == 2


def test_zeros_of_both_signs_are_one_group() -> None:
    column = NumericColumn(np.array([0.0, -0.0]))
    assert len(set(content_hashes({"x": column}, rows=2).tolist())) == 1


def test_hashes_are_the_same_on_every_machine_and_in_every_release() -> None:
    # Another value would put other customers into the hold-out, and a champion would be scored on what it learnt from.
    hashes = content_hashes(columns_of([(1, -2, "a"), (None, 0, "b")], categories=("a", "b")), rows=2)
    assert [f"{value:016x}" for value in hashes.tolist()] == ["a542f1264e4dc840", "6fc999a82395c798"]


def test_the_mixing_is_that_of_splitmix64() -> None:
    # The first output of the published generator for seed 0.
    assert mixed(np.zeros(1, dtype=np.uint64)).tolist() == [0xE220A8397B1DCDAF]


def test_hashes_spread_over_all_bits() -> None:
    numbers = NumericColumn(np.arange(100_000, dtype=np.float64))
    hashes = content_hashes({"x": numbers}, rows=100_000)
    for bit in range(64):
        share = float(((hashes >> np.uint64(bit)) & np.uint64(1)).mean())
        assert share == pytest.approx(0.5, abs=0.01)


def test_ids_decide_the_group_whatever_their_type(
    customers: Callable[..., pa.Table], spec: Callable[..., Data]
) -> None:
    numbers = [10**17 + row // 2 for row in range(1_200)]
    as_numbers = check_table(customers(id=numbers), spec(id="id")).groups
    as_text = check_table(customers(id=[f" {number}" for number in numbers]), spec(id="id")).groups
    assert as_numbers.tolist() == as_text.tolist()
    assert len(set(as_numbers.tolist())) == 600


def test_a_constant_column_belongs_to_the_content(
    customers: Callable[..., pa.Table], spec: Callable[..., Data]
) -> None:
    # So that groups stay when the column begins to vary in a later export.
    constant = check_table(customers(plan=["old"] * 1_200), spec())
    varied = check_table(customers(plan=["old"] * 1_199 + ["new"]), spec())
    assert "plan" not in constant.features
    assert constant.groups[:-1].tolist() == varied.groups[:-1].tolist()


def test_the_digest_ignores_the_order_of_columns_but_not_that_of_rows(
    customers: Callable[..., pa.Table], spec: Callable[..., Data]
) -> None:
    table = customers()
    digest = check_table(table, spec()).digest
    assert digest.startswith("sha256:")
    assert len(digest) == 71
    assert check_table(table.select(table.column_names[::-1]), spec()).digest == digest
    assert check_table(table.take(list(range(1_199, -1, -1))), spec()).digest != digest


CHANGES: dict[str, dict[str, Any]] = {
    "a feature": {"tenure": [5, 6] * 600},
    "a category": {"contract": ["One year", "Two year"] * 600},
    "the label": {"left": ["Yes", "No"] * 600},
    "the value": {"worth": [3.0] * 1_200},
    "the time": {"seen": ["2024-06-01"] * 1_200},
    "a protected group": {"group": ["b"] * 1_200},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_the_digest_changes_with(
    customers: Callable[..., pa.Table], spec: Callable[..., Data], change: dict[str, Any]
) -> None:
    base = {"worth": [2.0] * 1_200, "seen": ["2024-05-31"] * 1_200, "group": ["a"] * 1_200}
    data = spec(value="worth", time="seen", protected=("group",))
    assert (
        check_table(customers(**base), data).digest
        != check_table(customers(**{**base, **change}), data).digest
    )
