"""From the bytes of one event to a message, with everything that is wrong in it at once.

Nearly all events are sound: one typed decoding reads them. Only one that it refuses is walked field by field.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from types import MappingProxyType
from typing import Any, Final

import msgspec
from msgspec import Raw

from churnguard_core.events.bad import Finding, finding
from churnguard_core.events.messages import MESSAGE_TYPES, Message
from churnguard_core.undecodable import UNDECODABLE

NOT_JSON: Final = (
    "is no JSON that can be kept: text that is no Unicode, a number beyond all bounds, or no end of nesting"
)
TIME: Final = "a time with its zone as in RFC 3339, such as 2026-03-01T12:00:00.000Z"
FREE: Final = frozenset({"properties", "traits", "context"})
"""Fields that hold what the sender likes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadMessage:
    """A message with the fields that could be read, and findings about those that could not."""

    message: Message
    findings: tuple[Finding, ...] = ()

    @property
    def broken(self) -> frozenset[str]:
        """Names, as in JSON, of fields that were there and could not be read; an empty name: nothing was."""
        return frozenset(each.problem.path for each in self.findings)


_message = msgspec.json.Decoder(Message)


def read_message(data: bytes | Raw) -> ReadMessage:
    """The message that these bytes are, as far as they are one; it never raises."""
    try:
        return ReadMessage(message=_message.decode(data))
    except UNDECODABLE:
        return _read_field_by_field(data)


def _read_field_by_field(data: bytes | Raw) -> ReadMessage:
    try:
        document = msgspec.json.decode(data)
    except UNDECODABLE:
        return ReadMessage(message=Message(), findings=(finding("malformed", "", NOT_JSON),))
    if not isinstance(document, dict):
        wrong = f"expected an object, got {kind(document)}"
        return ReadMessage(message=Message(), findings=(finding("schema", "", wrong),))
    sound: dict[str, Any] = {}
    findings = []
    for name, field in _fields().items():
        value = document.get(name)
        if value is None:
            continue
        try:
            sound[field.name] = _convert(value, field)
        except msgspec.ValidationError:
            wrong = f"expected {_expected(field)}, got {kind(value)}"
            findings.append(finding("schema", name, wrong))
    return ReadMessage(message=Message(**sound), findings=tuple(findings))


def _convert(value: object, field: msgspec.structs.FieldInfo) -> object:
    if field.name in FREE:
        # Whether it is an object is looked at later, as in messages that are sound.
        return Raw(msgspec.json.encode(value))
    return msgspec.convert(value, field.type)


@cache
def _fields() -> MappingProxyType[str, msgspec.structs.FieldInfo]:
    return MappingProxyType({field.encode_name: field for field in msgspec.structs.fields(Message)})


def _expected(field: msgspec.structs.FieldInfo) -> str:
    if field.type == datetime | None:
        return TIME
    return f"one of {', '.join(MESSAGE_TYPES)}" if field.name == "type" else "a string"


# bool comes before int, of which it is a kind.
_KINDS: Final[tuple[tuple[type | tuple[type, ...], str], ...]] = (
    (bool, "a boolean"),
    ((int, float), "a number"),
    (str, "a text"),
    (dict, "an object"),
    (list, "a list"),
)


def kind(value: object) -> str:
    """What a decoded value is, in the words of JSON, without the value."""
    return next((name for types, name in _KINDS if isinstance(value, types)), "null")
