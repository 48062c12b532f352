"""Does the Gateway take the model's HTTPRoute? The route's own status tells, which the Gateway's controller writes.

Gateways belong to others, often in other namespaces: the operator has no right to read them, and a Gateway that does
not exist is one that nobody speaks for.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from churnguard_core.churnmodel.types import Route
from churnguard_operator.observed import Observed

ANSWER_TIME: Final = timedelta(minutes=1)
"""How long a controller may take to answer to a new route before people are told."""


@dataclass(frozen=True, kw_only=True)
class RouteProblem:
    """Why callers do not come by the route. ``is_settled`` is false while a controller may yet answer to it."""

    message: str
    is_settled: bool


def route_problem(route: Route | None, *, observed: Observed, now: datetime) -> RouteProblem | None:
    """What is wrong with the model's route; None when nothing is, or none is wanted."""
    if route is None:
        return None
    found = observed.route
    if found is None:
        return RouteProblem(message="its HTTPRoute does not exist yet", is_settled=False)
    namespace, _, gateway = route.gateway.rpartition("/")
    place = (namespace or observed.model.namespace, gateway)
    answers = [each.problem for each in found.answers if (each.namespace, each.name) == place]
    if "" in answers:
        return None
    if answers:
        text = f"Gateway {route.gateway} does not take HTTPRoute {found.name}: {answers[0]}"
        return RouteProblem(message=text, is_settled=True)
    if now - found.created < ANSWER_TIME:
        text = f"Gateway {route.gateway} has not answered to HTTPRoute {found.name} yet"
        return RouteProblem(message=text, is_settled=False)
    text = f"nobody answers to HTTPRoute {found.name}: does Gateway {route.gateway} exist, and does its controller run?"
    return RouteProblem(message=text, is_settled=True)


def answer_due(route: Route | None, *, observed: Observed) -> datetime | None:
    """When to look again whether the Gateway has answered; None when there is nothing to wait for."""
    found = observed.route
    if route is None or found is None or found.answers:
        return None
    return found.created + ANSWER_TIME
