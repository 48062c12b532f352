"""One revision after the other, told from first sight to its end."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from churnguard_operator_tests.world import World

Spec = dict[str, Any]


def test_from_first_sight_to_predictions(world: World, spec: Spec) -> None:
    world.create(spec)
    first = world.step()
    assert first.apply == ()
    assert first.requeue_after == timedelta(0)
    assert world.status["lastRevision"] == 1
    world.settle()
    assert world.active_jobs() == ["telco-r1-train"]
    world.finish_training()
    world.settle()
    (name,) = world.inference_services()
    assert name.startswith("telco-r1-")
    assert world.selected() is None
    assert world.condition("Ready") == ("False", "RolloutInProgress")
    world.bring_up()
    world.settle()
    assert (world.selected(), world.serving()) == (name, "telco-r1")
    assert world.status["url"] == "http://telco.retention.svc"
    assert world.status["metrics"]["rocAuc"] == "0.8500"
    assert world.condition("Ready") == ("True", "RevisionServing")
    assert world.condition("Progressing") == ("False", "UpToDate")
    assert world.events == ["TrainingStarted", "RevisionAccepted", "RolloutStarted", "RevisionServing"]


def test_a_retrained_revision_takes_over_with_as_many_pods_and_the_old_one_drains(
    world: World, spec: Spec
) -> None:
    world.create(spec)
    world.serve_first()
    (old,) = world.inference_services()
    world.scale_deployment(old, 3)
    world.ask_to_train()
    world.settle()
    world.finish_training()
    world.settle()
    (new,) = set(world.inference_services()) - {old}
    assert world.objects["InferenceService", new]["spec"]["predictor"]["minReplicas"] == 3
    world.play_kserve(new)
    world.scale_deployment(new, 2)
    world.settle()
    assert world.selected() == old
    world.scale_deployment(new, 3)
    world.settle()
    assert world.selected() == new
    # It keeps its pods until the old ones are gone, then the autoscaler may take some away.
    assert set(world.inference_services()) == {old, new}
    assert world.objects["InferenceService", new]["spec"]["predictor"]["minReplicas"] == 3
    plan = world.plan()
    assert plan.requeue_after == world.settings.drain
    world.pass_time(world.settings.drain.total_seconds())
    world.settle()
    assert world.inference_services() == [new]
    assert world.objects["InferenceService", new]["spec"]["predictor"]["minReplicas"] == 1


def test_the_old_one_drains_from_when_the_service_moved_however_late_that_was(
    world: World, spec: Spec
) -> None:
    world.create(spec)
    world.serve_first()
    old = world.selected()
    world.ask_to_train()
    world.settle()
    world.finish_training()
    world.settle()
    world.bring_up()
    # The promotion is on record and the Service moved, then the operator dies and comes back much later.
    world.step()
    world.write(world.plan(), crash_after=1)
    assert world.serving() == "telco-r1"
    assert world.selected() != old
    world.pass_time(3600)
    world.settle()
    assert world.selected() != old
    assert old in world.inference_services()
    world.pass_time(world.settings.drain.total_seconds() - 1)
    world.settle()
    assert old in world.inference_services()
    world.pass_time(1)
    world.settle()
    assert world.inference_services() == [world.selected()]


def test_a_candidate_that_answers_wrongly_gets_no_traffic(world: World, spec: Spec) -> None:
    world.create(spec)
    world.settle()
    world.finish_training()
    world.settle()
    world.bring_up()
    world.serves_wrongly = set(world.inference_services())
    world.settle()
    assert world.selected() is None
    world.serves_wrongly = set()
    world.settle()
    assert world.serving() == "telco-r1"


def test_a_rejected_revision_changes_nothing_for_callers(world: World, spec: Spec) -> None:
    world.create(spec)
    world.serve_first()
    serving = world.selected()
    world.ask_to_train()
    world.settle()
    world.finish_training(accepted=False)
    world.settle()
    assert world.selected() == serving
    assert world.inference_services() == [serving]
    assert world.status["revisions"][0]["verdict"] == "Rejected"
    assert "logLoss" in world.status["revisions"][0]["reason"]


def test_a_change_of_serving_rolls_out_without_training(world: World, spec: Spec) -> None:
    world.create(spec)
    world.serve_first()
    (old,) = world.inference_services()
    world.edit("serving", "levels", to={"medium": "0.20", "high": "0.50"})
    world.roll_out()
    assert world.jobs_made == ["telco-r1-train"]
    assert world.serving() == "telco-r1"
    assert world.inference_services() != [old]


def test_a_change_of_replicas_is_patched_in_place(world: World, spec: Spec) -> None:
    world.create(spec)
    world.serve_first()
    (name,) = world.inference_services()
    world.edit("serving", "replicas", to={"min": 2, "max": 9})
    world.edit("serving", "autoscaling", to={"metric": "memory", "target": 80})
    world.settle()
    assert world.inference_services() == [name]
    predictor = world.objects["InferenceService", name]["spec"]["predictor"]
    assert (predictor["minReplicas"], predictor["maxReplicas"]) == (2, 9)
    assert (predictor["scaleMetric"], predictor["scaleTarget"]) == ("memory", 80)


def test_a_pin_brings_an_old_revision_back_and_without_it_the_newest_returns(
    world: World, spec: Spec
) -> None:
    world.create(spec)
    world.serve_first()
    world.ask_to_train()
    world.settle()
    world.finish_training()
    world.roll_out()
    assert world.serving() == "telco-r2"
    world.edit("serving", "revision", to="telco-r1")
    world.settle()
    assert world.condition("Progressing") == ("True", "RollbackInProgress")
    world.roll_out()
    assert world.serving() == "telco-r1"
    assert world.condition("Ready") == ("True", "RevisionServing")
    world.edit("serving", "revision", to=None)
    world.roll_out()
    assert world.serving() == "telco-r2"
    assert world.jobs_made == ["telco-r1-train", "telco-r2-train"]


@pytest.mark.parametrize("pin", ["telco-r9", "telco-r2"], ids=["unknown", "rejected"])
def test_a_pin_to_what_cannot_serve_is_refused_and_names_what_can(world: World, spec: Spec, pin: str) -> None:
    world.create(spec)
    world.serve_first()
    world.ask_to_train()
    world.settle()
    world.finish_training(accepted=False)
    world.settle()
    world.edit("serving", "revision", to=pin)
    world.settle()
    assert world.condition("Accepted") == ("False", "DependencyMissing")
    assert "telco-r1" in world.message("Accepted")
    assert world.serving() == "telco-r1"


def test_the_same_bundle_again_needs_no_roll_out(world: World, spec: Spec) -> None:
    world.create(spec)
    world.serve_first()
    digest = world.status["serving"]["digest"]
    (name,) = world.inference_services()
    world.ask_to_train()
    world.settle()
    same = world.result("telco-r2", digest=digest)
    world.end_job("telco-r2-train", message=same)
    world.settle()
    assert world.inference_services() == [name]
    assert world.serving() == "telco-r1"
    assert world.condition("Progressing") == ("False", "UpToDate")


def test_a_deleted_child_comes_back(world: World, spec: Spec) -> None:
    world.create(spec)
    world.serve_first()
    (name,) = world.inference_services()
    children = [("Service", "telco"), ("ConfigMap", name), ("ServiceAccount", "telco-churnguard")]
    for kind, child in [*children, ("InferenceService", name)]:
        world.delete(kind, child)
        world.settle()
        assert (kind, child) in world.objects
    assert world.condition("Serving") == ("False", "InferenceServiceNotReady")
    world.bring_up()
    world.settle()
    assert world.condition("Serving") == ("True", "RevisionServing")
    assert world.events[-2:] == ["InferenceServiceNotReady", "ServingRecovered"]


def test_a_model_that_is_being_deleted_is_left_alone(world: World, spec: Spec) -> None:
    world.create(spec)
    world.serve_first()
    world.model["metadata"]["deletionTimestamp"] = "2025-03-03T12:00:00Z"
    world.edit("training", "seed", to=8)
    assert world.plan().is_empty
