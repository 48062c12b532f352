"""One random walk on the rig: people, the cluster, the operator and what lies between them act in any order.

What is done is a function of the seed; what comes of it is not quite, because the operator and the controllers run
beside it. Between two actions there is a pause of any length, so that they meet the operator in any moment.
"""

from __future__ import annotations

import http
import random
import time
from collections.abc import Callable
from typing import Final

from faults import (
    Delay,
    Expire,
    Fault,
    Freeze,
    Moment,
    Refuse,
    Strike,
    every,
    nth,
    unless_lease,
    watches,
    writes,
)
from rig_nature import Nature
from rig_people import People
from rig_snapshot import ModelSnapshot, Snapshot
from rig_world import World, tolerating

from churnguard_cluster.waiting import wait_for

PAUSES: Final = (0.0, 0.0, 0.1, 0.3, 0.6, 1.5)
GONE_OR_CHANGED: Final = (http.HTTPStatus.NOT_FOUND, http.HTTPStatus.CONFLICT)
FAULTS: Final[tuple[Fault, ...]] = (
    Expire(),
    Refuse(which=unless_lease, status=http.HTTPStatus.TOO_MANY_REQUESTS, retry_after=1),
    Refuse(which=writes, status=http.HTTPStatus.SERVICE_UNAVAILABLE),
    Delay(which=every, seconds=0.3),
    Freeze(which=watches),
    Freeze(which=every),
)


class Walk:
    """A world and the chance that moves it."""

    def __init__(self, seed: int, world: World) -> None:
        self.chance = random.Random(seed)
        self.world = world
        self.trail: list[str] = []
        self.people = People(world=world, chance=self.chance)
        self.nature = Nature(world=world, chance=self.chance)

    def take(self, actions: int) -> None:
        """Walk, then let everybody be reasonable, and see that all ends well."""
        for story in self.world.stories.values():
            story.create(suspend=self.chance.random() < 0.2)
        self.world.start_operator()
        if self.chance.random() < 0.5:
            # A walk that begins where a model serves already gets further.
            self.come_to_rest()
        weights = self._weights()
        for action in self.chance.choices(list(weights), list(weights.values()), k=actions):
            self._step(action)
        self.end_well()

    def _step(self, action: Callable[[], object]) -> None:
        self.trail.append(action.__name__)
        # What is meant may be gone by now, as in life.
        with tolerating(*GONE_OR_CHANGED):
            action()
        self.world.check()
        time.sleep(self.chance.choice(PAUSES))  # the pace of the walk, not a wait for anything

    def _weights(self) -> dict[Callable[[], object], int]:
        people, nature = self.people, self.nature
        return {
            people.edit_what_is_learnt_from: 3,
            people.edit_serving: 3,
            people.ask_to_train: 3,
            people.suspend: 1,
            people.resume: 2,
            people.pin: 1,
            people.unpin: 2,
            nature.trainings_end_well: 8,
            nature.a_training_is_rejected: 2,
            nature.a_training_fails: 2,
            nature.a_training_is_refused: 1,
            nature.a_job_vanishes: 2,
            nature.predictors_come_up: 8,
            nature.predictors_go_down: 2,
            nature.predictors_cannot_be_pulled: 1,
            nature.a_child_is_deleted: 4,
            nature.a_child_is_edited: 4,
            nature.a_service_of_others_comes: 1,
            nature.services_of_others_go: 2,
            self.kill_the_operator: 4,
            self.kill_the_operator_at_a_write: 6,
            self.start_the_operator: 6,
            self.start_another_operator: 2,
            self.hand_the_lease_over: 2,
            self.cut_everything: 2,
            self.cut_watches: 2,
            self.worsen_the_weather: 4,
            self.mend_the_weather: 4,
            self.come_to_rest: 2,
        }

    # The operator.

    def kill_the_operator(self) -> None:
        for process in self.world.operator.living[:1]:
            process.kill()

    def kill_the_operator_at_a_write(self) -> None:
        moments: tuple[Moment, ...] = ("before", "after")
        strike = Strike(
            which=nth(self.chance.randint(0, 4), writes),
            moment=self.chance.choice(moments),
            act=self.world.kill_caller,
        )
        self.world.proxy.afflict(*self.world.proxy.weather.faults, strike)

    def start_the_operator(self) -> None:
        self.world.revive()

    def start_another_operator(self) -> None:
        if len(self.world.operator.living) < 2:
            self.world.start_operator()
        self.world.operator.free_lease_of_the_dead()

    def hand_the_lease_over(self) -> None:
        """Two work for a moment: who had the Lease learns of it later than who has it."""
        for process in self.world.operator.living[1:]:
            self.world.operator.give_lease_to(self.world.operator.identity(process))

    # What lies between.

    def cut_everything(self) -> None:
        self.world.proxy.cut()

    def cut_watches(self) -> None:
        self.world.proxy.cut_watches()

    def worsen_the_weather(self) -> None:
        fault = self.chance.choice(FAULTS)
        self.trail.append(f"  {type(fault).__name__}")
        self.world.proxy.afflict(fault)
        # What is open already would not notice all of them.
        self.world.proxy.cut_watches()

    def mend_the_weather(self) -> None:
        self.world.proxy.mend()

    # The end.

    def come_to_rest(self) -> None:
        self.world.come_to_rest()

    def end_well(self) -> None:
        """Everybody is reasonable from now on: a revision of the spec as it is serves in the end, and nothing else."""
        self.trail.append("the end")
        self.world.come_to_rest()
        self.nature.services_of_others_go()
        for number, story in enumerate(self.world.stories.values()):
            # What failed is not waited for: an edit starts anew.
            spec = {"suspend": False, "training": {"seed": 100 + number}, "serving": {"revision": None}}
            self.people.change({"spec": spec}, story=story)
        self.world.come_to_rest(unless=self._is_not_well)
        self.world.check_events()
        self.world.check_resync_writes_nothing()
        self._delete_one()

    def _is_not_well(self, snapshot: Snapshot) -> list[str]:
        return [said for name in self.world.stories for said in not_well(snapshot.model(name))]

    def _delete_one(self) -> None:
        """With a ChurnModel all goes that was made for it."""
        story = self.world.any_story(self.chance)
        story.delete(story.identity)

        def left() -> list[str]:
            self.world.player.finish_deletions()
            snapshot = self.world.snapshot()
            kinds = ("Job", "InferenceService", "Deployment", "Service", "ConfigMap", "ServiceAccount")
            found = [(kind, each) for kind in kinds for each in snapshot.labelled(kind, story.name)]
            return [f"{kind} {each['metadata']['name']}" for kind, each in found]

        wait_for(lambda: not left(), what=f"everything of {story.name} to go", seen=left)


def not_well(model: ModelSnapshot | None) -> list[str]:
    """What is not as it should be of a model that nothing is wrong with."""
    if model is None:
        return ["it is gone"]
    found = []
    if model.condition("Ready") != ("True", "RevisionServing"):
        found.append(f"{model.name}: Ready is {model.condition('Ready')}")
    if model.condition("Progressing")[1] not in ("UpToDate", "AutoscalerMissing"):
        found.append(f"{model.name}: Progressing is {model.condition('Progressing')}")
    if model.inference_services() != {model.named("serving")}:
        found.append(f"{model.name}: there are {model.inference_services()}")
    return found
