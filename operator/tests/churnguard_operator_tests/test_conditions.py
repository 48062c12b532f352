"""The truth table of conditions, each row reached by what really happens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from churnguard_core.churnmodel.status import REASONS, REASONS_OF
from churnguard_operator_tests.world import World

Spec = dict[str, Any]


def first_training(world: World) -> None:
    world.settle()


def serves(world: World) -> None:
    world.serve_first()


def retrain_is_rejected(world: World) -> None:
    world.serve_first()
    world.ask_to_train()
    world.settle()
    world.finish_training(accepted=False)
    world.settle()


def retrain_fails(world: World) -> None:
    world.serve_first()
    world.edit("training", "retries", to=0)
    world.ask_to_train()
    world.settle()
    world.end_job(world.active_jobs()[0], exit_code=1, message="Traceback")
    world.settle()


def edited_spec_is_rejected(world: World) -> None:
    world.serve_first()
    world.edit("training", "seed", to=99)
    world.settle()
    world.finish_training(accepted=False)
    world.settle()


def candidate_does_not_come_up(world: World) -> None:
    world.serve_first()
    world.ask_to_train()
    world.settle()
    world.finish_training()
    world.settle()
    world.pass_time(world.settings.rollout_deadline.total_seconds())
    world.settle()


def gateway_takes_no_route(world: World) -> None:
    world.served = frozenset({"HTTPRoute"})
    world.edit("serving", "route", to={"gateway": "public"})
    world.serve_first()
    world.play_gateway(refusal="NotAllowedByListeners")
    world.settle()


def serving_pods_are_down(world: World) -> None:
    world.serve_first()
    world.play_kserve(world.inference_services()[0], ready=False)
    world.settle()


def spec_is_invalid(world: World) -> None:
    world.serve_first()
    world.edit("training", "algorithms", to=["Guess"])
    world.settle()


def name_is_taken(world: World) -> None:
    world.foreign_service()
    world.settle()


TABLE: dict[Callable[[World], None], dict[str, tuple[str, str]]] = {
    first_training: {
        "Ready": ("False", "TrainingRunning"),
        "Accepted": ("True", "SpecAccepted"),
        "Trained": ("False", "TrainingRunning"),
        "Serving": ("False", "NoRevision"),
        "Progressing": ("True", "TrainingRunning"),
    },
    serves: {
        "Ready": ("True", "RevisionServing"),
        "Accepted": ("True", "SpecAccepted"),
        "Trained": ("True", "RevisionTrained"),
        "Serving": ("True", "RevisionServing"),
        "Progressing": ("False", "UpToDate"),
    },
    retrain_is_rejected: {
        "Ready": ("True", "RevisionServing"),
        "Accepted": ("True", "SpecAccepted"),
        "Trained": ("True", "RevisionTrained"),
        "Serving": ("True", "RevisionServing"),
        "Progressing": ("False", "GateFailed"),
    },
    retrain_fails: {
        "Ready": ("True", "RevisionServing"),
        "Accepted": ("True", "SpecAccepted"),
        "Trained": ("True", "RevisionTrained"),
        "Serving": ("True", "RevisionServing"),
        "Progressing": ("False", "TrainingFailed"),
    },
    edited_spec_is_rejected: {
        "Ready": ("False", "GateFailed"),
        "Accepted": ("True", "SpecAccepted"),
        "Trained": ("False", "GateFailed"),
        "Serving": ("True", "RevisionServing"),
        "Progressing": ("False", "GateFailed"),
    },
    candidate_does_not_come_up: {
        "Ready": ("True", "RevisionServing"),
        "Accepted": ("True", "SpecAccepted"),
        "Trained": ("True", "RevisionTrained"),
        "Serving": ("True", "RevisionServing"),
        "Progressing": ("False", "RolloutFailed"),
    },
    gateway_takes_no_route: {
        "Ready": ("False", "RouteNotAccepted"),
        "Accepted": ("True", "SpecAccepted"),
        "Trained": ("True", "RevisionTrained"),
        "Serving": ("True", "RevisionServing"),
        "Progressing": ("False", "RouteNotAccepted"),
    },
    serving_pods_are_down: {
        "Ready": ("False", "InferenceServiceNotReady"),
        "Accepted": ("True", "SpecAccepted"),
        "Trained": ("True", "RevisionTrained"),
        "Serving": ("False", "InferenceServiceNotReady"),
        "Progressing": ("False", "UpToDate"),
    },
    spec_is_invalid: {
        "Ready": ("False", "InvalidSpec"),
        "Accepted": ("False", "InvalidSpec"),
        "Trained": ("True", "RevisionTrained"),
        "Serving": ("True", "RevisionServing"),
        "Progressing": ("False", "InvalidSpec"),
    },
    name_is_taken: {
        "Ready": ("False", "NameTaken"),
        "Accepted": ("False", "NameTaken"),
        "Trained": ("False", "Pending"),
        "Serving": ("False", "NoRevision"),
        "Progressing": ("False", "NameTaken"),
    },
}


@pytest.mark.parametrize("situation", TABLE, ids=lambda situation: situation.__name__)
def test_conditions_are_as_the_truth_table_says(
    world: World, spec: Spec, situation: Callable[[World], None]
) -> None:
    world.create(spec)
    situation(world)
    assert world.conditions() == TABLE[situation]
    generation = world.model["metadata"]["generation"]
    assert {each["observedGeneration"] for each in world.status["conditions"]} == {generation}
    assert world.status["observedGeneration"] == generation


def test_what_serves_goes_on_serving_in_every_row_in_which_something_served(world: World, spec: Spec) -> None:
    world.create(spec)
    edited_spec_is_rejected(world)
    assert (world.serving(), world.selected()) == ("telco-r1", world.inference_services()[0])


def test_a_time_of_transition_moves_only_when_the_status_does(world: World, spec: Spec) -> None:
    world.create(spec)
    world.serve_first()
    before = {each["type"]: each["lastTransitionTime"] for each in world.status["conditions"]}
    world.pass_time(100)
    world.edit("training", "algorithms", to=["Guess"])
    world.settle()
    after = {each["type"]: each["lastTransitionTime"] for each in world.status["conditions"]}
    moved = {kind for kind in after if after[kind] != before[kind]}
    assert moved == {"Ready", "Accepted"}


def test_every_reason_that_a_condition_may_bear_is_documented() -> None:
    assert {reason for reasons in REASONS_OF.values() for reason in reasons} == set(REASONS)


@pytest.mark.parametrize(
    ("end", "reason", "says"),
    [
        ({"exit_code": 1, "message": "KeyError"}, "TrainingFailed", "exit code 1: KeyError"),
        ({"exit_code": 137, "reason": "OOMKilled"}, "OutOfMemory", "spec.training.resources.memory"),
        ({"exit_code": 1, "job_reason": "DeadlineExceeded"}, "DeadlineExceeded", "deadlineSeconds"),
        ({"exit_code": 0, "message": "{}"}, "ResultMissing", "no result that can be read"),
        ({"exit_code": 0, "message": "other"}, "ResultMissing", "the result of telco-r9"),
        ({"exit_code": 2, "message": "refused"}, "DataRefused", "TooFewRows: 12 rows"),
        ({"exit_code": 2, "message": "unreachable"}, "StoreUnreachable", "StoreUnreachable: no bucket"),
        ({"exit_code": 2, "message": "usage: churnguard-train"}, "TrainingFailed", "exit code 2: usage"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_end_of_a_training_has_a_reason_of_its_own_and_says_what_to_do(
    world: World, spec: Spec, end: dict[str, Any], reason: str, says: str
) -> None:
    world.create(spec)
    world.edit("training", "retries", to=0)
    world.settle()
    messages = {
        "other": world.result("telco-r9"),
        "refused": world.refusal("telco-r1", reason="TooFewRows", message="12 rows"),
        "unreachable": world.refusal("telco-r1", reason="StoreUnreachable", message="no bucket"),
    }
    message = messages.get(end.get("message", ""), end.get("message", ""))
    world.end_job("telco-r1-train", **{**end, "message": message})
    world.settle()
    assert world.conditions()["Trained"] == ("False", reason)
    assert world.conditions()["Ready"] == ("False", reason)
    assert world.conditions()["Progressing"] == ("False", reason)
    assert says in world.message("Progressing")
    assert world.status["revisions"][0]["verdict"] in ("Failed", "Refused")


def test_a_job_that_is_deleted_has_vanished(world: World, spec: Spec) -> None:
    world.create(spec)
    world.edit("training", "retries", to=0)
    world.settle()
    world.delete("Job", "telco-r1-train")
    world.settle()
    assert world.conditions()["Trained"] == ("False", "JobVanished")


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (
            {"containerStatuses": [{"name": "train", "state": {"waiting": {"reason": "ImagePullBackOff"}}}]},
            "ImagePullFailed",
        ),
        (
            {"conditions": [{"type": "PodScheduled", "status": "False", "message": "no memory"}]},
            "PodPending",
        ),
        (
            {
                "containerStatuses": [
                    {"name": "train", "state": {"waiting": {"reason": "CreateContainerConfigError"}}}
                ]
            },
            "PodPending",
        ),
    ],
    ids=["image", "no node", "no secret"],
)
def test_a_pod_that_cannot_start_is_told_of_while_its_job_goes_on_trying(
    world: World, spec: Spec, state: dict[str, Any], reason: str
) -> None:
    world.create(spec)
    world.settle()
    world.objects["Pod", "telco-r1-train-pod"]["status"] = state
    world.settle()
    assert world.conditions()["Trained"] == ("False", reason)
    assert world.conditions()["Progressing"] == ("False", reason)
    assert world.events[-1] == reason
    world.finish_training()
    world.settle()
    assert world.conditions()["Trained"] == ("True", "RevisionTrained")


def test_a_pod_that_takes_long_to_start_is_told_of(world: World, spec: Spec) -> None:
    world.create(spec)
    plan = world.settle()
    assert plan.requeue_after is not None
    assert plan.requeue_after.total_seconds() == 120
    world.pass_time(120)
    world.settle()
    assert world.conditions()["Progressing"] == ("False", "PodPending")
    assert "Secrets" in world.message("Progressing")


def test_an_evicted_pod_is_told_from_a_crash(world: World, spec: Spec) -> None:
    world.create(spec)
    world.edit("training", "retries", to=0)
    world.settle()
    world.end_job("telco-r1-train", exit_code=137)
    world.objects["Pod", "telco-r1-train-pod"]["status"]["reason"] = "Evicted"
    world.settle()
    assert world.conditions()["Trained"] == ("False", "Evicted")


def test_suspended_before_the_first_training_nothing_starts(world: World, spec: Spec) -> None:
    world.create({**spec, "suspend": True})
    world.settle()
    assert world.conditions() == {
        "Ready": ("False", "Suspended"),
        "Accepted": ("True", "SpecAccepted"),
        "Trained": ("False", "Pending"),
        "Serving": ("False", "NoRevision"),
        "Progressing": ("False", "Suspended"),
    }
    assert world.writes == 1


def test_a_predictor_that_grows_goes_on_serving(world: World, spec: dict[str, Any]) -> None:
    world.create(spec)
    world.serve_first()
    (name,) = world.inference_services()
    world.play_kserve(name, ready=False)
    deployment = world.objects["Deployment", f"{name}-predictor"]
    deployment["spec"]["replicas"] = 2
    deployment["status"] |= {"replicas": 2, "updatedReplicas": 2, "readyReplicas": 1}
    world.settle()
    assert world.condition("Ready") == ("True", "RevisionServing")
    deployment["status"]["readyReplicas"] = 0
    world.settle()
    assert world.condition("Ready") == ("False", "InferenceServiceNotReady")
