"""Leaves with the tests on their paths, read from the flat node arrays of a bundle."""

from __future__ import annotations

from dataclasses import dataclass, field

from churnguard_scoring.models import Trees

Condition = tuple[int, float, bool]
"""``encoded[output] < boundary``, or missing and the flag is set. Equal conditions of different trees are one."""


@dataclass(frozen=True, slots=True)
class Test:
    """One test on a leaf's path: the condition, the answer that leads on, and the share of weight that went along."""

    condition: Condition
    answer: bool
    ratio: float


@dataclass(frozen=True, slots=True)
class Leaf:
    """A leaf: its value and the tests that lead to it."""

    value: float
    tests: tuple[Test, ...]

    @property
    def expected(self) -> float:
        """The leaf's value times the share of training weight that reached it."""
        share = 1.0
        for test in self.tests:
            share *= test.ratio
        return self.value * share


@dataclass(slots=True)
class Group:
    """Leaves that are looked up together, and the conditions on their paths."""

    conditions: set[Condition] = field(default_factory=set)
    leaves: list[Leaf] = field(default_factory=list)


def group_leaves(trees: Trees, *, limit: int) -> list[Group]:
    """Cut every tree into groups of at most ``limit`` conditions, as large as fit.

    Raises:
        ValueError: A path has more than ``limit`` different conditions.
    """
    groups: list[Group] = []
    for root in trees.roots:
        _cut(_Node(trees, root, ()), limit=limit, groups=groups)
    return groups


@dataclass(frozen=True, slots=True)
class _Node:
    trees: Trees
    position: int
    path: tuple[Test, ...]

    @property
    def is_leaf(self) -> bool:
        return self.trees.output[self.position] < 0

    def children(self) -> tuple[_Node, _Node]:
        trees, at = self.trees, self.position
        condition = (trees.output[at], trees.boundary[at], trees.missing_left[at])
        cover = trees.cover[at]
        left, right = trees.left[at], trees.right[at]
        return (
            _Node(trees, left, (*self.path, Test(condition, True, _ratio(trees.cover[left], cover)))),  # noqa: FBT003
            _Node(trees, right, (*self.path, Test(condition, False, _ratio(trees.cover[right], cover)))),  # noqa: FBT003
        )


def _ratio(part: float, whole: float) -> float:
    # A node that no weight reached (it happens after pruning by rounding) splits evenly.
    return part / whole if whole > 0 else 0.5


def _cut(node: _Node, *, limit: int, groups: list[Group]) -> None:
    group = Group({test.condition for test in node.path})
    if _collect(node, group=group, limit=limit):
        groups.append(group)
        return
    if node.is_leaf:
        raise ValueError(f"a path tests more than {limit} conditions; train shallower trees")
    for child in node.children():
        _cut(child, limit=limit, groups=groups)


def _collect(node: _Node, *, group: Group, limit: int) -> bool:
    """Add the node's leaves to the group; False as soon as the group has too many conditions."""
    if node.is_leaf:
        group.leaves.append(Leaf(node.trees.value[node.position], node.path))
        return len(group.conditions) <= limit
    left, right = node.children()
    group.conditions.add(left.path[-1].condition)
    if len(group.conditions) > limit:
        return False
    return _collect(left, group=group, limit=limit) and _collect(right, group=group, limit=limit)
