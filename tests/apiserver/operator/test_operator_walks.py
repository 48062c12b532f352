"""Random walks on the real API server: whatever happens, in whatever order, all comes to rest as it should be.

A walk is of three models in one namespace. Longer ones by hand, from any seed on:

    CHURNGUARD_WALKS=25 CHURNGUARD_WALK_SEED=100 CHURNGUARD_WALK_MODELS=8 CHURNGUARD_WALK_ACTIONS=40 \\
        pytest tests/apiserver/operator/test_operator_walks.py
"""

from __future__ import annotations

import os

import pytest
from rig_walk import Walk
from rig_world import World

pytestmark = [
    pytest.mark.apiserver,
    pytest.mark.slow,
    pytest.mark.restricted,
    pytest.mark.timeout(900),
]

FIRST = int(os.environ.get("CHURNGUARD_WALK_SEED", "1"))
WALKS = int(os.environ.get("CHURNGUARD_WALKS", "1"))
ACTIONS = int(os.environ.get("CHURNGUARD_WALK_ACTIONS", "15"))


@pytest.mark.parametrize("seed", range(FIRST, FIRST + WALKS))
def test_a_random_walk_ends_well(world: World, seed: int) -> None:
    walk = Walk(seed, world)
    try:
        walk.take(ACTIONS)
    finally:
        print(f"seed {seed}, {ACTIONS} actions:", *walk.trail, sep="\n")
