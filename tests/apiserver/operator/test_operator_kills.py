"""Killed at every write of a life: whatever was begun is ended by the next one, and nothing is done twice.

Each write is struck once, alternately before the API server hears of it and after it has answered. By hand both ways:

    CHURNGUARD_KILLS=all pytest tests/apiserver -k killed_at_every_write
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field

import pytest
from api_request import ApiRequest
from faults import Moment, Strike
from operator_story import NAME
from rig_truth import untruths
from rig_walk import not_well
from rig_world import World

from churnguard_cluster.waiting import wait_for

pytestmark = [pytest.mark.apiserver, pytest.mark.slow, pytest.mark.timeout(900)]

BOTH = os.environ.get("CHURNGUARD_KILLS") == "all"
MOMENTS: tuple[Moment, ...] = ("before", "after")
TOLD = ("churnmodels/status", "events")
"""What is written again and again, each time with something else in it."""


@dataclass(kw_only=True)
class Plot:
    """Kills the operator at every write, once or both ways."""

    world: World
    struck: list[tuple[Moment, str]] = field(default_factory=list)

    def lie_in_wait(self) -> None:
        strikes = (
            Strike(which=self.is_meant_before, moment="before", act=self.world.kill_caller),
            Strike(which=self.is_meant_after, moment="after", act=self.world.kill_caller),
        )
        self.world.proxy.afflict(*strikes)

    def is_meant_before(self, request: ApiRequest) -> bool:
        return self._is_meant(request, moment="before")

    def is_meant_after(self, request: ApiRequest) -> bool:
        return self._is_meant(request, moment="after")

    def _is_meant(self, request: ApiRequest, *, moment: Moment) -> bool:
        if not request.is_write:
            return False
        count = self.world.proxy.count(request.verb, request.resource) if request.resource in TOLD else ""
        write = f"{request} {count}".rstrip()
        done = [each for each, struck in self.struck if struck == write]
        turn = moment not in done if BOTH else not done and moment == MOMENTS[len(self.struck) % 2]
        if turn:
            self.struck.append((moment, write))
        return turn


def test_killed_at_every_write_it_does_nothing_twice(world: World) -> None:
    story = world.stories[NAME]
    world.stories = {NAME: story}
    plot = Plot(world=world)
    plot.lie_in_wait()
    story.create()

    def is_well() -> bool:
        world.revive()
        world.let_go()
        model = world.check().model(NAME)
        return model is not None and not [*not_well(model), *untruths(model)]

    # As long as anything is left to write, somebody is killed.
    wait_for(is_well, what="the first revision to serve", seconds=600, seen=lambda: plot.struck)
    world.come_to_rest()
    world.check_events()
    assert story.status["lastRevision"] == 1
    print(f"killed {len(plot.struck)} times:", *plot.struck, sep="\n")
    assert len(plot.struck) > 10
