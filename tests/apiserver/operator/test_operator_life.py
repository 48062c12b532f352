"""The life of a ChurnModel under the operator: real API server and KServe controller, played pods."""

from __future__ import annotations

import signal
import time

import pytest
from operator_rig import Operator
from operator_story import NAME, Story

from churnguard_cluster.objects import Document, reference
from churnguard_cluster.waiting import wait_for

pytestmark = [pytest.mark.apiserver, pytest.mark.restricted]

SERVICE = reference("v1", "Service", NAME)


def test_a_model_is_trained_judged_and_served_at_its_own_name(operator: Operator, story: Story) -> None:
    operator.start()
    name = story.serve()
    assert story.selected() == name
    status = story.status
    assert status["serving"]["revision"] == "telco-r1"
    assert status["url"] == f"http://telco.{story.namespace}.svc"
    assert status["metrics"]["rocAuc"] == "0.8500"
    metadata = story.model["metadata"]
    assert "finalizers" not in metadata
    assert "annotations" not in metadata


def test_each_change_is_told_once(operator: Operator, story: Story) -> None:
    first_life = ["RevisionAccepted", "RevisionServing", "RolloutStarted", "TrainingStarted"]
    operator.start(resync_seconds=1)
    story.serve()
    story.wait_for_events(*first_life)
    story.edit(lambda spec: spec["training"].update(seed=8))
    story.finish_training(revision="telco-r2")
    story.bring_up(revision="telco-r2")
    story.wait_for_events(*first_life * 2)
    story.ask_to_train("2025-03-03T12:00:00Z")
    story.finish_training(revision="telco-r3", auc=0.7)
    story.wait_for_events(*first_life * 2, "TrainingStarted", "RevisionRejected")
    # Nothing is left to tell: told once more it would be there by now.
    story.wait_for_condition("Progressing", "False", "GateFailed")
    assert len(story.events()) == 10


def test_a_better_revision_takes_over_and_the_old_one_goes(operator: Operator, story: Story) -> None:
    operator.start()
    old = story.serve()
    story.edit(lambda spec: spec["training"].update(seed=8))
    story.finish_training(revision="telco-r2")
    new = story.bring_up(revision="telco-r2")
    story.wait_until_selected(new)

    def names() -> list[str]:
        services = story.children("serving.kserve.io/v1beta1", "InferenceService")
        return [each["metadata"]["name"] for each in services]

    wait_for(lambda: names() == [new], what=f"{old} to go", seen=names)
    assert story.status["serving"]["revision"] == "telco-r2"


def test_a_rejected_retrain_leaves_what_serves_alone(operator: Operator, story: Story) -> None:
    operator.start()
    name = story.serve()
    story.ask_to_train("2025-03-03T12:00:00Z")
    story.finish_training(revision="telco-r2", auc=0.7)
    story.wait_for_condition("Progressing", "False", "GateFailed")
    assert story.condition("Ready") == ("True", "RevisionServing")
    assert story.selected() == name
    assert len(story.children("serving.kserve.io/v1beta1", "InferenceService")) == 1
    assert story.status["handledTrainRequest"] == "2025-03-03T12:00:00Z"


def test_every_deleted_child_comes_back(operator: Operator, story: Story) -> None:
    operator.start()
    name = story.serve()
    for document in (
        SERVICE,
        reference("v1", "ServiceAccount", "telco-churnguard"),
        reference("v1", "ConfigMap", name),
        reference("serving.kserve.io/v1beta1", "InferenceService", name),
    ):
        before = story.objects.get(document, namespace=story.namespace)["metadata"]["uid"]
        story.delete(document)
        deleted = time.monotonic()

        def is_back(document: Document = document, before: str = before) -> bool:
            found = story.objects.find(document, namespace=story.namespace)
            return found is not None and found["metadata"]["uid"] != before

        wait_for(is_back, what=f"the {document['kind']} to come back")
        print(f"{document['kind']} back after {time.monotonic() - deleted:.2f} s")


def test_a_child_that_somebody_edits_is_mended(operator: Operator, story: Story) -> None:
    operator.start()
    name = story.serve()
    service = story.objects.get(SERVICE, namespace=story.namespace)
    service["spec"]["selector"] = {"app": "somebody-elses"}
    story.objects.replace(service, namespace=story.namespace)
    story.wait_until_selected(name)


def test_an_operator_that_was_killed_goes_on_where_it_was(operator: Operator, story: Story) -> None:
    killed = operator.start()
    story.create()
    job = story.wait_for_object("batch/v1", "Job", "telco-r1-train")
    killed.signal(signal.SIGKILL)
    operator.start()
    story.finish_training(revision="telco-r1")
    story.bring_up(revision="telco-r1")
    story.wait_for_condition("Ready", "True", "RevisionServing")
    (only,) = story.children("batch/v1", "Job")
    assert only["metadata"]["uid"] == job["metadata"]["uid"]


def test_looking_at_a_converged_model_writes_nothing(operator: Operator, story: Story) -> None:
    first = operator.start()
    story.serve()
    first.stop()
    before = story.versions()
    second = operator.start()
    wait_for(
        lambda: operator.metric(second, "churnguard_operator_reconcile_total", result="ok") > 0,
        what="a look at the model",
    )
    written = {
        verb: operator.metric(second, "churnguard_operator_api_requests_total", verb=verb)
        for verb in ("apply", "create", "delete")
    }
    assert written == {"apply": 0, "create": 0, "delete": 0}
    assert story.versions() == before


def test_a_service_of_others_is_not_taken_and_training_waits_until_it_is_gone(
    operator: Operator, story: Story
) -> None:
    foreign = {**SERVICE, "spec": {"selector": {"app": "shop"}, "ports": [{"port": 80}]}}
    story.objects.create(foreign, namespace=story.namespace)
    operator.start()
    story.create()
    story.wait_for_condition("Accepted", "False", "NameTaken")
    assert story.children("batch/v1", "Job") == []
    story.delete(SERVICE)
    story.wait_for_object("batch/v1", "Job", "telco-r1-train")


def test_a_claim_that_is_missing_is_named_and_training_starts_when_it_comes(
    operator: Operator, story: Story
) -> None:
    operator.start()
    story.create(store={"uri": "pvc://bundles/models"})
    story.wait_for_condition("Accepted", "False", "DependencyMissing")
    claim = {
        **reference("v1", "PersistentVolumeClaim", "bundles"),
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    story.objects.create(claim, namespace=story.namespace)
    story.wait_for_object("batch/v1", "Job", "telco-r1-train")


def test_what_a_quota_refuses_is_told_and_done_when_it_allows(operator: Operator, story: Story) -> None:
    quota = {**reference("v1", "ResourceQuota", "no-jobs"), "spec": {"hard": {"count/jobs.batch": "0"}}}
    story.objects.create(quota, namespace=story.namespace)
    wait_for(
        lambda: story.objects.get(quota, namespace=story.namespace).get("status", {}).get("hard"),
        what="the quota to hold",
    )
    operator.start()
    story.create()
    wait_for(lambda: "ApplyFailed" in story.events(), what="the refusal to be told", seen=story.events)
    story.delete(quota)
    story.wait_for_object("batch/v1", "Job", "telco-r1-train")
    assert story.events().count("ApplyFailed") == 1
