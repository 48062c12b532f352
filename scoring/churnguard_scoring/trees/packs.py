"""Packs: groups of leaves put together while their conditions fit into one byte.

Boosted trees repeat themselves: the same few splits of the strongest features stand in tree after tree. Groups that
share conditions are put into one pack, so that a record has fewer, fuller patterns to look up.
"""

from __future__ import annotations

from collections.abc import Sequence

from churnguard_scoring.trees.leaves import Group

OPEN_PACKS = 48
"""How many unfilled packs are looked through; more pack a little better and compile longer."""


def pack_groups(groups: Sequence[Group], *, limit: int) -> list[Group]:
    """Merge groups, those that overlap most first, to packs of at most ``limit`` conditions."""
    done: list[Group] = []
    unfilled: list[Group] = []
    for group in sorted(groups, key=lambda g: len(g.conditions), reverse=True):
        pack = _best_fit(group, unfilled, limit=limit)
        if pack is None:
            unfilled.append(Group(set(group.conditions), list(group.leaves)))
        else:
            pack.conditions |= group.conditions
            pack.leaves += group.leaves
        if len(unfilled) > OPEN_PACKS:
            fullest = max(range(len(unfilled)), key=lambda at: len(unfilled[at].conditions))
            done.append(unfilled.pop(fullest))
    return done + unfilled


def _best_fit(group: Group, packs: Sequence[Group], *, limit: int) -> Group | None:
    best, best_overlap = None, -1
    for pack in packs:
        overlap = len(group.conditions & pack.conditions)
        fits = len(group.conditions) + len(pack.conditions) - overlap <= limit
        if fits and overlap > best_overlap:
            best, best_overlap = pack, overlap
    return best
