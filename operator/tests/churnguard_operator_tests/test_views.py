"""What the operator sees in objects that others wrote, complete or not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from churnguard_core.churnmodel.status import Status
from churnguard_operator.observed import Document
from churnguard_operator.views.cluster import view_cluster
from churnguard_operator.views.jobs import view_job, view_pod
from churnguard_operator.views.model import view_model, view_status
from churnguard_operator.views.serving import ready_addresses, view_deployment, view_inference_service

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "metadata",
                    "status",
                    "spec",
                    "labels",
                    "conditions",
                    "type",
                    "name",
                    "containerStatuses",
                    "state",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)
OBJECTS: st.SearchStrategy[Document] = st.dictionaries(
    st.sampled_from(["metadata", "spec", "status", "kind"]), JSON, max_size=4
)


@settings(deadline=None)
@given(document=OBJECTS)
def test_no_object_is_too_strange_to_look_at(document: Document) -> None:
    for view in (view_model, view_job, view_pod, view_inference_service, view_deployment):
        view(document)
    ready_addresses([document])
    view_cluster(document, objects=[document])


def job(*conditions: Document, **status: Any) -> Document:
    return {"metadata": {"name": "telco-r1-train"}, "status": {"conditions": list(conditions), **status}}


@pytest.mark.parametrize(
    ("document", "state", "reason"),
    [
        ({}, "Active", ""),
        (job(), "Active", ""),
        (job({"type": "Complete", "status": "False"}), "Active", ""),
        # About to fail, with its pod still there.
        (job({"type": "FailureTarget", "status": "True"}), "Active", ""),
        (job({"type": "Complete", "status": "True"}), "Complete", ""),
        (
            job({"type": "Failed", "status": "True", "reason": "DeadlineExceeded"}),
            "Failed",
            "DeadlineExceeded",
        ),
    ],
)
def test_a_job_is_over_when_its_controller_says_so(document: Document, state: str, reason: str) -> None:
    view = view_job(document)
    assert (view.state, view.reason) == (state, reason)


def pod(container: Document | None = None, **status: Any) -> Document:
    states = [] if container is None else [{"name": "train", **container}]
    return {"metadata": {}, "status": {"containerStatuses": states, **status}}


@pytest.mark.parametrize(
    ("document", "seen"),
    [
        (pod(), {"exit_code": None, "is_started": False}),
        (pod({"state": {"running": {}}}), {"exit_code": None, "is_started": True}),
        (
            pod({"state": {"terminated": {"exitCode": 0, "message": "{}"}}}),
            {"exit_code": 0, "exit_message": "{}", "is_started": True},
        ),
        (
            pod({"state": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}}),
            {"exit_code": 137, "exit_reason": "OOMKilled"},
        ),
        (
            pod(
                {
                    "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                    "lastState": {"terminated": {"exitCode": 2, "message": "refused"}},
                }
            ),
            {"waiting_reason": "CrashLoopBackOff", "exit_code": 2, "exit_message": "refused"},
        ),
        (pod(reason="Evicted"), {"is_disrupted": True}),
        (pod(conditions=[{"type": "DisruptionTarget", "status": "True"}]), {"is_disrupted": True}),
        (
            pod(conditions=[{"type": "PodScheduled", "status": "False", "message": "no memory"}]),
            {"unschedulable": "no memory"},
        ),
        # A container of somebody else's says nothing.
        (
            {"status": {"containerStatuses": [{"name": "mesh", "state": {"terminated": {"exitCode": 1}}}]}},
            {"exit_code": None},
        ),
    ],
)
def test_a_pod_says_how_its_container_is(document: Document, seen: dict[str, Any]) -> None:
    view = view_pod(document)
    assert {name: getattr(view, name) for name in seen} == seen


@pytest.mark.parametrize(
    ("status", "ready", "failed"),
    [
        ({}, False, False),
        ({"conditions": [{"type": "Ready", "status": "True"}]}, True, False),
        ({"conditions": [{"type": "Ready", "status": "Unknown"}]}, False, False),
        (
            {
                "conditions": [{"type": "Ready", "status": "True"}],
                "modelStatus": {"transitionStatus": "InProgress"},
            },
            False,
            False,
        ),
        ({"modelStatus": {"transitionStatus": "BlockedByFailedLoad"}}, False, True),
    ],
)
def test_an_inference_service_is_ready_when_nothing_is_in_progress(
    status: Document, ready: bool, failed: bool
) -> None:
    view = view_inference_service({"status": status})
    assert (view.is_ready, view.has_failed_load) == (ready, failed)


@pytest.mark.parametrize(
    ("generation", "status", "current"),
    [
        (2, {"observedGeneration": 2, "replicas": 3, "updatedReplicas": 3}, True),
        (2, {"observedGeneration": 1, "replicas": 3, "updatedReplicas": 3}, False),
        (2, {"observedGeneration": 2, "replicas": 3, "updatedReplicas": 1}, False),
        (1, {}, False),
    ],
)
def test_a_deployment_is_current_when_its_newest_spec_is_in_every_pod(
    generation: int, status: Document, current: bool
) -> None:
    document = {"metadata": {"name": "telco-r1-a-predictor", "generation": generation}, "status": status}
    view = view_deployment(document)
    assert (view.inference_service, view.is_current) == ("telco-r1-a", current)


def test_only_ready_endpoints_are_probed() -> None:
    slices: list[Document] = [
        {
            "endpoints": [
                {"addresses": ["10.0.0.2"], "conditions": {"ready": True}},
                {"addresses": ["10.0.0.3"], "conditions": {"ready": False}},
                {"addresses": ["10.0.0.1"], "conditions": {}},
            ]
        },
        {"endpoints": None},
    ]
    assert ready_addresses(slices) == ("10.0.0.1", "10.0.0.2")


def test_what_belongs_to_a_predecessor_of_the_same_name_is_foreign() -> None:
    owner = {"uid": "old", "controller": True}
    left_over = {"kind": "Job", "metadata": {"name": "telco-r1-train", "ownerReferences": [owner]}}
    model = {"metadata": {"name": "telco", "uid": "new"}}
    observed = view_cluster(model, objects=[left_over])
    assert observed.jobs == ()
    assert observed.foreign == {("Job", "telco-r1-train")}


def test_a_pod_of_a_predecessors_job_of_the_same_name_is_not_the_jobs() -> None:
    def pod_of(uid: str) -> Document:
        owners = [{"uid": uid, "controller": True}]
        labels = {"batch.kubernetes.io/job-name": "telco-r1-train"}
        return {"kind": "Pod", "metadata": {"name": f"of-{uid}", "labels": labels, "ownerReferences": owners}}

    owners = [{"uid": "model", "controller": True}]
    job = {"kind": "Job", "metadata": {"name": "telco-r1-train", "uid": "new", "ownerReferences": owners}}
    model = {"metadata": {"name": "telco", "uid": "model"}}
    observed = view_cluster(model, objects=[job, pod_of("old"), pod_of("new")])
    assert [pod.name for pod in observed.pods_of(observed.jobs[0])] == ["of-new"]


def test_a_status_that_a_newer_operator_wrote_is_read_as_far_as_it_goes() -> None:
    status = {
        "lastRevision": 7,
        "serving": {"revision": "telco-r7", "algorithm": "Transformer"},
        "training": {"revision": "no revision"},
        "revisions": [{"name": "telco-r7", "verdict": "Accepted"}, {"name": "broken"}],
        "mood": "good",
    }
    found = view_status(status)
    assert found.last_revision == 7
    assert found.training is None
    assert [record.name for record in found.revisions] == ["telco-r7"]
    assert view_status(None) == Status()
