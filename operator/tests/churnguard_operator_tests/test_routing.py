"""Callers come by a route when its Gateway takes it; until then the model says why they do not."""

from __future__ import annotations

from typing import Any

import pytest

from churnguard_operator.policy.routing import ANSWER_TIME
from churnguard_operator.views.routing import view_route
from churnguard_operator_tests.world import World

Spec = dict[str, Any]


@pytest.fixture
def routed(world: World, spec: Spec) -> World:
    """A model that serves, and whose route nobody has answered to yet."""
    world.served = frozenset({"HTTPRoute"})
    world.create({**spec, "serving": {"route": {"gateway": "public"}}})
    world.settle()
    world.finish_training()
    world.settle()
    world.bring_up()
    world.settle()
    return world


def test_a_model_is_ready_once_its_gateway_takes_the_route(routed: World) -> None:
    assert routed.condition("Serving") == ("True", "RevisionServing")
    assert routed.condition("Ready") == ("False", "RolloutInProgress")
    assert routed.condition("Progressing") == ("True", "RolloutInProgress")
    assert "Gateway public has not answered" in routed.message("Ready")
    routed.play_gateway()
    routed.settle()
    assert routed.condition("Ready") == ("True", "RevisionServing")
    assert "RouteNotAccepted" not in routed.events


def test_a_gateway_that_does_not_exist_is_told_of_in_time(routed: World) -> None:
    drain = routed.settings.drain
    routed.pass_time(drain.total_seconds())
    # Nothing happens to the route: only the clock tells that nobody answers.
    assert routed.settle().requeue_after == ANSWER_TIME - drain
    routed.pass_time((ANSWER_TIME - drain).total_seconds())
    routed.settle()
    assert routed.condition("Ready") == ("False", "RouteNotAccepted")
    assert routed.condition("Progressing") == ("False", "RouteNotAccepted")
    assert routed.condition("Serving") == ("True", "RevisionServing")
    assert "does Gateway public exist" in routed.message("Ready")
    assert routed.events.count("RouteNotAccepted") == 1


def test_a_refusal_is_told_at_once_in_the_controllers_words(routed: World) -> None:
    routed.play_gateway(refusal="NotAllowedByListeners")
    routed.settle()
    assert routed.condition("Ready") == ("False", "RouteNotAccepted")
    assert "NotAllowedByListeners" in routed.message("Ready")
    routed.play_gateway()
    routed.settle()
    assert routed.condition("Ready") == ("True", "RevisionServing")


def test_what_another_gateway_answers_means_nothing(routed: World) -> None:
    routed.play_gateway(gateway="internal")
    routed.settle()
    assert routed.condition("Ready") == ("False", "RolloutInProgress")


def test_training_goes_on_while_no_gateway_takes_the_route(routed: World) -> None:
    routed.play_gateway(refusal="NotAllowedByListeners")
    routed.settle()
    routed.ask_to_train()
    routed.settle()
    routed.finish_training()
    routed.roll_out()
    assert routed.serving() == "telco-r2"
    assert routed.condition("Accepted") == ("True", "SpecAccepted")


def test_without_a_route_no_gateway_is_waited_for(routed: World) -> None:
    routed.edit("serving", "route", to=None)
    routed.settle()
    assert routed.condition("Ready") == ("True", "RevisionServing")


def answered(*conditions: dict[str, str], namespace: str | None = None) -> dict[str, Any]:
    reference = {"name": "public", **({"namespace": namespace} if namespace else {})}
    return {
        "metadata": {"name": "telco", "namespace": "retention"},
        "status": {"parents": [{"parentRef": reference, "conditions": list(conditions)}]},
    }


ACCEPTED = {"type": "Accepted", "status": "True"}


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        (answered(ACCEPTED), ""),
        (answered(ACCEPTED, {"type": "ResolvedRefs", "status": "True"}), ""),
        (
            answered(ACCEPTED, {"type": "ResolvedRefs", "status": "False", "reason": "BackendNotFound"}),
            "BackendNotFound",
        ),
        (
            answered({"type": "Accepted", "status": "False", "reason": "NoMatchingParent", "message": "no"}),
            "NoMatchingParent: no",
        ),
        (answered({"type": "Accepted", "status": "Unknown", "reason": "Pending"}), "not accepted yet"),
        (answered(), "not accepted yet"),
        (answered({"type": "Accepted", "status": "False"}), "Accepted is False"),
    ],
)
def test_an_answer_says_why_the_route_is_not_taken(document: dict[str, Any], problem: str) -> None:
    (answer,) = view_route(document).answers
    assert (answer.namespace, answer.name, answer.problem) == ("retention", "public", problem)


def test_an_answer_names_the_namespace_of_its_gateway() -> None:
    (answer,) = view_route(answered(ACCEPTED, namespace="edge")).answers
    assert (answer.namespace, answer.name) == ("edge", "public")


@pytest.mark.parametrize("status", [{}, {"parents": None}, {"parents": ["odd", 7]}, "odd"])
def test_a_status_that_cannot_be_read_is_no_answer(status: object) -> None:
    assert view_route({"metadata": {"name": "telco"}, "status": status}).answers == ()
