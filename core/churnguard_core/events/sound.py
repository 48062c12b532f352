"""Messages that are sound at first sight, as nearly all are.

One typed decoding checks types, lengths and time zones. What it refuses is not bad yet: it is read again, field by
field, by those who say what is wrong.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta, Raw

from churnguard_core.events.limits import MOST_EVENT_BYTES, MOST_ID, MOST_NAME
from churnguard_core.events.messages import Message
from churnguard_core.undecodable import UNDECODABLE

Id = Annotated[str, Meta(min_length=1, max_length=MOST_ID)]
Name = Annotated[str, Meta(min_length=1, max_length=MOST_NAME)]
Moment = Annotated[datetime, Meta(tz=True)]


class SoundMessage(Message, frozen=True, kw_only=True, rename="camel", gc=False):
    """A message whose ids and names have a length that is allowed, and whose times have a zone."""

    message_id: Id | None = None
    user_id: Id | None = None
    anonymous_id: Id | None = None
    previous_id: Id | None = None
    group_id: Id | None = None
    event: Name | None = None
    name: Name | None = None
    category: Name | None = None
    timestamp: Moment | None = None
    original_timestamp: Moment | None = None
    sent_at: Moment | None = None


_decoder = msgspec.json.Decoder(SoundMessage)


def sound_message(data: bytes | Raw) -> SoundMessage | None:
    """The message that these bytes are; None when it has to be looked at closely."""
    if len(memoryview(data)) > MOST_EVENT_BYTES:
        return None
    try:
        return _decoder.decode(data)
    except UNDECODABLE:
        return None
