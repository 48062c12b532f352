"""What Prometheus is told of models is what their statuses say: of all of them, and of none that is gone."""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from churnguard_core.churnmodel.status import Status
from churnguard_core.names import API_VERSION, KIND
from churnguard_operator.runtime.happenings import Happenings
from churnguard_operator.runtime.health import Health, metrics_text
from churnguard_operator.runtime.metrics import Metrics
from churnguard_operator.runtime.model_families import FAMILIES
from churnguard_operator.runtime.model_metrics import ModelMetrics, pairs
from churnguard_operator.runtime.queue import Queue
from churnguard_operator.runtime.store import ModelKey, ObjectKey, Store
from churnguard_operator.runtime.watermarks import Watermarks
from churnguard_operator.views.model import view_model, view_status
from churnguard_operator_tests.walk import Walk
from churnguard_operator_tests.world import World

Spec = dict[str, Any]
Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def samples(store: Store, happenings: Happenings | None = None) -> Samples:
    """Every sample of the page, by its name and labels; each only once."""
    models = ModelMetrics(store=store, happenings=happenings or Happenings())
    found: Samples = {}
    for family in text_string_to_metric_families(asyncio.run(models.page()).decode()):
        for sample in family.samples:
            key = sample.name, tuple(sorted(sample.labels.items()))
            assert key not in found
            found[key] = sample.value
    return found


def value(found: Samples, name: str, **labels: str) -> float | None:
    """The value of the one sample with these labels among others."""
    matching = [
        value
        for (each, pairs), value in found.items()
        if each == f"churnguard_model_{name}" and labels.items() <= dict(pairs).items()
    ]
    assert len(matching) <= 1
    return matching[0] if matching else None


def put(store: Store, world: World, *, name: str = "telco", version: int) -> None:
    document = copy.deepcopy(world.model)
    document["metadata"] |= {"name": name, "uid": f"uid of {name}", "resourceVersion": str(version)}
    store.put({**document, "apiVersion": API_VERSION, "kind": KIND})


@pytest.fixture
def serving(world: World, spec: Spec) -> World:
    spec["training"]["schedule"] = {"cron": "0 3 * * 1"}
    world.create(spec)
    world.settle()
    world.pass_time(90)
    world.finish_training()
    world.roll_out()
    return world


def test_a_model_that_serves_is_told_of_with_its_figures_and_times(serving: World) -> None:
    store = Store()
    put(store, serving, version=1)
    found = samples(store)
    status = serving.status
    assert {dict(labels)["namespace"] for _, labels in found} == {"retention"}
    assert {dict(labels)["model"] for _, labels in found} == {"telco"}
    name = status["serving"]["inferenceService"]
    assert value(found, "info", revision="telco-r1", algorithm="XGBoost", inference_service=name) == 1
    assert value(found, "roc_auc", revision="telco-r1") == 0.85
    assert value(found, "log_loss", revision="telco-r1") == 0.4
    assert value(found, "last_training_duration_seconds") == 90
    assert value(found, "last_training_info", outcome="RevisionTrained", trigger="SpecChanged") == 1
    assert value(found, "training_failures") == 0
    assert value(found, "last_revision_number") == 1
    for metric, time in {
        "next_training_timestamp_seconds": status["nextTrainingTime"],
        "last_training_success_timestamp_seconds": status["revisions"][0]["finished"],
        "serving_since_timestamp_seconds": status["serving"]["since"],
    }.items():
        assert value(found, metric) == datetime.fromisoformat(time).timestamp()


def test_every_condition_is_told_of_by_its_status(serving: World) -> None:
    store = Store()
    put(store, serving, version=1)
    found = samples(store)
    for kind, (status, _) in serving.conditions().items():
        for each in ("True", "False"):
            assert value(found, "status_condition", type=kind, status=each) == float(each == status)


def test_a_model_that_was_never_looked_at_has_no_figures(world: World, spec: Spec) -> None:
    world.create(spec)
    store = Store()
    put(store, world, version=1)
    names = {name for name, _ in samples(store)}
    assert names == {"churnguard_model_training_failures", "churnguard_model_last_revision_number"}


def test_a_model_that_is_gone_is_in_no_page(serving: World) -> None:
    store, happenings = Store(), Happenings()
    for version, name in enumerate(("telco", "shop"), start=1):
        put(store, serving, name=name, version=version)
    both = samples(store, happenings)
    store.forget([ObjectKey(KIND, "retention", "shop")])
    left = samples(store, happenings)
    assert {dict(labels)["model"] for _, labels in both} == {"telco", "shop"}
    assert left == {key: value for key, value in both.items() if ("model", "shop") not in key[1]}


def test_a_page_tells_of_what_has_changed_since_the_last_one(serving: World) -> None:
    store, happenings = Store(), Happenings()
    models = ModelMetrics(store=store, happenings=happenings)

    def told() -> str:
        return asyncio.run(models.page()).decode()

    put(store, serving, version=1)
    first = told()
    assert told() == first
    serving.status["metrics"]["rocAuc"] = "0.9000"
    put(store, serving, version=2)
    assert "churnguard_model_roc_auc{" in first
    assert " 0.9\n" in told()
    happenings.moved(
        replace(view_model(serving.model), uid="uid of telco", status=Status()),
        to=view_status(serving.status),
    )
    assert "churnguard_model_promotions_total{" in told()
    put(store, serving, name="shop", version=3)
    store.forget([ObjectKey(KIND, "retention", "telco")])
    assert 'model="telco"' not in told()


def test_a_replica_on_standby_tells_of_no_model(serving: World) -> None:
    store = Store()
    put(store, serving, version=1)
    models = ModelMetrics(store=store, happenings=Happenings())
    metrics = Metrics(version="1")

    def told(*, is_leader: bool) -> set[str]:
        queue, watermarks = Queue[ModelKey](clock=float), Watermarks(clock=float)
        health = Health(queue=queue, watermarks=watermarks, is_leader=is_leader)
        text = asyncio.run(metrics_text(health, metrics=metrics, models=models)).decode()
        return {family.name.split("_")[1] for family in text_string_to_metric_families(text)}

    assert told(is_leader=False) == {"operator"}
    assert told(is_leader=True) == {"operator", "model"}


def test_each_family_is_written_in_one_piece_of_every_model(serving: World) -> None:
    store = Store()
    for version in range(1, 251):
        put(store, serving, name=f"model-{version}", version=version)
    page = asyncio.run(ModelMetrics(store=store, happenings=Happenings()).page()).decode()
    families = [line.split()[2] for line in page.splitlines() if line.startswith("# TYPE")]
    assert len(families) == len(set(families))
    assert page.count("churnguard_model_info{") == 250


def test_no_label_has_free_text_and_a_model_has_as_many_series_as_the_reference_says() -> None:
    most = 0
    for seed in range(6):
        walk = Walk(seed)
        walk.wander(150)
        store = Store()
        put(store, walk.world, version=1)
        found = samples(store)
        most = max(most, len(found))
        for _, labels in found:
            assert all(len(text) <= 63 and " " not in text for _, text in labels)
    assert 20 < most <= 30


@given(st.text(max_size=20))
def test_whatever_a_label_holds_the_page_can_be_read(text: str) -> None:
    page = f"metric{{{pairs(('label',), (text,))}}} 1.0\n"
    if any(each in text for each in "\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"):
        # The parser of the client library cuts lines there, which Prometheus does not.
        return
    (family,) = text_string_to_metric_families(page)
    assert family.samples[0].labels == {"label": text}


STATUS_PARTS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=5)
    | st.sampled_from(["nan", "0.5", "telco-r1"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["revision", "since", "rocAuc", "type", "status"]), inner, max_size=3
        )
    ),
    max_leaves=6,
)


@settings(deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(
            ["conditions", "serving", "training", "metrics", "failures", "revisions", "retryAfter"]
        ),
        STATUS_PARTS,
        max_size=4,
    )
)
def test_a_status_that_cannot_be_read_spoils_no_page(status: Spec) -> None:
    store = Store()
    metadata = {"name": "telco", "namespace": "retention", "resourceVersion": "1", "uid": "u"}
    store.put({"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata, "status": status})
    page = asyncio.run(ModelMetrics(store=store, happenings=Happenings()).page()).decode()
    assert all(line.startswith("#") or float(line.rpartition(" ")[2]) is not None for line in lines(page))


def lines(page: str) -> Iterator[str]:
    assert page.endswith("\n")
    return iter(page.split("\n")[:-1])


def test_names_follow_the_conventions() -> None:
    for family in FAMILIES:
        assert (family.type == "counter") is family.name.endswith("_total")
        assert json.dumps(family.meaning)
        assert family.meaning.endswith(".")
        assert ModelKey._fields == ("namespace", "name")
