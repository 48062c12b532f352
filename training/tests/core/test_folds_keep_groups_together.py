"""Hold-out and folds: whole groups, never moved by the seed, by other rows or by their order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from churnguard_training.folds import HOLDOUT_SHARE, assign_folds, mix, split_holdout, subsample
from churnguard_training.table import Table

Hashes = NDArray[np.uint64]


def hashes(count: int, *, seed: int = 1) -> Hashes:
    return np.random.default_rng(seed).integers(0, 2**64, count, dtype=np.uint64)


def table_of(
    groups: Hashes, *, label: NDArray[np.uint8] | None = None, time: list[int] | None = None
) -> Table:
    rows = len(groups)
    return Table(
        features={},
        label=np.zeros(rows, dtype=np.uint8) if label is None else label,
        groups=groups,
        digest="",
        time=None if time is None else np.datetime64("2024-01-01", "s") + np.array(time, "timedelta64[D]"),
    )


groups_of_rows = st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=60).map(
    lambda values: np.array(values, dtype=np.uint64)
)


# --- hold-out ---


@given(old=groups_of_rows, new=groups_of_rows, has_id=st.booleans())
def test_new_rows_move_no_old_row_into_or_out_of_the_hold_out(old: Hashes, new: Hashes, has_id: bool) -> None:
    before = split_holdout(table_of(old), has_id=has_id)
    after = split_holdout(table_of(np.concatenate([old, new])), has_id=has_id)

    assert set(before.holdout) == {row for row in after.holdout if row < len(old)}


@given(groups=groups_of_rows, data=st.data())
def test_the_order_of_rows_does_not_matter_to_the_hold_out(groups: Hashes, data: st.DataObject) -> None:
    order = data.draw(st.permutations(range(len(groups))))
    held = set(groups[split_holdout(table_of(groups), has_id=True).holdout])

    shuffled = groups[order]

    assert set(shuffled[split_holdout(table_of(shuffled), has_id=True).holdout]) == held


@given(groups=groups_of_rows)
def test_every_row_is_on_one_side_and_every_group_on_one_side(groups: Hashes) -> None:
    twice = np.concatenate([groups, groups])
    split = split_holdout(table_of(twice), has_id=False)

    assert sorted([*split.training, *split.holdout]) == list(range(len(twice)))
    assert not set(twice[split.training]) & set(twice[split.holdout])


def test_about_a_fifth_is_held_out() -> None:
    split = split_holdout(table_of(hashes(50_000)), has_id=True)

    # Four standard errors of a share of 0.2 over so many rows.
    assert abs(len(split.holdout) / 50_000 - HOLDOUT_SHARE) < 4 * (0.16 / 50_000) ** 0.5


def test_about_a_fifth_of_simulated_customers_is_held_out(simulated: Callable[..., Table]) -> None:
    table = simulated(rows=5000)
    split = split_holdout(table, has_id=True)

    assert 0.17 < len(split.holdout) / len(table) < 0.23
    assert abs(table.label[split.holdout].mean() - table.label.mean()) < 0.06


@pytest.mark.parametrize(("has_id", "method"), [(True, "id"), (False, "features")])
def test_the_split_says_how_it_was_made(has_id: bool, method: str) -> None:
    assert split_holdout(table_of(hashes(100)), has_id=has_id).method == method
    assert split_holdout(table_of(hashes(100), time=[*range(100)]), has_id=has_id).method == "time"


# --- hold-out by time ---

days = st.lists(st.integers(0, 40), min_size=1, max_size=60)


@given(days=days)
def test_by_time_the_latest_rows_are_held_out_and_equal_times_stay_together(days: list[int]) -> None:
    split = split_holdout(table_of(hashes(len(days)), time=days), has_id=True)
    trained, held = ({days[row] for row in rows} for rows in (split.training, split.holdout))

    assert held
    assert not trained or max(trained) < min(held)


@given(days=days, later=days)
def test_newer_rows_never_put_a_row_that_was_learnt_from_into_the_hold_out(
    days: list[int], later: list[int]
) -> None:
    newer = [max(days) + day for day in later]
    before = split_holdout(table_of(hashes(len(days)), time=days), has_id=True)
    after = split_holdout(table_of(hashes(len(days) + len(newer)), time=[*days, *newer]), has_id=True)

    assert set(before.training) <= set(after.training)


def test_by_time_a_fifth_of_distinct_times_is_held_out() -> None:
    order = np.random.default_rng(3).permutation(1000).tolist()
    split = split_holdout(table_of(hashes(1000), time=order), has_id=False)

    assert sorted(np.array(order)[split.holdout]) == list(range(800, 1000))


# --- folds ---


def some_labels(count: int, *, share: float = 0.27) -> NDArray[np.uint8]:
    return (np.random.default_rng(2).random(count) < share).astype(np.uint8)


def test_folds_have_equal_size_and_equal_shares_of_both_classes() -> None:
    label = some_labels(3001)
    folds = assign_folds(label=label, groups=hashes(3001), folds=3, seed=7)

    for rows in (folds, folds[label == 1], folds[label == 0]):
        counts = np.bincount(rows, minlength=3)
        assert counts.max() - counts.min() <= 1, counts


@given(groups=groups_of_rows, seed=st.integers(0, 2**31 - 1), folds=st.integers(2, 5))
def test_a_group_is_in_one_fold(groups: Hashes, seed: int, folds: int) -> None:
    twice = np.concatenate([groups, groups[::-1]])
    fold_of = assign_folds(label=some_labels(len(twice)), groups=twice, folds=folds, seed=seed)

    assert set(fold_of) <= set(range(folds))
    assert len({(group, fold) for group, fold in zip(twice, fold_of, strict=True)}) == len(set(twice))


def test_folds_depend_on_the_seed_and_on_nothing_else() -> None:
    groups, label = hashes(500), some_labels(500)
    folds = [assign_folds(label=label, groups=groups, folds=3, seed=seed) for seed in (7, 7, 8)]
    order = np.random.default_rng(9).permutation(500)
    shuffled = assign_folds(label=label[order], groups=groups[order], folds=3, seed=7)

    np.testing.assert_array_equal(folds[0], folds[1])
    assert 0.5 < (folds[0] != folds[2]).mean() < 0.8  # two thirds move when nothing ties them
    np.testing.assert_array_equal(shuffled, folds[0][order])


def test_folds_and_hold_out_are_independent_of_each_other() -> None:
    groups = hashes(30_000)
    held = split_holdout(table_of(groups), has_id=True).holdout
    folds = assign_folds(label=some_labels(30_000), groups=groups, folds=3, seed=0)

    shares = np.bincount(folds[held], minlength=3) / len(held)

    np.testing.assert_allclose(shares, 1 / 3, atol=0.03)


# --- sample ---


def test_few_rows_are_all_in_the_sample_and_many_are_cut_to_the_limit_in_their_order() -> None:
    groups = hashes(1000)

    assert subsample(groups=groups, most=1000, seed=1).tolist() == list(range(1000))
    chosen = subsample(groups=groups, most=300, seed=1)
    assert len(set(chosen)) == 300
    assert chosen.tolist() == sorted(chosen)


def test_the_sample_depends_on_the_seed_and_not_on_the_order_of_rows() -> None:
    groups = hashes(1000)
    order = np.random.default_rng(9).permutation(1000)
    chosen = set(groups[subsample(groups=groups, most=300, seed=1)])

    assert set(groups[order][subsample(groups=groups[order], most=300, seed=1)]) == chosen
    assert set(groups[subsample(groups=groups, most=300, seed=2)]) != chosen


@given(salt=st.integers(0, 2**31 + 1), groups=groups_of_rows)
def test_mixing_keeps_different_groups_different(salt: int, groups: Hashes) -> None:
    assert len(set(mix(groups, salt=salt))) == len(set(groups))


def test_some_rows_of_a_table_keep_everything_of_theirs(simulated: Callable[..., Table]) -> None:
    time = np.datetime64("2024-01-01") + np.arange(1200)
    table = replace(simulated(rows=1200), time=time)
    rows = np.array([5, 3, 1000])
    part = table.rows(rows)

    assert len(part) == 3
    assert part.value is not None
    assert table.value is not None
    np.testing.assert_array_equal(part.value, table.value[rows])
    np.testing.assert_array_equal(np.asarray(part.time), time[rows])
    np.testing.assert_array_equal(part.protected["gender"].codes, table.protected["gender"].codes[rows])
    np.testing.assert_array_equal(part.groups, table.groups[rows])
    np.testing.assert_array_equal(part.label, table.label[rows])
