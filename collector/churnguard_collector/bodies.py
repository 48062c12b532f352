"""The JSON around events: one event, or a batch of them. Pure."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, Final, NoReturn, TypeVar

import msgspec
from msgspec import Raw, Struct

from churnguard_core.events.limits import MOST_BATCH, MOST_EVENT_BYTES
from churnguard_core.events.sound import SoundMessage
from churnguard_core.undecodable import UNDECODABLE

T = TypeVar("T")


class BadBody(Exception):  # noqa: N818 - an answer, not an error of the collector
    """Nothing of a request can be used; ``status`` is from 400 to 499."""

    def __init__(self, error: str, *, status: int = 400) -> None:
        self.error = error
        self.status = status
        super().__init__(error)


class Events(Struct, frozen=True, kw_only=True):
    """The events of a request; ``sent_at``, ``context`` and the key are for all of them.

    An event is in its own bytes, or decoded where all of a small body are sound at first sight.
    """

    events: list[Raw | SoundMessage]
    sent_at: datetime | None = None
    context: Raw = Raw()
    write_key: str | None = None


class _Batch(Struct, frozen=True, kw_only=True, rename="camel"):
    batch: list[Raw]
    sent_at: datetime | None = None
    context: Raw = Raw()
    write_key: str | None = None


class _SoundBatch(Struct, frozen=True, kw_only=True, rename="camel"):
    batch: list[SoundMessage]
    sent_at: datetime | None = None
    context: Raw = Raw()
    write_key: str | None = None


class _SoundEvent(SoundMessage, frozen=True, kw_only=True, rename="camel", gc=False):
    write_key: str | None = None


class _Key(Struct, frozen=True, kw_only=True, rename="camel"):
    write_key: str | None = None


_batch = msgspec.json.Decoder(_Batch)
_key = msgspec.json.Decoder(_Key)
_sound_batch = msgspec.json.Decoder(_SoundBatch)
_sound_event = msgspec.json.Decoder(_SoundEvent)


def one_event(body: bytes) -> Events:
    """The body is one event; what is wrong in it is for the event's own result, if it is JSON at all."""
    sound = _at_first_sight(_sound_event, body)
    if sound is not None:
        return Events(events=[sound], write_key=sound.write_key)
    try:
        return Events(events=[Raw(body)], write_key=_key.decode(body).write_key)
    except msgspec.ValidationError:
        return Events(events=[Raw(body)])
    except UNDECODABLE:
        return Events(events=[Raw(_rescued(body))])


def batch_of_events(body: bytes) -> Events:
    """The events of a batch; BadBody when there is none in it, or too many."""
    try:
        found = _at_first_sight(_sound_batch, body) or _decode(body)
    except msgspec.ValidationError as error:
        # Its texts name fields and types, and no values.
        raise BadBody(f"the body is no batch: {error}") from None
    if len(found.batch) > MOST_BATCH:
        raise BadBody(f"a batch has at most {MOST_BATCH} events, this one {len(found.batch)}", status=413)
    sent_at = found.sent_at
    if sent_at is not None and sent_at.tzinfo is None:
        raise BadBody("the body is no batch: sentAt has no zone")
    return Events(events=[*found.batch], sent_at=sent_at, context=found.context, write_key=found.write_key)


def _at_first_sight(decoder: msgspec.json.Decoder[T], body: bytes) -> T | None:
    # No event of a small body is too large; in a larger one, each is measured.
    if len(body) > MOST_EVENT_BYTES:
        return None
    try:
        return decoder.decode(body)
    except UNDECODABLE:
        return None


def _decode(body: bytes) -> _Batch:
    try:
        return _batch.decode(body)
    except msgspec.ValidationError:
        raise
    except UNDECODABLE:
        return _batch.decode(_rescued(body))


def _rescued(body: bytes) -> bytes:
    """The same JSON with its lone surrogates in events of their own.

    Half of a pair is what JavaScript sends of a text that was cut within an emoji. It is legal JSON, and one event
    that has it must not fail the others; msgspec refuses the whole text, the standard library does not.

    Raises:
        BadBody: It is no JSON all the same.
    """
    try:
        document = json.loads(body, parse_constant=_refuse)
        if isinstance(document, dict) and isinstance(document.get("batch"), list):
            document["batch"] = [_storable(event) for event in document["batch"]]
            return msgspec.json.encode(document)
        return msgspec.json.encode(_storable(document))
    except (ValueError, RecursionError, msgspec.MsgspecError):
        raise BadBody("the body is no JSON") from None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


_UNREADABLE: Final = Raw(b'"\xff"')
"""Stands for an event that no database keeps: it passes as a part of JSON, and cannot be read as an event."""


def _storable(event: Any) -> Any:
    try:
        msgspec.json.encode(event)
    except (UnicodeError, RecursionError, msgspec.MsgspecError):
        return _UNREADABLE
    return event
