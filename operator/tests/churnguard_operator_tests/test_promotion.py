"""The moment at which a revision takes over: on record, then the Service, then the status says so."""

from __future__ import annotations

from typing import Any

from churnguard_operator_tests.world import World

Spec = dict[str, Any]


def test_a_revision_is_said_to_serve_once_its_service_leads_to_it_and_not_before(
    world: World, spec: Spec
) -> None:
    world.create(spec)
    world.settle()
    world.finish_training()
    world.settle()
    world.bring_up()
    world.step()
    (name,) = world.inference_services()
    assert "promoted" in world.status["candidate"]
    assert world.selected() is None
    assert "url" not in world.status
    assert world.condition("Ready") == ("False", "RolloutInProgress")
    moves = world.step()
    assert [each["kind"] for each in moves.apply] == ["Service"]
    assert moves.status is None
    assert world.condition("Ready") == ("False", "RolloutInProgress")
    world.step()
    assert (world.selected(), world.serving()) == (name, "telco-r1")
    assert "promoted" not in world.status["serving"]
    assert world.condition("Ready") == ("True", "RevisionServing")


def test_ready_stays_true_while_another_revision_takes_over(world: World, spec: Spec) -> None:
    world.create(spec)
    world.serve_first()
    (since,) = [each["lastTransitionTime"] for each in world.status["conditions"] if each["type"] == "Ready"]
    world.pass_time(60)
    world.ask_to_train()
    world.settle()
    world.finish_training()
    world.roll_out()
    assert world.serving() == "telco-r2"
    (after,) = [each["lastTransitionTime"] for each in world.status["conditions"] if each["type"] == "Ready"]
    assert after == since


def test_a_promotion_is_withdrawn_when_the_candidate_goes_down_before_the_service_has_moved(
    world: World, spec: Spec
) -> None:
    world.create(spec)
    world.serve_first()
    (old,) = world.inference_services()
    world.edit("serving", "levels", to={"medium": "0.20", "high": "0.50"})
    world.settle()
    world.bring_up()
    world.step()
    assert "promoted" in world.status["candidate"]
    (new,) = set(world.inference_services()) - {old}
    world.play_kserve(new, ready=False)
    world.settle()
    assert "promoted" not in world.status["candidate"]
    assert world.selected() == old
    world.play_kserve(new)
    world.settle()
    assert world.selected() == new


def test_what_has_the_requests_serves_though_something_else_is_wanted_by_now(
    world: World, spec: Spec
) -> None:
    world.create(spec)
    world.serve_first()
    (old,) = world.inference_services()
    world.edit("serving", "levels", to={"medium": "0.20", "high": "0.50"})
    world.settle()
    world.bring_up()
    world.step()
    world.write(world.plan(), crash_after=1)
    moved = world.selected()
    assert moved not in (None, old)
    world.edit("serving", "levels", to=None)
    world.step()
    assert world.status["serving"]["inferenceService"] == moved
    assert world.status["candidate"]["inferenceService"] == old
    # Its pods answer until the requests of their connections are done, wherever the Service leads by then.
    world.settle()
    assert world.selected() == old
    assert moved in world.inference_services()
    world.pass_time(world.settings.drain.total_seconds())
    world.settle()
    assert world.inference_services() == [old]
