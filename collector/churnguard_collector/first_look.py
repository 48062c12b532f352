"""What most events need: a look at all that could be wrong or personal, and no walk through it. Pure.

Nearly all events are sound and hold nothing of their person where it does not belong. That can be seen from a few
searches in bytes. Whatever is not plainly so is left to the close look of ``intake``: it decides the same, slowly.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from msgspec import UNSET, Raw, UnsetType

from churnguard_collector.keys import WriteKey
from churnguard_collector.privacy import ADDRESSES, KEPT_CONTEXT, KEPT_PLAIN, network_of, without_query
from churnguard_core.events.checks import NOBODY, KeptTime
from churnguard_core.events.envelope import ENVELOPE_VERSION, Envelope, encode_envelope
from churnguard_core.events.limits import MOST_NESTING, MOST_PROPERTIES
from churnguard_core.events.messages import MessageType
from churnguard_core.events.sound import SoundMessage
from churnguard_core.events.subjects import SubjectKey, subject_of
from churnguard_core.undecodable import UNDECODABLE

MOST_KNOWN: Final = 20_000
"""Persons of a workspace whose subjects are remembered: they come again, and to hash costs more than all the rest."""

_PLAIN_TYPES: Final = frozenset({"track", "page", "screen"})
_EMPTY: Final = Raw(b"{}")
_NOTHING: Final = (b"", b"null")

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode
# Any other part of a context is not even decoded; a part that is no object is left to the close look.
_Context: Final[Any] = msgspec.defstruct(
    "_Context",
    [
        *(
            (
                part,
                msgspec.defstruct(f"_{part.title()}", [(name, Any, UNSET) for name in sorted(names)])
                | UnsetType,
                UNSET,
            )
            for part, names in KEPT_CONTEXT.items()
        ),
        *((name, str | UnsetType, UNSET) for name in sorted(KEPT_PLAIN)),
        ("ip", Any, UNSET),
    ],
)
_context_decoder: Final = msgspec.json.Decoder(_Context)


class KnownSubjects:
    """Subjects of persons that were seen and are sound, each with the person's id as it stands in JSON.

    They are in memory only, and at most ``MOST_KNOWN`` of a workspace.
    """

    def __init__(self) -> None:
        self._by_key: dict[SubjectKey, dict[str, tuple[str, bytes]]] = {}

    def of(self, key: SubjectKey) -> dict[str, tuple[str, bytes]]:
        """Those of a workspace, by the person's id."""
        known = self._by_key.get(key)
        if known is None:
            known = self._by_key[key] = {}
        elif len(known) >= MOST_KNOWN:
            known.clear()
        return known


@dataclass(frozen=True, slots=True)
class _KeptContext:
    kept: Raw
    mark: bytes | None


class FirstLook:
    """Makes envelopes of one request's messages.

    Args:
        key: The request's key.
        route: What all messages are, None where each says so.
        kept: The time that is kept.
        received_at: When they came.
        sent_at: When the batch was sent, by the sender's clock.
        context: The batch's, for messages that have none.
        subjects: Of the workspace.
    """

    def __init__(
        self,
        *,
        key: WriteKey,
        route: MessageType | None,
        kept: KeptTime,
        received_at: datetime,
        sent_at: datetime | None,
        context: Raw,
        subjects: KnownSubjects,
    ) -> None:
        self._route = route
        self._workspace = key.workspace
        self._source = key.id
        self._earliest, self._latest = kept.earliest, kept.latest
        self._received_at = received_at
        self._sent_at = sent_at
        self._shift = None if sent_at is None else received_at - sent_at
        self._context = bytes(context)
        self._subject_key = key.workspace.subject_key
        self._subjects = subjects.of(self._subject_key)
        privacy = key.workspace.privacy
        self._consent = privacy.consent
        self._with_network = privacy.ip == "truncate" and key.kind == "server"
        self._last_context: bytes | None = None
        self._last_kept: _KeptContext | None = None

    def envelope_of(self, message: SoundMessage, *, new_id: str | None) -> tuple[Envelope, bytes] | None:
        """The message's envelope and its JSON; None when the message must be looked at closely.

        Args:
            message: The message.
            new_id: Its id when it has none.
        """
        type_ = message.type if self._route is None else self._route
        if type_ not in _PLAIN_TYPES or (message.type is not None and message.type != type_):
            return None
        user, visitor, message_id = message.user_id, message.anonymous_id, message.message_id or new_id
        event, name = message.event, message.name
        person = visitor if user is None else user
        if person is None or message_id is None or (type_ == "track" and event is None):
            return None
        if not _are_plain(message_id, event, name, message.category, message.previous_id, message.group_id):
            return None
        known = self._subjects.get(person) or self._know(person)
        other = None if user is None or visitor is None else self._subjects.get(visitor) or self._know(visitor)
        original = message.original_timestamp or message.timestamp or self._received_at
        properties = _kept_object(bytes(message.properties))
        context = self._kept_context(bytes(message.context) or self._context)
        if (
            known is None
            or (other is None and user is not None and visitor is not None)
            or properties is None
            or context is None
            or not self._earliest <= original <= self._latest
        ):
            return None
        ...
