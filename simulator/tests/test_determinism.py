"""The same customers every time, however many are asked for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from churnguard_simulator import CHUNK_ROWS, MAX_ROWS, MAX_SEED, iter_chunks, simulate
from churnguard_simulator.csv_text import customers_lines, truth_lines

_SEEDS = st.integers(0, MAX_SEED)


@settings(deadline=None, max_examples=15)
@given(fewer=st.integers(1, CHUNK_ROWS + 100), more=st.integers(0, CHUNK_ROWS + 100), seed=_SEEDS)
def test_fewer_rows_are_a_prefix_of_more_rows(fewer: int, more: int, seed: int) -> None:
    few, many = simulate(rows=fewer, seed=seed), simulate(rows=fewer + more, seed=seed)

    assert len(few) == fewer
    assert len(many) == fewer + more
    assert customers_lines(many).startswith(customers_lines(few))
    assert truth_lines(many).startswith(truth_lines(few))


def test_chunks_are_the_simulation_in_pieces() -> None:
    rows = 2 * CHUNK_ROWS + 5
    chunks = list(iter_chunks(rows=rows, seed=3))

    assert [len(chunk) for chunk in chunks] == [CHUNK_ROWS, CHUNK_ROWS, 5]
    assert b"".join(map(customers_lines, chunks)) == customers_lines(simulate(rows=rows, seed=3))


def test_chunks_are_not_copies_of_each_other() -> None:
    first, second = iter_chunks(rows=2 * CHUNK_ROWS, seed=3)

    assert np.mean(first.truth.true_risk == second.truth.true_risk) < 0.01


def test_another_seed_gives_other_customers() -> None:
    one, other = simulate(rows=1000, seed=1), simulate(rows=1000, seed=2)

    assert not set(one.identifiers().tolist()) & set(other.identifiers().tolist())
    assert np.mean(one.truth.true_risk == other.truth.true_risk) < 0.01


def test_customers_of_a_seed_do_not_change_between_versions() -> None:
    """Data digests, tutorials and golden bundles hang on this; changing it is a change of the process."""
    assert customers_lines(simulate(rows=2, seed=7)) == (
        b"4769-HVWQI,Female,0,No,No,5,Yes,No,DSL,No,No,No,No,Yes,Yes,Month-to-month,No,"
        b"Bank transfer (automatic),66.75,325.65,No\n"
        b"6513-XZHRV,Male,0,No,No,55,Yes,No,DSL,Yes,No,No,No,No,No,Month-to-month,Yes,"
        b"Mailed check,51.75,2924.45,No\n"
    )


@pytest.mark.parametrize("rows", [1, CHUNK_ROWS - 1, CHUNK_ROWS, CHUNK_ROWS + 1])
def test_exactly_as_many_rows_as_asked_for(rows: int) -> None:
    simulated = simulate(rows=rows, seed=0)

    assert {len(column) for column in simulated.columns.values()} == {rows}
    assert {len(part) for part in simulated.truth.contributions.values()} == {rows}
    assert len(simulated.truth.true_risk) == len(simulated.truth.offer_effect) == rows


@pytest.mark.parametrize(
    ("rows", "seed", "problems"),
    [
        (0, 7, ["rows must be from 1 to 10000000, not 0"]),
        (-5, 7, ["rows must be from 1 to 10000000, not -5"]),
        (MAX_ROWS + 1, 7, ["rows must be from 1 to 10000000, not 10000001"]),
        (100, -1, ["seed must be from 0 to 2147483647, not -1"]),
        (100, MAX_SEED + 1, ["seed must be from 0 to 2147483647, not 2147483648"]),
        (10.5, 7, ["rows must be a whole number from 1 to 10000000, not float"]),
        (True, "7", ["rows must be a whole number", "not bool", "seed must be a whole number", "not str"]),
        (0, -1, ["rows must be from 1", "seed must be from 0"]),
    ],
)
def test_bounds_are_checked_before_anything_is_simulated(rows: int, seed: int, problems: list[str]) -> None:
    with pytest.raises(ValueError) as failure:
        iter_chunks(rows=rows, seed=seed)

    assert all(problem in str(failure.value) for problem in problems)


def test_bounds_take_the_whole_numbers_of_numpy() -> None:
    assert len(simulate(rows=np.int64(3), seed=np.int32(MAX_SEED))) == 3  # type: ignore[arg-type]
