"""What became of an HTTPRoute, as the operator sees it."""

from __future__ import annotations

from typing import Final

from churnguard_operator.observed import Document, GatewayAnswer, RouteView
from churnguard_operator.views.fields import created, entries, mapping, text

NEEDED: Final = ("Accepted", "ResolvedRefs")


def view_route(document: Document) -> RouteView:
    """An HTTPRoute with the answers of the Gateways that it names.

    An answer to an older generation counts until there is a newer one: controllers answer within moments, and the route
    goes on as it was meanwhile.
    """
    own = text(document, "metadata", "namespace")
    return RouteView(
        name=text(document, "metadata", "name"),
        created=created(document),
        answers=tuple(_answer(each, own=own) for each in entries(document, "status", "parents")),
    )


def _answer(parent: Document, *, own: str) -> GatewayAnswer:
    reference = mapping(parent, "parentRef")
    return GatewayAnswer(
        namespace=text(reference, "namespace") or own,
        name=text(reference, "name"),
        problem=_problem(parent),
    )


def _problem(parent: Document) -> str:
    found = {text(each, "type"): each for each in entries(parent, "conditions")}
    for kind in NEEDED:
        condition = found.get(kind, {})
        if condition.get("status") == "False":
            said = f"{text(condition, 'reason')}: {text(condition, 'message')}".strip(": ")
            return said or f"{kind} is False"
    return "" if found.get("Accepted", {}).get("status") == "True" else "not accepted yet"
