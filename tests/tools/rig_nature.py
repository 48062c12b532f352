"""What becomes of pods, Jobs and children on the rig by chance, and by hands that know no better."""

from __future__ import annotations

import http
import random
from dataclasses import dataclass
from typing import Final

from operator_story import Story
from rig_snapshot import revision_of
from rig_world import World, ended, is_ready, tolerating

from churnguard_cluster import pod_status
from churnguard_cluster.objects import Document, reference
from churnguard_cluster.player import EVICTED, IMAGE_MISSING, Fate, timestamp
from churnguard_core.names import LABEL_MODEL
from churnguard_core.result import EXIT_REFUSED, TrainingResult, encode_result

FOREIGN: Final = {"app": "shop"}
APIS: Final = {
    "Service": "v1",
    "ConfigMap": "v1",
    "ServiceAccount": "v1",
    "InferenceService": "serving.kserve.io/v1beta1",
}
EDITS: Final[dict[str, Document]] = {
    "Service": {"spec": {"selector": {"app": "elsewhere"}}},
    "ConfigMap": {"data": {"serving.json": "{}", "foreign": "{}"}},
    "InferenceService": {"spec": {"predictor": {"minReplicas": 3, "maxReplicas": 3}}},
    "ServiceAccount": {"automountServiceAccountToken": True},
}


@dataclass(kw_only=True)
class Nature:
    """Decides how trainings end, whether predictors come up, and which child is meddled with."""

    world: World
    chance: random.Random

    def _trainings_end(self, fate: Fate, *, story: Story | None = None) -> None:
        self.world.player.play(self.world.pods(purpose="training", story=story), fate)

    def trainings_end_well(self) -> None:
        self._trainings_end(self.world.trained)

    def a_training_is_rejected(self) -> None:
        def rejected(pod: Document) -> Document:
            story = self.world.stories[pod["metadata"]["labels"][LABEL_MODEL]]
            message = story.result(revision_of(pod), auc=0.7)
            return ended(0, message)(pod)

        self._trainings_end(rejected, story=self.world.any_story(self.chance))

    def a_training_fails(self) -> None:
        fates: tuple[Fate, ...] = (
            ended(1, "Traceback"),
            ended(pod_status.OUT_OF_MEMORY_CODE, reason="OOMKilled"),
            ended(0, "no json"),
            lambda _: pod_status.evicted(message=EVICTED, now=timestamp()),
        )
        self._trainings_end(self.chance.choice(fates), story=self.world.any_story(self.chance))

    def a_training_is_refused(self) -> None:
        story = self.world.any_story(self.chance)

        def refused(pod: Document) -> Document:
            result = TrainingResult(
                verdict="Refused",
                model=story.name,
                revision=revision_of(pod),
                reason="TooFewRows",
                message="too few rows",
            )
            return ended(EXIT_REFUSED, encode_result(result).decode())(pod)

        self._trainings_end(refused, story=story)

    def a_job_vanishes(self) -> None:
        story = self.world.any_story(self.chance)
        model = self.world.snapshot().model(story.name)
        jobs = (model.active_jobs("training") or model.children("Job")) if model else []
        if jobs:
            name = self.chance.choice(sorted(job["metadata"]["name"] for job in jobs))
            self.world.removed_jobs.add(name)
            story.delete(reference("batch/v1", "Job", name))

    def predictors_come_up(self) -> None:
        down = [pod for pod in self.world.pods(purpose="serving") if not is_ready(pod)]
        self.world.player.play(down, self.world.serves)

    def predictors_go_down(self) -> None:
        story = self.world.any_story(self.chance)
        self.world.player.play(
            self.world.pods(purpose="serving", story=story),
            lambda pod: pod_status.running(pod, address=story.address, ready=False, now=timestamp()),
        )

    def predictors_cannot_be_pulled(self) -> None:
        pods = self.world.pods(purpose="serving", story=self.world.any_story(self.chance))
        self.world.player.play(
            [pod for pod in pods if pod["status"]["phase"] == "Pending"],
            lambda pod: pod_status.waiting(
                pod, reason="ImagePullBackOff", message=IMAGE_MISSING, now=timestamp()
            ),
        )

    def _child(self) -> tuple[Story, str, str] | None:
        story = self.world.any_story(self.chance)
        model = self.world.snapshot().model(story.name)
        found = [
            (kind, child["metadata"]["name"])
            for kind in APIS
            for child in (model.children(kind) if model else ())
            if model and model.owns(child)
        ]
        return (story, *self.chance.choice(sorted(found))) if found else None

    def a_child_is_deleted(self) -> None:
        if (found := self._child()) is not None:
            story, kind, name = found
            story.delete(reference(APIS[kind], kind, name))

    def a_child_is_edited(self) -> None:
        if (found := self._child()) is not None:
            _, kind, name = found
            change = {**reference(APIS[kind], kind, name), **EDITS[kind]}
            self.world.objects.merge(change, namespace=self.world.namespace)

    def a_service_of_others_comes(self) -> None:
        story = self.world.any_story(self.chance)
        service = reference("v1", "Service", story.name)
        with tolerating(http.HTTPStatus.NOT_FOUND):
            story.delete(service)
        spec = {"selector": FOREIGN, "ports": [{"port": 80}]}
        # The operator may have been faster.
        self.world.objects.create({**service, "spec": spec}, namespace=self.world.namespace)

    def services_of_others_go(self) -> None:
        for story in self.world.stories.values():
            found = self.world.objects.find(
                reference("v1", "Service", story.name), namespace=self.world.namespace
            )
            if found and found["spec"]["selector"] == FOREIGN:
                managers = {each["manager"] for each in found["metadata"]["managedFields"]}
                assert "churnguard-operator" not in managers, "a Service of others was written to"
                story.delete(found)
