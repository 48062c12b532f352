"""Doors: which events come at which path, and how their key is found. Pure."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs

from churnguard_collector.bodies import BadBody, Events, batch_of_events, one_event
from churnguard_collector.http import answers
from churnguard_collector.http.answers import Answer
from churnguard_core.events.messages import MESSAGE_TYPES, MessageType
from churnguard_core.events.results import Result


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """A path that events come by.

    ``name`` is what metrics call it; ``type`` what its events are, None where each says so itself.
    """

    name: str
    type: MessageType | None
    read: Callable[[bytes], Events]
    answer: Callable[[list[Result]], Answer]


DOORS: Final[Mapping[str, Door]] = {
    f"/v1/{type_}": Door(name=type_, type=type_, read=one_event, answer=answers.for_one)
    for type_ in MESSAGE_TYPES
} | {
    "/v1/batch": Door(name="batch", type=None, read=batch_of_events, answer=answers.for_batch),
    # sendBeacon cannot set a header: it sends text/plain, and the key in the query.
    "/v1/b": Door(name="b", type=None, read=batch_of_events, answer=answers.for_batch),
}
PIXEL: Final = "/v1/px.gif"
PIXEL_DOOR: Final = Door(name="px.gif", type=None, read=one_event, answer=answers.for_one)
GIF: Final = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
"""One transparent pixel."""
MOST_QUERY: Final = 8 * 1024


def pixel_event(query: bytes) -> Events:
    """The event of a pixel: ``d`` is Base64 (with ``-`` and ``_``) of its JSON."""
    encoded = _query(query).get("d", "")
    try:
        return one_event(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))
    except (binascii.Error, ValueError):
        raise BadBody("the query has no event: expected d=<Base64 of JSON>") from None


def key_in_header(authorization: bytes) -> str | None:
    """The user of Basic authentication; its password is not looked at, and usually empty."""
    scheme, _, encoded = authorization.partition(b" ")
    if scheme.lower() != b"basic":
        return None
    try:
        user, _, _ = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeError):
        return None
    return user or None


def key_in_query(query: bytes) -> str | None:
    """The parameter ``k``."""
    return _query(query).get("k") if query else None


def _query(query: bytes) -> dict[str, str]:
    if len(query) > MOST_QUERY:
        return {}
    try:
        found = parse_qs(query.decode("ascii"), max_num_fields=20, strict_parsing=False)
    except ValueError:
        return {}
    return {name: values[0] for name, values in found.items()}
