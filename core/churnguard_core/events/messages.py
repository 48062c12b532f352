"""Messages: events as SDKs send them, in Segment's protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Final, Literal

from msgspec import Meta, Raw, Struct, field

MessageType = Literal["track", "identify", "page", "screen", "group", "alias"]
MESSAGE_TYPES: Final[tuple[MessageType, ...]] = ("track", "identify", "page", "screen", "group", "alias")

JsonObject = Annotated[Raw, Meta(extra_json_schema={"type": "object"})]
"""An object whose bytes are passed on, or looked at later."""


class Message(Struct, frozen=True, kw_only=True, rename="camel"):
    """One event as it was sent. Null means absent; fields that are not named here are ignored.

    ``timestamp`` is what SDKs stamp when the event happens, ``original_timestamp`` its name in messages that some
    other server has handled before; both by the sender's clock.
    """

    type: MessageType | None = None
    message_id: str | None = None
    user_id: str | None = None
    anonymous_id: str | None = None
    previous_id: str | None = None
    group_id: str | None = None
    event: str | None = None
    name: str | None = None
    category: str | None = None
    timestamp: datetime | None = None
    original_timestamp: datetime | None = None
    sent_at: datetime | None = None
    properties: JsonObject = field(default_factory=Raw)
    traits: JsonObject = field(default_factory=Raw)
    context: JsonObject = field(default_factory=Raw)


REQUIRED: Final[Mapping[MessageType, Sequence[str]]] = {
    "track": ("event",),
    "identify": (),
    "page": (),
    "screen": (),
    "group": ("group_id",),
    "alias": ("user_id", "previous_id"),
}
"""Fields without which a message of this type says nothing; a ``user_id`` or ``anonymous_id`` is always needed."""
