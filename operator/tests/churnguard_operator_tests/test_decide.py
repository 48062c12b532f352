"""Laws of the decision, in any situation that a walk leads to, at any time, with any status."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from churnguard_operator.decide import decide
from churnguard_operator.plan import Plan
from churnguard_operator_tests.walk import SETTINGS, SPEC, Walk
from churnguard_operator_tests.world import World

SITUATIONS = st.tuples(st.integers(0, 10**6), st.integers(0, 60))
WAITS = st.sampled_from([0, 1, 40, 4000, 10**6, -4000]).map(lambda seconds: timedelta(seconds=seconds))


def situation(seed: int, actions: int) -> World:
    """Where a walk has led to."""
    walk = Walk(seed)
    walk.wander(actions)
    return walk.world


def jobs(plan: Plan, *, purpose: str = "training") -> list[str]:
    return [
        document["metadata"]["name"]
        for document in plan.apply
        if document["kind"] == "Job" and document["metadata"]["labels"]["churnguard.dev/purpose"] == purpose
    ]


@settings(max_examples=150, deadline=None)
@given(where=SITUATIONS, later=WAITS)
def test_a_decision_keeps_its_laws(where: tuple[int, int], later: timedelta) -> None:
    world = situation(*where)
    observed, now = world.observe(), world.now + later
    before = observed.model.status
    plan = decide(observed, settings=SETTINGS, now=now)

    assert plan == decide(observed, settings=SETTINGS, now=now)
    after = plan.status or before
    if after.last_revision != before.last_revision:
        assert (after.last_revision or 0) > (before.last_revision or 0)
        assert jobs(plan) == []
    assert len(jobs(plan)) + len(world.active_jobs()) <= 1 + len(
        [each for each in plan.delete if each.name in world.active_jobs()]
    )
    assert not jobs(plan) or not world.active_jobs()
    deleted = {each.name for each in plan.delete if each.kind == "InferenceService"}
    serving = {each.inference_service for each in (before.serving, after.serving) if each is not None}
    assert deleted.isdisjoint(serving | {world.selected()})
    applied = {(each["kind"], each["metadata"]["name"]) for each in plan.apply}
    assert applied.isdisjoint({(each.kind, each.name) for each in plan.delete})
    if after.retry_after is not None and after.retry_after != before.retry_after:
        assert timedelta(0) < after.retry_after - now <= SETTINGS.longest_backoff
    assert plan.requeue_after is None or plan.requeue_after >= timedelta(0)
    assert plan.status is not None or plan.events == ()


REVISIONS = st.sampled_from(["telco-r1", "telco-r2", "telco-r9", "other-r3", "", "r", "telco-r0"])
TIMES = st.sampled_from(["2025-03-03T12:00:00Z", "1970-01-01T00:00:00Z", "2199-01-01T00:00:00Z", "soon"])
PART = st.fixed_dictionaries(
    {},
    optional={
        "revision": REVISIONS,
        "inferenceService": st.sampled_from(["telco-r1-aaaaa", ""]),
        "since": TIMES,
        "bundle": st.sampled_from(["pvc://bundles/models/x", "s3://elsewhere/y", ""]),
        "digest": st.sampled_from(["sha256:" + "0" * 64, "x"]),
        "job": st.sampled_from(["telco-r1-train", ""]),
        "inputsHash": st.just("0"),
        "attempt": st.integers(-1, 3),
        "started": TIMES,
        "finished": TIMES,
        "outcome": st.sampled_from(["GateFailed", "TrainingFailed", "Superseded", "Unheard"]),
    },
)
RECORD = st.fixed_dictionaries(
    {},
    optional={
        "name": REVISIONS,
        "verdict": st.sampled_from(["Accepted", "Rejected", "Unheard"]),
        "bundle": st.sampled_from(["pvc://bundles/models/x", ""]),
        "digest": st.sampled_from(["sha256:" + "0" * 64, "x"]),
        "emptyScore": st.sampled_from(["0.25", "much"]),
    },
)
STATUSES = st.fixed_dictionaries(
    {},
    optional={
        "serving": PART,
        "candidate": PART,
        "training": PART,
        "revisions": st.lists(RECORD, max_size=4),
        "lastRevision": st.integers(-1, 9),
        "lastScheduleTime": TIMES,
        "retryAfter": TIMES,
        "failures": st.integers(-1, 10**6),
        "handledTrainRequest": st.text(max_size=3),
        "conditions": st.lists(
            st.fixed_dictionaries({"type": st.sampled_from(["Ready", "Mood"])}), max_size=2
        ),
    },
)


@settings(deadline=None)
@given(status=STATUSES, spec=st.sampled_from([SPEC, {**SPEC, "suspend": True}, {}]), later=WAITS)
def test_whatever_the_status_says_there_is_a_decision_and_it_comes_to_rest(
    status: dict[str, Any], spec: dict[str, Any], later: timedelta
) -> None:
    world = Walk(0).world
    world.create(spec)
    world.model["status"] = status
    world.pass_time(later.total_seconds())
    world.settle()


@pytest.mark.parametrize(
    ("change", "reason", "named"),
    [
        ({"store": {"uri": "file:///tmp/x"}}, "InvalidSpec", "spec.store.uri"),
        ({"store": {"uri": "pvc://gone/models"}}, "DependencyMissing", "PersistentVolumeClaim gone"),
        ({"training": {"schedule": {"cron": "0 0 30 2 *"}}}, "InvalidSpec", "spec.training.schedule"),
        (
            {"training": {"schedule": {"cron": "0 3 * * 1", "timeZone": "Mars/Base"}}},
            "InvalidSpec",
            "Mars/Base",
        ),
        ({"serving": {"route": {"gateway": "edge"}}}, "DependencyMissing", "Gateway API"),
        ({"training": {"seed": -1, "retries": 99}}, "InvalidSpec", "spec.training.retries"),
    ],
)
def test_what_cannot_be_acted_on_is_not_and_the_message_names_it(
    world: World, spec: dict[str, Any], change: dict[str, Any], reason: str, named: str
) -> None:
    world.missing = frozenset({("PersistentVolumeClaim", "gone")})
    world.create({**spec, **change})
    world.settle()
    assert world.condition("Accepted") == ("False", reason)
    assert world.condition("Ready") == ("False", reason)
    assert named in world.message("Accepted")
    assert "lastRevision" not in world.status
    assert world.writes == 1
    assert world.events == [reason]


def test_a_namespace_that_leaves_no_room_in_kserves_names_is_refused(
    world: World, spec: dict[str, Any]
) -> None:
    world.create(spec)
    world.model["metadata"]["namespace"] = "n" * 35
    plan = decide(world.observe(), settings=SETTINGS, now=world.now)
    assert plan.apply == ()
    assert plan.status is not None
    accepted = next(each for each in plan.status.conditions if each.type == "Accepted")
    assert accepted.reason == "InvalidSpec"
    assert "metadata.namespace: 35 characters" in accepted.message


def test_requests_per_second_wait_for_keda_and_pods_follow_the_cpu_meanwhile(
    spec: dict[str, Any],
) -> None:
    walk = Walk(0)
    world = walk.world
    world.create({**spec, "serving": {"autoscaling": {"metric": "requestsPerSecond", "target": 20}}})
    world.serve_first()
    assert world.condition("Progressing") == ("False", "AutoscalerMissing")
    assert world.condition("Ready") == ("True", "RevisionServing")
    (name,) = world.inference_services()
    assert world.objects["InferenceService", name]["spec"]["predictor"]["scaleMetric"] == "cpu"
    world.served = frozenset({"ScaledObject"})
    world.roll_out()
    (name,) = world.inference_services()
    assert ("ScaledObject", name) in world.objects
    assert "scaleMetric" not in world.objects["InferenceService", name]["spec"]["predictor"]
    assert world.condition("Progressing") == ("False", "UpToDate")


def test_a_route_comes_and_goes_with_its_field(world: World, spec: dict[str, Any]) -> None:
    world.served = frozenset({"HTTPRoute"})
    world.create({**spec, "serving": {"route": {"gateway": "edge", "hostname": "churn.example.com"}}})
    world.serve_first()
    assert world.objects["HTTPRoute", "telco"]["spec"]["hostnames"] == ["churn.example.com"]
    world.edit("serving", "route", to={"gateway": "edge"})
    world.settle()
    assert "hostnames" not in world.objects["HTTPRoute", "telco"]["spec"]
    world.edit("serving", "route", to=None)
    world.settle()
    assert ("HTTPRoute", "telco") not in world.objects


def test_a_foreign_service_is_never_adopted(world: World, spec: dict[str, Any]) -> None:
    world.create(spec)
    world.serve_first()
    world.foreign_service()
    foreign = world.objects["Service", "telco"]
    world.settle()
    assert world.objects["Service", "telco"] is foreign
    assert world.condition("Accepted") == ("False", "NameTaken")
    world.delete("Service", "telco")
    world.settle()
    assert world.selected() == world.inference_services()[0]
    assert world.condition("Ready") == ("True", "RevisionServing")


def test_a_predecessors_job_of_the_same_name_is_waited_for(world: World, spec: dict[str, Any]) -> None:
    world.objects["Job", "telco-r1-train"] = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": "telco-r1-train",
            "uid": "old",
            "creationTimestamp": "2025-03-03T11:00:00Z",
            "labels": {"churnguard.dev/model": "telco", "churnguard.dev/purpose": "training"},
            "ownerReferences": [{"uid": "of the predecessor", "controller": True}],
        },
    }
    world.create(spec)
    plan = world.settle()
    assert world.jobs_made == []
    assert plan.requeue_after == timedelta(seconds=5)
    world.delete("Job", "telco-r1-train")
    world.settle()
    assert world.jobs_made == ["telco-r1-train"]


def test_a_candidate_whose_image_cannot_be_pulled_has_failed_at_once_and_recovers(
    world: World, spec: dict[str, Any]
) -> None:
    world.create(spec)
    world.serve_first()
    world.edit("serving", "levels", to={"medium": "0.20", "high": "0.50"})
    world.settle()
    (new,) = set(world.inference_services()) - {world.selected()}
    world.objects["Pod", "broken"] = {
        "kind": "Pod",
        "metadata": {"name": "broken", "uid": "p", "labels": {"churnguard.dev/inference-service": new}},
        "status": {
            "containerStatuses": [
                {
                    "name": "kserve-container",
                    "state": {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}},
                }
            ]
        },
    }
    world.settle()
    assert world.condition("Progressing") == ("False", "RolloutFailed")
    assert "no such image" in world.message("Progressing")
    assert world.condition("Ready") == ("True", "RevisionServing")
    del world.objects["Pod", "broken"]
    world.roll_out()
    assert world.inference_services() == [new]
