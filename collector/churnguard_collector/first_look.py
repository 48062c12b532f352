"""What most events need: a look at all that could be wrong or personal, and no walk through it. Pure.

Nearly all events are sound and hold nothing of their person where it does not belong. That can be seen from a few
searches in bytes. Whatever is not plainly so is left to the close look of ``intake``: it decides the same, slowly.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import UNSET, Raw, UnsetType

from churnguard_collector.accepted import Accepted
from churnguard_collector.clocks import corrected_time
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
"""Persons of a workspace whose subjects are remembered: they come again, and to hash costs more than to look up."""
MOST_KEYS: Final = 50

_PLAIN_TYPES: Final = frozenset({"track", "page", "screen"})
_EMPTY: Final = Raw(b"{}")
_NOTHING: Final = (b"", b"null", b"{}")

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


class KnownPerson(NamedTuple):
    """A person's subject, and the person's id as it stands in JSON."""

    subject: str
    mark: bytes


NOBODY_ELSE: Final = KnownPerson("", b"")


class KeptContext(NamedTuple):
    """What is kept of a context, and the address that was in it."""

    kept: Raw
    mark: bytes | None


class KnownSubjects:
    """Subjects of persons that were seen and are sound; in memory only, and not of more than ``MOST_KNOWN``."""

    def __init__(self) -> None:
        self._by_key: dict[SubjectKey, dict[str, KnownPerson]] = {}

    def of(self, key: SubjectKey) -> dict[str, KnownPerson]:
        """Those of a workspace, by the person's id."""
        known = self._by_key.get(key)
        if known is None:
            # A new key has come, and with it others may have gone.
            self._by_key = {**dict(list(self._by_key.items())[-MOST_KEYS:]), key: {}}
            known = self._by_key[key]
        elif len(known) >= MOST_KNOWN:
            known.clear()
        return known


class FirstLook:
    """Makes envelopes of one request's messages.

    Args:
        key: The request's key.
        route: What all messages are, None where each says so.
        kept: The time that is kept.
        received_at: When they came.
        sent_at: When the batch was sent, by the sender's clock.
        context: The batch's, for messages that have none.
        subjects: What is known of persons.
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
        self._workspace = key.workspace.name
        self._source = key.id
        self._earliest, self._latest = kept.earliest, kept.latest
        self._received_at = received_at
        self._sent_at = sent_at
        self._context = bytes(context)
        self._subject_key = key.workspace.subject_key
        self._subjects = subjects.of(self._subject_key)
        privacy = key.workspace.privacy
        self._consent = privacy.consent
        self._with_network = privacy.ip == "truncate" and key.kind == "server"
        self._last_context: bytes | None = None
        self._last_kept: KeptContext | None = None

    def accept(self, message: SoundMessage, *, place: int, new_id: Callable[[], str]) -> Accepted | None:
        """The accepted event; None when the message must be looked at closely."""
        type_ = self._type_of(message)
        user, visitor = message.user_id, message.anonymous_id
        if type_ is None or (user is None and visitor is None):
            return None
        known = self._subjects.get
        person = NOBODY_ELSE if user is None else known(user) or self._new_person(user)
        other = NOBODY_ELSE if visitor is None else known(visitor) or self._new_person(visitor)
        properties = kept_object(bytes(message.properties))
        context = self._kept_context(bytes(message.context))
        original = message.original_timestamp or message.timestamp or self._received_at
        if person is None or other is None or properties is None or context is None:
            return None
        if not self._earliest <= original <= self._latest:
            return None
        envelope = Envelope(
            version=ENVELOPE_VERSION,
            workspace=self._workspace,
            message_id=message.message_id or new_id(),
            type=type_,
            subject=person.subject or other.subject,
            anonymous_subject=other.subject or None if person.subject else None,
            name=message.event if type_ == "track" else message.name,
            category=message.category,
            properties=properties,
            context=context.kept,
            original_timestamp=original,
            timestamp=corrected_time(
                original, sent_at=message.sent_at or self._sent_at, received_at=self._received_at
            ),
            received_at=self._received_at,
            source=self._source,
        )
        encoded = encode_envelope(envelope)
        if may_name_somebody(encoded):
            return None
        for mark in (person.mark, other.mark, context.mark):
            if mark and encoded.find(mark) >= 0:
                return None
        return Accepted(envelope, encoded, (place,))

    def _type_of(self, message: SoundMessage) -> MessageType | None:
        """The type, if it is one of those without traits, and the texts of the message are in order."""
        type_ = message.type if self._route is None else self._route
        if type_ not in _PLAIN_TYPES or (message.type is not None and message.type != type_):
            return None
        if (type_ == "track" and message.event is None) or message.previous_id is not None:
            return None
        if message.group_id is not None:
            return None
        for text in (message.message_id, message.event, message.name, message.category):
            if text is not None and (not text.isprintable() or text.isspace()):
                return None
        return type_

    def _new_person(self, person: str) -> KnownPerson | None:
        if not is_plain(person) or person.isspace() or person.lower() in NOBODY:
            return None
        known = KnownPerson(subject_of(person, key=self._subject_key), person.encode())
        self._subjects[person] = known
        return known

    def _kept_context(self, encoded: bytes) -> KeptContext | None:
        if encoded in _NOTHING:
            encoded = self._context
        # An SDK sends the same with all events of a batch.
        if encoded != self._last_context:
            self._last_kept = kept_part(encoded, consent=self._consent, with_network=self._with_network)
            self._last_context = encoded
        return self._last_kept


def is_plain(text: str) -> bool:
    """Whether a text stands in JSON as it is."""
    return text.isprintable() and '"' not in text and "\\" not in text


# To look for a number in bytes is one call of C; for bytes in bytes, an error is raised and caught first.
_AT, _PERCENT, _BACKSLASH, _BRACE, _BRACKET, _COLON, _QUOTE, _QUERY, _FRAGMENT = b'@%\\{[:"?#'


def may_name_somebody(encoded: bytes) -> bool:
    """Whether there may be a mail address in a JSON."""
    return _AT in encoded or (_PERCENT in encoded and encoded.find(b"%40") >= 0)


def kept_object(encoded: bytes) -> Raw | None:
    """An object that can be kept as it is; None when it is none, or that cannot be seen at once."""
    if encoded in _NOTHING:
        return _EMPTY
    if is_deep(encoded):
        return None
    try:
        found = _decode(encoded)
    except UNDECODABLE:
        return None
    if not isinstance(found, dict) or len(found) > MOST_PROPERTIES:
        return None
    # What is escaped might be anything: without needless escapes it is what it says.
    return Raw(_encode(found)) if _BACKSLASH in encoded else Raw(encoded)


def is_deep(encoded: bytes) -> bool:
    """Whether an object may nest deeper than it should, or hold a NUL."""
    if encoded.count(_BRACE) + encoded.count(_BRACKET) > MOST_NESTING:
        return True
    return _BACKSLASH in encoded and encoded.find(b"\\u0000") >= 0


def kept_part(encoded: bytes, *, consent: str | None, with_network: bool) -> KeptContext | None:
    """What is kept of a context; None when it must be looked at closely, or its person has not consented.

    Args:
        encoded: The context as it was sent.
        consent: The category that it must allow, if any.
        with_network: Whether the network of its address is kept.
    """
    if encoded in _NOTHING:
        return KeptContext(_EMPTY, None) if consent is None else None
    # Not more entries than colons; and one of no entries means that of the batch.
    if _QUOTE not in encoded or is_deep(encoded) or encoded.count(_COLON) > MOST_PROPERTIES:
        return None
    try:
        context = _context_decoder.decode(encoded)
    except UNDECODABLE:
        return None
    if consent is not None and not _agrees(context.consent, category=consent):
        return None
    ip, context.ip = context.ip, UNSET
    if isinstance(ip, str) and not is_plain(ip):
        return None
    if _QUERY in encoded or _FRAGMENT in encoded or _BACKSLASH in encoded:
        _cut_addresses(context.page)
    kept = _encode(context)
    if with_network and isinstance(ip, str) and (network := network_of(ip)) is not None:
        kept = b'%b%b"network":"%b"}' % (kept[:-1], b"," if len(kept) > 2 else b"", network.encode())
    return KeptContext(Raw(kept), ip.encode() if isinstance(ip, str) else None)


def _agrees(consent: Any, *, category: str) -> bool:
    preferences = None if consent is UNSET else consent.categoryPreferences
    return isinstance(preferences, dict) and preferences.get(category) is True


def _cut_addresses(page: Any) -> None:
    if page is UNSET:
        return
    for name in ADDRESSES:
        value = getattr(page, name)
        if isinstance(value, str):
            setattr(page, name, without_query(value))
