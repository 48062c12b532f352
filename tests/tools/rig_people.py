"""What people do to ChurnModels on the rig, by chance."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final

from operator_story import Story
from rig_world import World

from churnguard_cluster.objects import Document
from churnguard_core.names import ANNOTATION_TRAIN_REQUESTED_AT

SEEDS: Final = (1, 2, 3)


@dataclass(kw_only=True)
class People:
    """Who edits, asks, pins and suspends."""

    world: World
    chance: random.Random
    requests: int = 0

    def change(self, change: Document, *, story: Story | None = None) -> None:
        """Merge a change into a model, any of them unless one is named."""
        identity = (story or self.world.any_story(self.chance)).identity
        metadata = {**identity["metadata"], **change.get("metadata", {})}
        document = {**identity, **change, "metadata": metadata}
        self.world.objects.merge(document, namespace=self.world.namespace)

    def edit_what_is_learnt_from(self) -> None:
        self.change({"spec": {"training": {"seed": self.chance.choice(SEEDS)}}})

    def edit_serving(self) -> None:
        change: Document = self.chance.choice(
            [
                {"replicas": {"min": self.chance.randint(1, 2), "max": 3}},
                {"levels": {"high": self.chance.choice(["0.60", "0.70"])}},
                {"autoscaling": {"metric": self.chance.choice(["cpu", "memory", "requestsPerSecond"])}},
            ]
        )
        self.change({"spec": {"serving": change}})

    def ask_to_train(self) -> None:
        self.requests += 1
        annotations = {ANNOTATION_TRAIN_REQUESTED_AT: f"request {self.requests}"}
        self.change({"metadata": {"annotations": annotations}})

    def suspend(self) -> None:
        self.change({"spec": {"suspend": True}})

    def resume(self) -> None:
        self.change({"spec": {"suspend": False}})

    def pin(self) -> None:
        story = self.world.any_story(self.chance)
        known = [each["name"] for each in story.status.get("revisions", ())]
        pinned = self.chance.choice([*known, f"{story.name}-r77"])
        self.change({"spec": {"serving": {"revision": pinned}}}, story=story)

    def unpin(self) -> None:
        self.change({"spec": {"serving": {"revision": None}}})
