"""The envelope: an event as the platform keeps it, with subjects in the place of people's ids."""

from __future__ import annotations

from typing import Final, Literal

import msgspec
from msgspec import Struct

from churnguard_core.events.messages import JsonObject, MessageType
from churnguard_core.events.sound import Moment

ENVELOPE_VERSION: Final[Literal[1]] = 1


class Envelope(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel", gc=False):
    """An accepted event. An event and its retry have equal ``workspace``, ``message_id`` and ``original_timestamp``.

    ``subject`` stands for the user, or for the anonymous visitor when no user is known; ``anonymous_subject`` for
    the visitor when both are, ``previous_subject`` for who an alias was before. ``name`` is the event of a track,
    or the name of a page or screen. ``properties`` are the traits of an identify or a group.
    ``original_timestamp`` is the sender's clock, ``timestamp`` the same moment by ours.
    """

    workspace: str
    message_id: str
    type: MessageType
    subject: str
    original_timestamp: Moment
    timestamp: Moment
    received_at: Moment
    source: str
    version: Literal[1]
    properties: JsonObject
    context: JsonObject
    anonymous_subject: str | None = None
    previous_subject: str | None = None
    group_subject: str | None = None
    name: str | None = None
    category: str | None = None


class UnknownEnvelope(ValueError):  # noqa: N818 - names the fact
    """The bytes are no envelope of a version that is known here; the message says why."""


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Envelope)


def encode_envelope(envelope: Envelope) -> bytes:
    """The envelope as JSON."""
    return _encoder.encode(envelope)


def decode_envelope(data: bytes) -> Envelope:
    """The envelope that these bytes are; UnknownEnvelope when they are none, or one of another version."""
    try:
        return _decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise UnknownEnvelope(str(error)) from None
