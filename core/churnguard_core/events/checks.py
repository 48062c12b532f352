"""What a message must fulfil to be kept: pure, and every problem at once.

No problem repeats a value of the message: problems travel to answers and topics, where no person's id belongs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec
from msgspec import Raw, Struct

from churnguard_core.events.bad import Finding, finding
from churnguard_core.events.limits import (
    MOST_EVENT_BYTES,
    MOST_ID,
    MOST_NAME,
    MOST_NESTING,
    MOST_PROPERTIES,
)
from churnguard_core.events.messages import REQUIRED, Message, MessageType
from churnguard_core.events.reading import NOT_JSON, TIME, ReadMessage, kind
from churnguard_core.undecodable import UNDECODABLE

NOBODY: Final = frozenset(
    {
        "0",
        "00000000-0000-0000-0000-000000000000",
        "[object object]",
        "anonymous",
        "false",
        "guest",
        "nan",
        "nil",
        "none",
        "null",
        "true",
        "undefined",
    }
)
"""What broken programs send as everybody's id, in lower case: it would make one person of all of them."""

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_IDS: Final = (
    ("message_id", "messageId"),
    ("user_id", "userId"),
    ("anonymous_id", "anonymousId"),
    ("previous_id", "previousId"),
    ("group_id", "groupId"),
)
_NAMES: Final = (("event", "event"), ("name", "name"), ("category", "category"))
_TIMES: Final = (
    ("timestamp", "timestamp"),
    ("original_timestamp", "originalTimestamp"),
    ("sent_at", "sentAt"),
)
_IN_JSON: Final = dict((*_IDS, *_NAMES))


class KeptTime(Struct, frozen=True, kw_only=True):
    """From when to when events may have happened to be kept, both included."""

    earliest: datetime
    latest: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedMessage:
    """A message after its checks, with its free parts decoded; it may be kept when there are no findings.

    ``properties`` are the traits of an identify or a group.
    """

    message: Message
    type: MessageType
    original_timestamp: datetime
    properties: dict[str, Any]
    context: dict[str, Any]
    findings: tuple[Finding, ...]


def check_message(
    read: ReadMessage, *, route: MessageType | None, size: int, kept: KeptTime, received_at: datetime
) -> CheckedMessage:
    """Hold a message against the contract.

    Args:
        read: The message, and what could not be read of it.
        route: What every message is that comes this way; None where each says so itself.
        size: Bytes of the message as it was sent.
        kept: The time that is kept.
        received_at: The time of a message that has none.
    """
    message = read.message
    type_ = route or message.type or "track"
    original = message.original_timestamp or message.timestamp or received_at
    findings = list(read.findings)
    properties: dict[str, Any] = {}
    context: dict[str, Any] = {}
    if size > MOST_EVENT_BYTES:
        findings.append(finding("too_large", "", f"is larger than {MOST_EVENT_BYTES} bytes"))
    elif "" not in read.broken:
        is_about_traits = type_ in ("identify", "group")
        free = message.traits if is_about_traits else message.properties
        properties, wrong = read_object(free, path="traits" if is_about_traits else "properties")
        context, wrong_too = read_object(message.context, path="context")
        findings += [*wrong, *wrong_too]
        findings += _about_type(message, route=route, broken=read.broken)
        findings += _about_ids(message, type_=type_, broken=read.broken)
        findings += _about_texts(message)
        findings += _about_times(message, original=original, kept=kept)
    return CheckedMessage(
        message=message,
        type=type_,
        original_timestamp=original,
        properties=properties,
        context=context,
        findings=tuple(findings),
    )


def _about_type(message: Message, *, route: MessageType | None, broken: frozenset[str]) -> Iterator[Finding]:
    if route is None and message.type is None and "type" not in broken:
        yield finding("schema", "type", "required")
    elif route is not None and message.type not in (None, route):
        yield finding("schema", "type", f"must be {route} here, or absent")


def _about_ids(message: Message, *, type_: MessageType, broken: frozenset[str]) -> Iterator[Finding]:
    for name in REQUIRED[type_]:
        if getattr(message, name) is None and _IN_JSON[name] not in broken:
            yield finding("schema", _IN_JSON[name], f"required in {type_}")
    is_somebody = message.user_id is not None or message.anonymous_id is not None
    if type_ != "alias" and not is_somebody and broken.isdisjoint(("userId", "anonymousId")):
        yield finding("schema", "userId", "required: userId or anonymousId")
    for person, path in ((message.user_id, "userId"), (message.anonymous_id, "anonymousId")):
        if person is not None and person.lower() in NOBODY:
            yield finding("schema", path, "is what broken programs send as everybody's id")


def _about_texts(message: Message) -> Iterator[Finding]:
    for fields, most in ((_IDS, MOST_ID), (_NAMES, MOST_NAME)):
        for name, path in fields:
            text: str | None = getattr(message, name)
            if text is None:
                continue
            if not text or text.isspace():
                yield finding("schema", path, "must not be empty")
            if len(text) > most:
                yield finding("schema", path, f"must have at most {most} characters")
            if _CONTROL.search(text):
                yield finding("schema", path, "must not have control characters")


def _about_times(message: Message, *, original: datetime, kept: KeptTime) -> Iterator[Finding]:
    without_zone = False
    for name, path in _TIMES:
        moment: datetime | None = getattr(message, name)
        if moment is not None and moment.tzinfo is None:
            without_zone = True
            yield finding("schema", path, f"expected {TIME}, got a time without a zone")
    if not without_zone and not kept.earliest <= original <= kept.latest:
        path = "timestamp" if message.original_timestamp is None else "originalTimestamp"
        yield finding("clock_skew", path, "lies outside of the days that are kept")


_decode = msgspec.json.Decoder().decode


def read_object(data: Raw, *, path: str) -> tuple[dict[str, Any], list[Finding]]:
    """The decoded object, when it can be stored as it is, and findings about it; empty when there is none."""
    encoded = bytes(data)
    if encoded in (b"", b"null"):
        return {}, []
    try:
        found = _decode(encoded)
    except UNDECODABLE:
        return {}, [finding("malformed", path, NOT_JSON)]
    if not isinstance(found, dict):
        return {}, [finding("schema", path, f"expected an object, got {kind(found)}")]
    findings = list(_about_object(found, encoded=encoded, path=path))
    return ({} if findings else found), findings


def _about_object(found: dict[str, Any], *, encoded: bytes, path: str) -> Iterator[Finding]:
    if len(found) > MOST_PROPERTIES:
        yield finding("too_large", path, f"must have at most {MOST_PROPERTIES} entries")
    # There cannot be more levels than brackets, nor a NUL without its escape: counting them is a fraction of walking.
    if encoded.count(b"{") + encoded.count(b"[") > MOST_NESTING and _depth(found) > MOST_NESTING:
        yield finding("too_large", path, f"must not nest deeper than {MOST_NESTING}")
    if b"\\u0000" in encoded and _has_nul(found):
        yield finding("malformed", path, "must not have the character NUL, which no database keeps")


def _depth(value: object) -> int:
    """Levels of objects and lists; not recursive, because a decoder nests deeper than Python calls."""
    depth, level = 0, [value]
    while level := [each for each in level if isinstance(each, (dict, list))]:
        depth += 1
        level = [child for each in level for child in (each.values() if isinstance(each, dict) else each)]
    return depth


def _has_nul(value: object) -> bool:
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, str) and "\0" in each:
            return True
        if isinstance(each, dict):
            waiting += [*each, *each.values()]
        elif isinstance(each, list):
            waiting += each
    return False
