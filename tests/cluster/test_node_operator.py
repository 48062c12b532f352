"""The operator on a real node: real trainings, real predictors, and callers who notice nothing but better answers.

One operator and one model for all tests, because a training takes long; each test begins and ends with a model that
serves, but for the last one, which deletes it.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from caller_on_node import Caller, Load
from model_on_node import NAME, SECONDS, ModelOnNode
from operator_on_node import STORE_CLAIM, OperatorOnNode

from churnguard_cluster import namespaces
from churnguard_cluster.node.images.image import Image
from churnguard_cluster.node.node import Node
from churnguard_cluster.objects import Objects
from churnguard_cluster.waiting import wait_for

# The namespace comes first, so that it is there to tell of when the rest fails.
pytestmark = [
    pytest.mark.cluster,
    pytest.mark.slow,
    pytest.mark.timeout(1200),
    pytest.mark.usefixtures("namespace"),
]

PATH: Final = f"/v1/models/{NAME}:predict"
RATE: Final = 200
CALLERS: Final = 8
DRAIN_SECONDS: Final = 5
TOLERANCE: Final = 1e-6
# A training of seconds; its model still beats the sample's gates.
SMALL_TRAINING: Final = {"algorithms": ["LogisticRegression"], "search": {"trials": 1}}


@pytest.fixture(scope="module")
def namespace(cluster: Any, node: Node, definitions: list[str], kserve: None) -> Iterator[str]:
    """A namespace that enforces `restricted`, with a claim for bundles."""
    name = f"operator-on-node-{secrets.token_hex(3)}"
    namespaces.create(cluster.kube, name, labels=namespaces.RESTRICTED)
    node.volume(namespace=name, claim=STORE_CLAIM).create(cluster.kube)
    yield name
    namespaces.delete(cluster.kube, name)


@pytest.fixture(scope="module")
def store(node: Node, namespace: str) -> Path:
    """The folder of the machine behind the claim."""
    return node.volume(namespace=namespace, claim=STORE_CLAIM).folder


@pytest.fixture(scope="module")
def operator(cluster: Any, objects: Objects, namespace: str, images: dict[str, Image]) -> OperatorOnNode:
    """The operator, installed."""
    found = OperatorOnNode(
        objects=objects,
        kubeconfig=cluster.kubeconfig,
        namespace=namespace,
        images=images,
        drain_seconds=DRAIN_SECONDS,
    )
    found.install()
    return found


@pytest.fixture(scope="module")
def caller(cluster: Any, objects: Objects, namespace: str, images: dict[str, Image]) -> Caller:
    """An application beside the model."""
    found = Caller(objects=objects, kubeconfig=cluster.kubeconfig, namespace=namespace)
    found.create(image=images["serving"].name)
    return found


@pytest.fixture(scope="module")
def seconds_to_first_prediction(
    objects: Objects, namespace: str, operator: OperatorOnNode, caller: Caller
) -> float:
    """How long the sample took from nothing to its first answer."""
    model, begun = ModelOnNode(objects=objects, namespace=namespace), time.monotonic()
    model.apply_sample()
    model.wait_for("Ready", "True", "RevisionServing")
    wait_for(lambda: ask(caller), what="the first prediction", seconds=SECONDS, seen=lambda: model.status)
    return time.monotonic() - begun


@pytest.fixture
def model(objects: Objects, namespace: str, seconds_to_first_prediction: float) -> ModelOnNode:
    """The sample, which serves."""
    return ModelOnNode(objects=objects, namespace=namespace)


@contextlib.contextmanager
def unnoticed(caller: Caller, model: ModelOnNode) -> Iterator[Load]:
    """Callers ask as long as the block lasts; each gets every answer, and those of the revision that it names."""
    host = f"{NAME}.{caller.namespace}.svc"
    with caller.steady_load(host=host, path=PATH, rate=RATE, callers=CALLERS) as load:
        yield load
    print(load.describe())
    assert load.failed == 0, load.failures
    for revision, score in load.answers:
        assert score == pytest.approx(float(model.record(revision)["emptyScore"]), abs=TOLERANCE)


def ask(caller: Caller, instances: list[Any] | None = None) -> Any:
    """The model's answer, for the empty record when no other is given; none when there is no good one."""
    url = f"http://{NAME}.{caller.namespace}.svc{PATH}"
    return caller.ask(url, [{}] if instances is None else instances)


def bundle_of(model: ModelOnNode, store: Path) -> Path:
    """The folder of the bundle that serves."""
    return store / str(model.status["serving"]["bundle"]).removeprefix(f"pvc://{STORE_CLAIM}/")


def test_the_operator_is_nobody_in_particular_writes_nothing_and_knows_the_time(
    operator: OperatorOnNode,
) -> None:
    assert (
        operator.run("sh", "-c", "id -u; touch /tmp/file 2>/dev/null || echo refused") == "65532\nrefused\n"
    )
    script = "from zoneinfo import ZoneInfo; print(ZoneInfo('Europe/Vienna'))"
    assert operator.run("python3", "-c", script) == "Europe/Vienna\n"


def test_the_sample_becomes_a_service_that_answers_as_its_bundle_expects(
    model: ModelOnNode, caller: Caller, store: Path, seconds_to_first_prediction: float
) -> None:
    print(f"from apply to the first prediction: {seconds_to_first_prediction:.1f} s")
    model.wait_until_served_alone(by="telco-r1")
    parity = json.loads((bundle_of(model, store) / "parity.json").read_text())
    answer = ask(caller, [each["record"] for each in parity])
    assert answer["revision"] == "telco-r1"
    scores = [each["risk_score"] for each in answer["predictions"]]
    assert scores == pytest.approx([each["score"] for each in parity], abs=TOLERANCE)


def test_trainings_a_promotion_a_pin_and_other_settings_cost_no_caller_an_answer(
    model: ModelOnNode, caller: Caller
) -> None:
    with unnoticed(caller, model) as load:
        model.edit(training=SMALL_TRAINING)
        model.wait_until_served_alone(by="telco-r2")
        promoted = model.inference_service()

        # The same data and spec give the same bundle: there is nothing to roll out.
        model.ask_to_train("now")
        model.wait_until_recorded("telco-r3")
        assert model.record("telco-r3")["digest"] == model.record("telco-r2")["digest"]
        model.wait_until_served_alone(by="telco-r2")
        assert model.inference_service() == promoted

        model.edit(serving={"revision": "telco-r1"})
        model.wait_until_served_alone(by="telco-r1")
        model.edit(serving={"revision": None})
        model.wait_until_selected("telco-r3")
        unpinned = model.inference_service()
        model.edit(serving={"levels": {"medium": "0.20", "high": "0.50"}})
        model.wait_until_served_alone(by="telco-r3")
        assert model.inference_service() != unpinned
    assert load.revisions == {"telco-r1", "telco-r2", "telco-r3"}


def test_a_revision_that_misses_its_gate_changes_nothing_for_callers(
    model: ModelOnNode, caller: Caller
) -> None:
    answer, predictors, gates = ask(caller), model.predictors(), model.spec["gates"]
    model.edit(gates=[{"metric": "rocAuc", "min": "0.999"}])
    model.wait_for("Trained", "False", "GateFailed")
    assert model.condition("Serving") == ("True", "RevisionServing")
    assert (model.predictors(), ask(caller)) == (predictors, answer)

    model.edit(gates=gates)
    model.wait_until_served_alone(by=answer["revision"])
    assert model.predictors() == predictors


def test_a_serving_image_that_does_not_start_leaves_the_one_that_serves(
    model: ModelOnNode, caller: Caller, operator: OperatorOnNode
) -> None:
    answer, predictors = ask(caller), model.predictors()
    operator.set_serving_image("training")
    model.wait_for("Progressing", "False", "RolloutFailed")
    assert model.condition("Ready") == ("True", "RevisionServing")
    assert model.predictors().items() > predictors.items()
    assert ask(caller) == answer

    operator.set_serving_image("serving")
    model.wait_until_served_alone(by=answer["revision"])
    assert model.predictors() == predictors


def test_an_operator_that_is_killed_in_the_middle_of_a_roll_out_finishes_it(
    model: ModelOnNode, caller: Caller, operator: OperatorOnNode
) -> None:
    revision, killed = model.status["serving"]["revision"], operator.pods()
    with unnoticed(caller, model):
        model.edit(serving={"levels": {"medium": "0.10", "high": "0.40"}})
        candidate = wait_for(lambda: model.inference_service("candidate"), what="a candidate")
        operator.kill()
        assert model.inference_service("candidate") == candidate
        model.wait_until_served_alone(by=revision)
    assert model.inference_service() == candidate
    assert not operator.pods().keys() & killed.keys()


def test_a_model_that_is_deleted_leaves_its_bundles_and_nothing_else(
    model: ModelOnNode, store: Path, caller: Caller
) -> None:
    bundles = sorted(store.rglob("*"))
    assert bundle_of(model, store) in bundles
    model.delete()
    wait_for(
        lambda: not model.what_bears_its_name(),
        what="all that the model had to go",
        seconds=SECONDS,
        seen=model.what_bears_its_name,
    )
    assert sorted(store.rglob("*")) == bundles
    assert ask(caller) is None
