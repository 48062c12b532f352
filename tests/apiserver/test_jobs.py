"""The real Job controller judges what the player did to the Job's pods."""

from __future__ import annotations

import json
from typing import Any

import pytest

from churnguard_cluster.objects import Document, Objects
from churnguard_cluster.player import Player
from churnguard_cluster.waiting import wait_for

pytestmark = pytest.mark.apiserver

NAME = "telco-r1-train"
RESULT = json.dumps({"verdict": "accepted", "rocAuc": "0.843"})


def job(**spec: Any) -> Document:
    """A Job like the one that trains, fit for a restricted namespace."""
    container = {
        "name": "train",
        "image": "churnguard-training",
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    pod = {
        "restartPolicy": "Never",
        "containers": [container],
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 65532,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": NAME},
        "spec": {"template": {"spec": pod}, "backoffLimit": 0, **spec},
    }


def verdict(objects: Objects, namespace: str) -> tuple[str, str]:
    """The Job's final condition and its reason, once there is one."""

    def look() -> tuple[str, str] | None:
        conditions = objects.get(job(), namespace=namespace).get("status", {}).get("conditions", [])
        final = [each for each in conditions if each["type"] in ("Complete", "Failed")]
        return next(((each["type"], each.get("reason", "")) for each in final), None)

    return wait_for(look, what="the verdict on the job")


def ends(objects: Objects, namespace: str) -> list[Document]:
    """How the containers of the Job's pods ended."""
    pods = objects.list("v1", "Pod", namespace=namespace)
    return [pod["status"]["containerStatuses"][0]["state"]["terminated"] for pod in pods]


@pytest.mark.restricted
def test_a_job_whose_pod_succeeds_is_complete_and_its_message_can_be_read(
    objects: Objects, namespace: str, player: Player
) -> None:
    objects.create(job(), namespace=namespace)
    player.run(job=NAME)
    player.succeed(job=NAME, message=RESULT)
    assert verdict(objects, namespace)[0] == "Complete"
    (end,) = ends(objects, namespace)
    assert (end["exitCode"], end["message"]) == (0, RESULT)


def test_a_job_without_retries_fails_with_its_first_pod(
    objects: Objects, namespace: str, player: Player
) -> None:
    objects.create(job(), namespace=namespace)
    player.fail(job=NAME, message="no such column: Churn", exit_code=2)
    assert verdict(objects, namespace) == ("Failed", "BackoffLimitExceeded")
    (end,) = ends(objects, namespace)
    assert (end["exitCode"], end["message"]) == (2, "no such column: Churn")


@pytest.mark.slow
def test_a_failed_pod_is_replaced_until_the_limit_is_reached(
    objects: Objects, namespace: str, player: Player
) -> None:
    objects.create(job(backoffLimit=1), namespace=namespace)
    (first,) = player.fail(job=NAME)
    (second,) = player.fail(job=NAME)
    assert first["metadata"]["uid"] != second["metadata"]["uid"]
    assert verdict(objects, namespace) == ("Failed", "BackoffLimitExceeded")


def test_a_pod_out_of_memory_fails_the_job_and_says_why(
    objects: Objects, namespace: str, player: Player
) -> None:
    objects.create(job(), namespace=namespace)
    player.exhaust_memory(job=NAME)
    assert verdict(objects, namespace)[0] == "Failed"
    (end,) = ends(objects, namespace)
    assert (end["exitCode"], end["reason"]) == (137, "OOMKilled")


def test_an_evicted_pod_is_told_from_a_failed_program(
    objects: Objects, namespace: str, player: Player
) -> None:
    ignore = {"action": "FailJob", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
    objects.create(job(podFailurePolicy={"rules": [ignore]}), namespace=namespace)
    (pod,) = player.evict(job=NAME)
    assert pod["status"]["reason"] == "Evicted"
    assert verdict(objects, namespace) == ("Failed", "PodFailurePolicy")


def test_a_job_past_its_deadline_fails_once_its_pod_is_gone(
    objects: Objects, namespace: str, player: Player
) -> None:
    objects.create(job(activeDeadlineSeconds=1), namespace=namespace)
    player.run(job=NAME)
    wait_for(player.finish_deletions, what="the job controller to delete the pod")
    assert verdict(objects, namespace) == ("Failed", "DeadlineExceeded")


def test_a_pod_without_its_image_waits_and_the_job_with_it(
    objects: Objects, namespace: str, player: Player
) -> None:
    objects.create(job(), namespace=namespace)
    (pod,) = player.fail_to_pull(job=NAME)
    waiting = pod["status"]["containerStatuses"][0]["state"]["waiting"]
    assert waiting["reason"] == "ImagePullBackOff"
    status = wait_for(
        lambda: objects.get(job(), namespace=namespace).get("status"), what="the job's first status"
    )
    assert status["active"] == 1
    player.succeed(job=NAME)
    assert verdict(objects, namespace)[0] == "Complete"


def test_nothing_is_played_by_itself(objects: Objects, namespace: str, player: Player) -> None:
    objects.create(job(), namespace=namespace)
    (pod,) = player.pods_of_job(NAME)
    assert pod["status"]["phase"] == "Pending"
    assert "nodeName" not in pod["spec"]
