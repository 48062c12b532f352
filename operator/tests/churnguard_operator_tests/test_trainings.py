"""Why and when a training starts, is tried again, or waits."""

from __future__ import annotations

from typing import Any

from churnguard_operator_tests.world import World

Spec = dict[str, Any]


def test_an_edit_while_a_job_runs_supersedes_it(world: World, spec: Spec) -> None:
    world.create(spec)
    world.settle()
    world.edit("training", "seed", to=8)
    world.step()
    assert world.status["training"]["revision"] == "telco-r2"
    assert world.status["revisions"][0]["verdict"] == "Superseded"
    world.settle()
    assert world.active_jobs() == ["telco-r2-train"]
    assert "RevisionSuperseded" in world.events


def test_a_superseded_job_is_gone_before_the_next_one_is_made(world: World, spec: Spec) -> None:
    world.create(spec)
    world.settle()
    world.edit("training", "seed", to=8)
    # The status is written, then the operator dies.
    world.write(world.plan(), crash_after=1)
    assert world.active_jobs() == ["telco-r1-train"]
    plan = world.step()
    assert ("Job", "telco-r1-train") in [(each.kind, each.name) for each in plan.delete]
    assert not [document for document in plan.apply if document["kind"] == "Job"]
    world.settle()
    assert world.jobs_made == ["telco-r1-train", "telco-r2-train"]


def test_an_edit_back_to_what_serves_needs_no_training(world: World, spec: Spec) -> None:
    world.create(spec)
    world.serve_first()
    world.edit("training", "seed", to=8)
    world.settle()
    world.finish_training(accepted=False)
    world.settle()
    world.edit("training", "seed", to=7)
    world.settle()
    assert world.condition("Trained") == ("True", "RevisionTrained")
    assert world.condition("Progressing") == ("False", "UpToDate")
    assert len(world.jobs_made) == 2


def test_an_edit_that_is_taken_back_while_its_job_runs_trains_nothing(world: World, spec: Spec) -> None:
    world.create(spec)
    world.serve_first()
    world.edit("training", "seed", to=8)
    world.settle()
    assert world.active_jobs() == ["telco-r2-train"]
    world.edit("training", "seed", to=7)
    world.settle()
    assert world.active_jobs() == []
    assert world.status["revisions"][0]["verdict"] == "Superseded"
    assert world.condition("Ready") == ("True", "RevisionServing")
    assert world.condition("Progressing") == ("False", "UpToDate")
    assert len(world.jobs_made) == 2


def test_a_request_outlives_an_edit_that_is_taken_back(world: World, spec: Spec) -> None:
    world.create(spec)
    world.serve_first()
    world.ask_to_train("now")
    world.settle()
    for seed in (8, 7):
        world.edit("training", "seed", to=seed)
        world.settle()
    assert world.active_jobs() == ["telco-r4-train"]
    assert world.status["training"]["trigger"] == "Request"


def test_a_pinned_revision_and_the_newest_accepted_outlive_failures(world: World, spec: Spec) -> None:
    spec["history"] = {"revisions": 2}
    world.create(spec)
    world.serve_first()
    world.edit("serving", "revision", to="telco-r1")
    for number in range(2, 6):
        world.ask_to_train(str(number))
        world.settle()
        world.finish_training(accepted=number == 2)
        world.settle()
        for name in world.active_jobs(purpose="prune"):
            world.end_job(name)
        world.settle()
    kept = {each["name"] for each in world.status["revisions"]}
    assert {"telco-r1", "telco-r2"} <= kept
    world.edit("serving", "revision", to=None)
    world.settle()
    assert world.status["candidate"]["revision"] == "telco-r2"


def test_a_crash_is_tried_again_after_a_wait_and_no_more_often_than_the_spec_allows(
    world: World, spec: Spec
) -> None:
    world.create(spec)
    world.settle()
    waits = []
    for attempt in ("telco-r1-train", "telco-r1-train-2", "telco-r1-train-3"):
        assert world.active_jobs() == [attempt]
        world.end_job(attempt, exit_code=1, message="Traceback")
        plan = world.settle()
        if world.condition("Progressing")[1] == "TrainingRetrying":
            assert plan.requeue_after is not None
            waits.append(plan.requeue_after.total_seconds())
            world.pass_time(waits[-1] - 1)
            world.settle()
            assert world.active_jobs() == []
            world.pass_time(1)
            world.settle()
    assert waits == [30, 60]
    assert world.condition("Progressing") == ("False", "TrainingFailed")
    assert world.status["failures"] == 3
    assert world.status["lastRevision"] == 1
    world.pass_time(7 * 24 * 3600)
    assert world.settle().is_empty
    assert len(world.jobs_made) == 3


def test_more_memory_starts_a_training_that_ran_out_of_it_again(world: World, spec: Spec) -> None:
    world.create(spec)
    world.settle()
    world.end_job("telco-r1-train", exit_code=137, reason="OOMKilled")
    world.settle()
    assert world.active_jobs() == []
    world.edit("training", "resources", to={"memory": "8Gi"})
    world.settle()
    assert world.active_jobs() == ["telco-r2-train"]
    world.finish_training()
    world.settle()
    assert "failures" not in world.status
    world.edit("training", "resources", to={"memory": "4Gi"})
    world.settle()
    assert world.active_jobs() == []


def test_missed_schedules_collapse_into_one_training(world: World, spec: Spec) -> None:
    world.create({**spec, "training": {"schedule": {"cron": "0 3 * * *"}}})
    world.serve_first()
    assert world.status["nextTrainingTime"] == "2025-03-04T03:00:00Z"
    world.pass_time(10 * 24 * 3600)
    world.settle()
    assert world.active_jobs() == ["telco-r2-train"]
    assert world.status["lastScheduleTime"] == "2025-03-13T03:00:00Z"
    world.finish_training(accepted=False)
    world.settle()
    assert world.active_jobs() == []
    assert world.status["training"]["trigger"] == "Schedule"


def test_failures_hold_a_schedule_back(world: World, spec: Spec) -> None:
    world.create({**spec, "training": {"retries": 0, "schedule": {"cron": "* * * * *"}}})
    world.settle()
    for _ in range(7):
        (job,) = world.active_jobs()
        world.end_job(job, exit_code=1)
        world.settle()
        world.pass_time(60 * 32)
        world.settle()
    assert world.active_jobs() == ["telco-r8-train"]
    world.end_job("telco-r8-train", exit_code=1)
    world.settle()
    world.pass_time(60 * 32)
    world.settle()
    assert world.active_jobs() == []


def test_a_request_is_answered_once_by_its_echo(world: World, spec: Spec) -> None:
    world.create(spec)
    world.serve_first()
    world.ask_to_train()
    requested = world.model["metadata"]["annotations"]["churnguard.dev/train-requested-at"]
    world.settle()
    assert world.status["handledTrainRequest"] == requested
    assert world.status["training"]["trigger"] == "Request"
    world.finish_training()
    world.roll_out()
    assert len(world.jobs_made) == 2


def test_suspended_a_running_training_ends_and_nothing_new_starts(world: World, spec: Spec) -> None:
    world.create(spec)
    world.settle()
    world.edit("suspend", to=True)
    world.settle()
    assert world.active_jobs() == ["telco-r1-train"]
    world.finish_training()
    world.settle()
    assert world.inference_services() == []
    assert world.condition("Ready") == ("False", "Suspended")
    world.edit("suspend", to=False)
    world.roll_out()
    assert world.serving() == "telco-r1"


def test_history_is_bounded_and_bundles_beyond_it_go(world: World, spec: Spec) -> None:
    world.create({**spec, "history": {"revisions": 2}})
    world.serve_first()
    for _ in range(2):
        world.ask_to_train()
        world.settle()
        world.finish_training()
        world.roll_out()
        for job in world.active_jobs(purpose="prune"):
            world.end_job(job)
        world.settle()
        world.pass_time(1)
    assert [record["name"] for record in world.status["revisions"]] == ["telco-r3", "telco-r2"]
    (prune,) = world.jobs(purpose="prune")
    arguments = prune["spec"]["template"]["spec"]["containers"][0]["args"]
    digests = [record["digest"].removeprefix("sha256:")[:12] for record in world.status["revisions"]]
    assert arguments == [
        "prune",
        "--store=pvc://bundles/models",
        "--model=retention/telco",
        f"--keep=telco-r2-{digests[1]}",
        f"--keep=telco-r3-{digests[0]}",
    ]


def test_no_training_starts_while_bundles_are_deleted(world: World, spec: Spec) -> None:
    world.create({**spec, "history": {"revisions": 1}})
    world.serve_first()
    world.ask_to_train()
    world.settle()
    world.finish_training()
    world.roll_out()
    assert len(world.active_jobs(purpose="prune")) == 1
    world.pass_time(1)
    world.ask_to_train()
    world.settle()
    assert world.status["lastRevision"] == 2
    assert world.condition("Progressing") == ("False", "UpToDate")
    assert world.active_jobs() == []
    world.end_job(world.active_jobs(purpose="prune")[0])
    world.settle()
    assert world.active_jobs() == ["telco-r3-train"]


def test_a_lost_status_reuses_no_number(world: World, spec: Spec) -> None:
    world.create(spec)
    world.serve_first()
    del world.model["status"]
    world.settle()
    assert world.status["lastRevision"] == 2
