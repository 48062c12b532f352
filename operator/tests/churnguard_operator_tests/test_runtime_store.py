"""What is known goes forward only, and every change names the models that it is about."""

from __future__ import annotations

from typing import Any

from churnguard_core.names import API_VERSION, KIND
from churnguard_operator.runtime.slim import slim
from churnguard_operator.runtime.store import ModelKey, ObjectKey, Store
from churnguard_operator.runtime.watermarks import PATIENCE_SECONDS, Stream, Watermarks

TELCO = ModelKey("retention", "telco")
OURS = {"app.kubernetes.io/managed-by": "churnguard-operator", "churnguard.dev/model": "telco"}


def a_model(name: str = "telco", *, version: int = 1, **more: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "retention", "resourceVersion": str(version), "uid": name}
    return {"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata, **more}


def an_object(
    kind: str, name: str, *, version: int, labels: dict[str, str] | None = None, **more: Any
) -> Any:
    metadata = {
        "name": name,
        "namespace": "retention",
        "resourceVersion": str(version),
        "labels": labels or {},
    }
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata, **more}


def a_job(name: str = "telco-r1-train", *, version: int) -> Any:
    return an_object("Job", name, version=version, labels=OURS)


def names(store: Store, key: ModelKey = TELCO) -> list[str]:
    return [each["metadata"]["name"] for each in store.objects_of(key)]


def test_a_change_of_a_child_is_about_its_model() -> None:
    store = Store()
    assert store.put(a_model()) == {TELCO}
    assert store.put(a_job(version=2)) == {TELCO}
    assert names(store) == ["telco-r1-train"]


def test_what_is_known_already_is_no_change() -> None:
    store = Store()
    store.put(a_model(version=5))
    assert store.put(a_model(version=5)) == frozenset()
    assert store.put(a_model(version=4)) == frozenset()


def test_an_object_that_is_gone_does_not_come_back_by_an_old_answer() -> None:
    store = Store()
    store.put(a_model())
    store.put(a_job(version=2))
    assert store.remove(a_job(version=7)) == {TELCO}
    assert store.put(a_job(version=6)) == frozenset()
    assert names(store) == []
    assert store.put(a_job(version=8)) == {TELCO}


def test_what_was_deleted_is_gone_before_a_watch_tells_unless_another_bears_its_name() -> None:
    store, key = Store(), ObjectKey("Job", "retention", "telco-r1-train")
    job = a_job(version=2)
    job["metadata"]["uid"] = "u-1"
    store.put(a_model())
    store.put(job)
    store.deleted(key, uid="u-0")
    assert names(store) == ["telco-r1-train"]
    store.deleted(key, uid="u-1")
    assert names(store) == []
    # The same sight once more is old.
    assert store.put(job) == frozenset()


def test_the_late_news_of_a_deletion_leaves_the_object_that_came_after() -> None:
    store = Store()
    store.put(a_model())
    store.put(a_job(version=9))
    assert store.remove(a_job(version=7)) == frozenset()
    assert names(store) == ["telco-r1-train"]


def test_a_child_of_a_model_that_is_gone_concerns_nobody() -> None:
    store = Store()
    store.put(a_model())
    store.remove(a_model(version=2))
    assert store.put(a_job(version=3)) == frozenset()


def test_children_that_came_before_their_model_are_its_children() -> None:
    store = Store()
    store.put(a_job(version=1))
    store.put(a_model(version=2))
    assert names(store) == ["telco-r1-train"]


def test_a_foreign_service_of_the_models_name_concerns_it() -> None:
    store = Store()
    store.put(a_model())
    assert store.put(an_object("Service", "telco", version=2)) == {TELCO}
    assert store.put(an_object("Service", "shop", version=3)) == frozenset()
    assert names(store) == ["telco"]


def test_an_object_that_changes_its_model_concerns_both() -> None:
    store = Store()
    store.put(a_model())
    store.put(a_model("shop", version=2))
    store.put(a_job(version=3))
    moved = an_object("Job", "telco-r1-train", version=4, labels={**OURS, "churnguard.dev/model": "shop"})
    assert store.put(moved) == {TELCO, ModelKey("retention", "shop")}
    assert names(store) == []


def test_a_claim_concerns_every_model_of_its_namespace() -> None:
    store = Store()
    store.put(a_model())
    store.put(a_model("shop", version=2))
    changed = store.put(an_object("PersistentVolumeClaim", "bundles", version=3))
    assert changed == {TELCO, ModelKey("retention", "shop")}


def test_ghosts_are_forgotten_and_their_models_told() -> None:
    store = Store()
    store.put(a_model())
    store.put(a_job(version=2))
    ghost = ObjectKey("Job", "retention", "telco-r1-train")
    assert store.objects("Job", namespace="retention") == {ghost}
    assert store.objects("Job", namespace="elsewhere") == frozenset()
    assert store.forget([ghost]) == {TELCO}
    assert names(store) == []


def test_of_jobs_and_pods_only_what_is_read_is_kept() -> None:
    spec: dict[str, Any] = {"template": {"spec": {"containers": []}}}
    status = {"conditions": [{"type": "Complete"}], "uncountedTerminatedPods": {}}
    job = a_job(version=1) | {"spec": spec, "status": status}
    job["metadata"]["managedFields"] = [{}]
    kept = slim(job)
    assert kept["status"] == {"conditions": [{"type": "Complete"}]}
    assert "spec" not in kept
    assert "managedFields" not in kept["metadata"]


def test_of_others_services_only_the_name_is_kept_and_ours_stay_whole() -> None:
    spec = {"selector": {"app": "shop"}}
    assert "spec" not in slim(an_object("Service", "shop", version=1, spec=spec))
    assert slim(an_object("Service", "telco", version=1, labels=OURS, spec=spec))["spec"] == spec


JOBS = Stream("Job", None)


class Times:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_watch_that_says_nothing_between_two_lists_that_saw_more_is_silent() -> None:
    times = Times()
    watermarks = Watermarks(clock=times)
    watermarks.told(JOBS, version=10)
    watermarks.listed(JOBS, version=11)
    assert watermarks.silent() == ()
    times.now += PATIENCE_SECONDS + 1
    watermarks.listed(JOBS, version=12)
    assert watermarks.silent() == (JOBS,)
    watermarks.told(JOBS, version=11)
    assert watermarks.silent() == ()


def test_a_watch_that_has_nothing_to_tell_is_not_silent() -> None:
    times = Times()
    watermarks = Watermarks(clock=times)
    watermarks.told(JOBS, version=10)
    for _ in range(3):
        times.now += PATIENCE_SECONDS + 1
        watermarks.listed(JOBS, version=10)
    assert watermarks.silent() == ()


def test_a_watch_that_tells_between_lists_is_not_silent_though_lists_are_ahead() -> None:
    times = Times()
    watermarks = Watermarks(clock=times)
    for version in range(10, 100, 10):
        watermarks.listed(JOBS, version=version + 5)
        watermarks.told(JOBS, version=version)
        times.now += PATIENCE_SECONDS + 1
    assert watermarks.silent() == ()
