"""Random walks: whatever happens, in whatever order, the operator comes to rest, and at rest all is as it should be."""

from __future__ import annotations

import pytest

from churnguard_operator_tests.walk import Walk

WALKS, ACTIONS = 60, 150


@pytest.mark.parametrize("seed", range(WALKS))
def test_whatever_happens_it_comes_to_rest_and_all_is_as_it_should_be(seed: int) -> None:
    walk = Walk(seed)
    try:
        walk.take(ACTIONS)
    except AssertionError:
        print("\n".join(walk.trail))
        raise


def test_walks_come_far_enough_to_prove_something() -> None:
    events: set[str] = set()
    for seed in range(WALKS // 4):
        walk = Walk(seed)
        walk.take(ACTIONS)
        events |= set(walk.world.events)
    assert {"RevisionServing", "RevisionSuperseded", "RevisionRejected", "RevisionRefused"} <= events
    assert {
        "RolloutFailed",
        "InferenceServiceNotReady",
        "OutOfMemory",
        "JobVanished",
        "InvalidSpec",
    } <= events
