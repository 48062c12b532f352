"""What happens to models is counted once, by how it ended, and forgotten with the model."""

from __future__ import annotations

import asyncio
from typing import Any

from churnguard_core.names import KIND
from churnguard_operator.runtime.happenings import Happenings
from churnguard_operator.runtime.model_metrics import ModelMetrics
from churnguard_operator.runtime.store import ObjectKey, Store
from churnguard_operator.views.model import view_model, view_status
from churnguard_operator_tests.world import World

Spec = dict[str, Any]


def page(store: Store, happenings: Happenings) -> list[str]:
    return asyncio.run(ModelMetrics(store=store, happenings=happenings).page()).decode().splitlines()


def counted(world: World, steps: int = 40) -> Happenings:
    """What is counted while a world comes to rest."""
    happenings = Happenings()
    for _ in range(steps):
        before = view_model(world.model)
        plan = world.step()
        if plan.status is not None:
            happenings.moved(before, to=view_status(world.status))
        if plan.is_empty:
            return happenings
    raise AssertionError("not settled")


def labels_of(happenings: Happenings, world: World) -> dict[tuple[str, ...], int]:
    return {each.labels: count for each, count in happenings.of(world.model["metadata"]["uid"]).items()}


def test_trainings_and_promotions_are_counted_by_how_they_ended(world: World, spec: Spec) -> None:
    world.create(spec)
    world.settle()
    world.finish_training()
    assert labels_of(counted(world), world) == {("SpecChanged", "Accepted"): 1}
    world.bring_up()
    assert labels_of(counted(world), world) == {("promoted", "NewRevision"): 1}
    world.edit("serving", "levels", to={"medium": "0.20", "high": "0.50"})
    world.settle()
    world.bring_up()
    assert labels_of(counted(world), world) == {("promoted", "NewTemplate"): 1}
    world.ask_to_train()
    world.settle()
    world.finish_training(accepted=False)
    assert labels_of(counted(world), world) == {("Request", "Rejected"): 1}


def test_a_roll_out_that_fails_and_one_that_goes_back_are_counted(world: World, spec: Spec) -> None:
    world.create(spec)
    world.serve_first()
    world.ask_to_train()
    world.settle()
    world.finish_training()
    world.settle()
    world.pass_time(world.settings.rollout_deadline.total_seconds())
    assert labels_of(counted(world), world) == {("failed", "NewRevision"): 1}
    world.roll_out()
    world.edit("serving", "revision", to="telco-r1")
    world.settle()
    world.bring_up()
    assert labels_of(counted(world), world) == {("promoted", "Rollback"): 1}


def test_what_was_counted_is_told_of_and_forgotten_with_the_model(world: World, spec: Spec) -> None:
    world.create(spec)
    world.settle()
    world.finish_training()
    happenings = counted(world)
    store = Store()
    store.put(world.model)
    uid = world.model["metadata"]["uid"]
    (line,) = [each for each in page(store, happenings) if "_training_runs_total{" in each]
    assert 'trigger="SpecChanged",result="Accepted"} 1.0' in line
    store.forget([ObjectKey(KIND, "retention", "telco")])
    assert page(store, happenings) == []
    assert happenings.of(uid) == {}
