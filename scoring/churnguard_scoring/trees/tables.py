"""Tables: for every pack and every pattern of answers, what its leaves add to the score or to the reasons."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from churnguard_scoring.trees.leaves import Condition, Group, Leaf, Test
from churnguard_scoring.trees.shapley import leaf_shapley


@dataclass(frozen=True, eq=False)
class PackTable:
    """A pack's look-up table.

    ``conditions[k]`` is answered by bit k of the pattern; ``values`` has a row per slot and an entry per pattern.
    ``features`` names the slots' features by position; a score table has the one slot ``-1``.
    """

    conditions: tuple[Condition, ...]
    features: tuple[int, ...]
    values: NDArray[np.float64]


def score_table(pack: Group) -> PackTable:
    """Sum of the leaves that a pattern reaches."""
    conditions = tuple(sorted(pack.conditions))
    bits = {condition: bit for bit, condition in enumerate(conditions)}
    patterns = np.arange(2 ** len(conditions))
    values = np.zeros(len(patterns))
    for leaf in pack.leaves:
        mask, answer = _mask(leaf.tests, bits)
        values[(patterns & mask) == answer] += leaf.value
    return PackTable(conditions, (-1,), values[None, :])


def reason_tables(packs: Sequence[Group], *, feature_of_output: Sequence[int]) -> list[PackTable]:
    """Shapley values by feature; outputs of one feature (its one-hot parts) are players of their own, then summed."""
    players = [[_players(leaf) for leaf in pack.leaves] for pack in packs]
    shapley = _shapley_of_leaves(
        [leaf for pack in packs for leaf in pack.leaves], [leaf for pack in players for leaf in pack]
    )
    tables, first = [], 0
    for pack, pack_players in zip(packs, players, strict=True):
        tables.append(
            _reason_table(pack, pack_players, shapley[first : first + len(pack.leaves)], feature_of_output)
        )
        first += len(pack.leaves)
    return tables


_Players = dict[int, list[Test]]


def _players(leaf: Leaf) -> _Players:
    players: defaultdict[int, list[Test]] = defaultdict(list)
    for test in leaf.tests:
        players[test.condition[0]].append(test)
    return dict(players)


def _shapley_of_leaves(leaves: Sequence[Leaf], players: Sequence[_Players]) -> list[NDArray[np.float64]]:
    """Table of each leaf, computed together for all leaves with as many players."""
    by_size: defaultdict[int, list[int]] = defaultdict(list)
    for at, leaf_players in enumerate(players):
        by_size[len(leaf_players)].append(at)
    tables: list[NDArray[np.float64]] = [np.zeros((1, 0))] * len(leaves)
    for size, positions in by_size.items():
        if size == 0:
            continue
        ratios = np.array([[_product_of_ratios(tests) for tests in players[at].values()] for at in positions])
        phi = leaf_shapley(values=np.array([leaves[at].value for at in positions]), ratios=ratios)
        for at, table in zip(positions, phi, strict=True):
            tables[at] = table
    return tables


def _product_of_ratios(tests: Sequence[Test]) -> float:
    product = 1.0
    for test in tests:
        product *= test.ratio
    return product


def _reason_table(
    pack: Group,
    players: Sequence[_Players],
    shapley: Sequence[NDArray[np.float64]],
    feature_of_output: Sequence[int],
) -> PackTable:
    conditions = tuple(sorted(pack.conditions))
    bits = {condition: bit for bit, condition in enumerate(conditions)}
    features = tuple(sorted({feature_of_output[output] for output, _, _ in conditions}))
    slots = {feature: slot for slot, feature in enumerate(features)}
    patterns = np.arange(2 ** len(conditions))
    values = np.zeros((len(features), len(patterns)))
    for leaf_players, table in zip(players, shapley, strict=True):
        met = np.zeros(len(patterns), dtype=np.intp)
        for position, tests in enumerate(leaf_players.values()):
            mask, answer = _mask(tests, bits)
            met |= ((patterns & mask) == answer).astype(np.intp) << position
        reached = table[met]
        for position, output in enumerate(leaf_players):
            values[slots[feature_of_output[output]]] += reached[:, position]
    return PackTable(conditions, features, values)


_NEVER = (0, 1)
"""Mask and answer of tests that contradict each other: no pattern has them."""


def _mask(tests: Sequence[Test], bits: dict[Condition, int]) -> tuple[int, int]:
    """Bits that these tests look at, and how they must be."""
    mask = answer = 0
    for test in tests:
        bit = 1 << bits[test.condition]
        wanted = bit if test.answer else 0
        if mask & bit and answer & bit != wanted:
            return _NEVER
        mask |= bit
        answer |= wanted
    return mask, answer
