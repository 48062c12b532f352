"""The walks' own judgement: it finds nothing wrong with a model at rest, and every lie and leftover."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, get_args

import pytest
from rig_snapshot import KINDS, Snapshot
from rig_truth import breaches, untruths

from churnguard_core.churnmodel.status import ConditionType

SERVING = "telco-r1-abcde"
LABELS = {"churnguard.dev/model": "telco", "churnguard.dev/revision": "telco-r1"}
REASONS = {
    "Ready": "RevisionServing",
    "Accepted": "SpecAccepted",
    "Trained": "RevisionTrained",
    "Serving": "RevisionServing",
    "Progressing": "UpToDate",
}

World = dict[str, list[dict[str, Any]]]


def child(name: str, **more: Any) -> dict[str, Any]:
    labels = {**LABELS, **more.pop("labels", {})}
    return {"metadata": {"name": name, "labels": labels, "ownerReferences": [{"uid": "1"}]}, **more}


def job(name: str, *, purpose: str = "training", ended: bool) -> dict[str, Any]:
    conditions = [{"type": "Complete", "status": "True"}] if ended else []
    labels = {"churnguard.dev/purpose": purpose}
    return child(name, labels=labels, status={"conditions": conditions})


def at_rest() -> World:
    conditions = [
        {
            "type": kind,
            "status": "False" if kind == "Progressing" else "True",
            "reason": REASONS[kind],
            "message": "said",
            "observedGeneration": 1,
        }
        for kind in get_args(ConditionType)
    ]
    status = {
        "observedGeneration": 1,
        "conditions": conditions,
        "url": "http://telco.shop.svc",
        "lastRevision": 1,
        "serving": {"revision": "telco-r1", "inferenceService": SERVING},
        "training": {"revision": "telco-r1", "job": "telco-r1-train", "outcome": "RevisionTrained"},
        "revisions": [{"name": "telco-r1", "verdict": "Accepted"}],
    }
    model = {"metadata": {"name": "telco", "uid": "1", "generation": 1}, "spec": {}, "status": status}
    ready = {"conditions": [{"type": "Ready", "status": "True"}]}
    return {
        **{kind: [] for kind in KINDS},
        "ChurnModel": [model],
        "Job": [job("telco-r1-train", ended=True)],
        "InferenceService": [child(SERVING, status=ready)],
        "Deployment": [child(f"{SERVING}-predictor", status={"readyReplicas": 1})],
        "Service": [child("telco", spec={"selector": {"app": f"isvc.{SERVING}-predictor"}})],
        "ConfigMap": [child(SERVING, labels={"churnguard.dev/inference-service": SERVING})],
        "ServiceAccount": [child("telco-churnguard")],
    }


def status_of(world: World) -> dict[str, Any]:
    found: dict[str, Any] = world["ChurnModel"][0]["status"]
    return found


def findings(world: World, judge: Callable[..., list[str]]) -> list[str]:
    model = Snapshot(documents=world).model("telco")
    assert model is not None
    return judge(model)


def test_nothing_is_wrong_with_a_model_at_rest() -> None:
    assert findings(at_rest(), untruths) == []


@pytest.mark.parametrize(
    "spoil",
    [
        lambda world: world["Job"].extend(job(f"telco-r{number}-train", ended=False) for number in (2, 3)),
        lambda world: world["Job"].extend(
            [job("telco-r2-train", ended=False), job("telco-prune-1", purpose="prune", ended=False)]
        ),
        lambda world: world["ChurnModel"][0]["metadata"].update(finalizers=["ours"]),
        lambda world: world["ChurnModel"][0]["metadata"].update(annotations={"kopf.zalando.org/x": "y"}),
        lambda world: status_of(world)["conditions"][0].update(reason="Because"),
        lambda world: status_of(world)["conditions"][0].update(message=""),
        lambda world: status_of(world)["conditions"].pop(),
    ],
)
def test_what_must_never_be_is_found(spoil: Callable[[World], object]) -> None:
    world = copy.deepcopy(at_rest())
    spoil(world)
    assert findings(world, breaches)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda world: world["ChurnModel"][0]["metadata"].update(generation=2),
        lambda world: world["Service"][0]["spec"].update(selector={"app": "elsewhere"}),
        lambda world: world["Service"].clear(),
        lambda world: world["Service"][0]["metadata"].update(ownerReferences=[]),
        lambda world: world["Job"].append(job("telco-r2-train", ended=False)),
        lambda world: world["Job"].extend(
            job(f"telco-r1-train-{number}", ended=True) for number in (2, 3, 4)
        ),
        lambda world: world["InferenceService"].append(child("telco-r0-fghij")),
        lambda world: world["InferenceService"].clear(),
        lambda world: world["ConfigMap"].append(
            child("old", labels={"churnguard.dev/inference-service": "old"})
        ),
        lambda world: world["ConfigMap"].append(
            child("telco-r1-train", labels={"churnguard.dev/purpose": "training"})
        ),
        lambda world: world["Deployment"][0]["status"].update(readyReplicas=0),
        lambda world: status_of(world)["conditions"][3].update(status="False"),
        lambda world: status_of(world)["conditions"][0].update(status="False"),
        lambda world: status_of(world)["revisions"][0].update(verdict="Rejected"),
        lambda world: status_of(world).update(lastRevision=0),
        lambda world: status_of(world).update(candidate={"inferenceService": SERVING}),
        lambda world: status_of(world)["training"].pop("outcome"),
        lambda world: status_of(world).pop("url"),
    ],
)
def test_what_is_untrue_or_left_over_is_found(spoil: Callable[[World], object]) -> None:
    world = copy.deepcopy(at_rest())
    spoil(world)
    assert findings(world, untruths)
