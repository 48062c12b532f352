"""Against the definition itself: every coalition of features, counted out on small random trees."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from math import factorial
from typing import Any

import numpy as np
import pytest

from churnguard_core.features import Feature
from churnguard_scoring.encoder import Encoder, encode
from churnguard_scoring.models import Trees
from churnguard_scoring.reader import columns_from_records
from churnguard_scoring.trees import CompiledTrees


def _value(trees: Trees, at: int, row: Any, known: set[int]) -> float:
    """Expected output below a node when only these encoded columns are known (path-dependent)."""
    output = trees.output[at]
    if output < 0:
        return trees.value[at]
    left, right = trees.left[at], trees.right[at]
    if output in known:
        x = row[output]
        goes_left = trees.missing_left[at] if np.isnan(x) else x < trees.boundary[at]
        return _value(trees, left if goes_left else right, row, known)
    share = trees.cover[left] / trees.cover[at]
    return share * _value(trees, left, row, known) + (1 - share) * _value(trees, right, row, known)


def _shapley(trees: Trees, row: Any) -> dict[int, float]:
    players = sorted({output for output in trees.output if output >= 0})
    total = len(players)

    def worth(known: set[int]) -> float:
        return sum(_value(trees, root, row, known) for root in trees.roots)

    values = {}
    for player in players:
        others = [other for other in players if other != player]
        values[player] = sum(
            factorial(size)
            * factorial(total - size - 1)
            / factorial(total)
            * (worth({*coalition, player}) - worth(set(coalition)))
            for size in range(total)
            for coalition in combinations(others, size)
        )
    return values


@pytest.mark.parametrize(("depth", "seed"), [(1, 0), (2, 1), (3, 2), (4, 3)])
def test_reasons_equal_the_sum_over_all_coalitions(
    depth: int,
    seed: int,
    features: tuple[Feature, ...],
    tree_encoder: Encoder,
    grow_trees: Callable[..., Trees],
    draw_records: Callable[[int, int], list[dict[str, Any]]],
) -> None:
    trees = grow_trees(count=3, depth=depth, seed=seed)
    compiled = CompiledTrees(trees=trees, encoder=tree_encoder, features=features, on_unseen=lambda _: None)
    records = draw_records(8, seed)
    encoded = encode(tree_encoder, columns_from_records(features, records))
    for record, row in zip(records, encoded, strict=True):
        expected: dict[str, float] = {}
        for output, value in _shapley(trees, row).items():
            name = tree_encoder.outputs[output].feature
            expected[name] = expected.get(name, 0.0) + value
        assert dict(compiled.reasons(record)) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("depth", [1, 2, 3, 5, 6])
def test_scores_equal_a_walk_through_the_trees(
    depth: int,
    features: tuple[Feature, ...],
    tree_encoder: Encoder,
    grow_trees: Callable[..., Trees],
    draw_records: Callable[[int, int], list[dict[str, Any]]],
) -> None:
    trees = grow_trees(count=40, depth=depth, seed=depth)
    compiled = CompiledTrees(trees=trees, encoder=tree_encoder, features=features, on_unseen=lambda _: None)
    records = draw_records(200, depth)
    everything = set(range(len(tree_encoder.outputs)))
    encoded = encode(tree_encoder, columns_from_records(features, records))
    expected = [
        trees.base + sum(_value(trees, root, row, everything) for root in trees.roots) for row in encoded
    ]
    assert compiled.raw_many(columns_from_records(features, records)) == pytest.approx(expected, abs=1e-12)


def test_paths_longer_than_a_byte_of_conditions_are_refused(
    features: tuple[Feature, ...], tree_encoder: Encoder
) -> None:
    depth = 9
    chain = Trees(
        space="logOdds",
        base=0.0,
        roots=[0],
        output=[0 if at % 2 == 0 else -1 for at in range(2 * depth)] + [-1],
        boundary=[float(at) for at in range(2 * depth + 1)],
        missing_left=[False] * (2 * depth + 1),
        left=[at + 1 if at % 2 == 0 else -1 for at in range(2 * depth)] + [-1],
        right=[at + 2 if at % 2 == 0 else -1 for at in range(2 * depth)] + [-1],
        value=[1.0] * (2 * depth + 1),
        cover=[1.0] * (2 * depth + 1),
    )
    with pytest.raises(ValueError, match="more than 8 conditions"):
        CompiledTrees(trees=chain, encoder=tree_encoder, features=features, on_unseen=lambda _: None)


def test_no_trees_score_the_base(features: tuple[Feature, ...], tree_encoder: Encoder) -> None:
    empty = Trees(
        space="logOdds", base=-1.0, roots=[], output=[], boundary=[], missing_left=[], left=[], right=[],
        value=[], cover=[],
    )  # fmt: skip
    compiled = CompiledTrees(trees=empty, encoder=tree_encoder, features=features, on_unseen=lambda _: None)
    assert compiled.raw({}) == -1.0
    assert compiled.reasons({}) == []
