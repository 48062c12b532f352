"""From the events of a request to envelopes, bad events and results. Pure: time and new ids are given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from msgspec import Raw

from churnguard_collector.bodies import Events
from churnguard_collector.keys import WriteKey
from churnguard_collector.privacy import (
    Marks,
    allows,
    kept_context,
    kept_properties,
    marks_of,
)
from churnguard_core.events.bad import (
    BAD_EVENT_VERSION,
    BadEvent,
    Finding,
    finding,
    gravest,
    problems_of,
)
from churnguard_core.events.checks import CheckedMessage, KeptTime, check_message, read_object
from churnguard_core.events.envelope import ENVELOPE_VERSION, Envelope
from churnguard_core.events.messages import Message, MessageType
from churnguard_core.events.reading import read_message
from churnguard_core.events.results import Result
from churnguard_core.events.subjects import SubjectKey, group_subject_of, subject_of

BROWSER_REACHES_BACK: Final = timedelta(days=7)
"""A public key cannot rewrite history: this is what an SDK's own queue holds at most."""

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """An event that may be kept; ``places`` are those of its results, more than one when it was sent twice.

    ``message_id`` is the one to answer: as it was sent, or made here when there was none.
    """

    message_id: str
    envelope: Envelope
    places: list[int]


@dataclass(frozen=True, kw_only=True)
class Intake:
    """What is in a request. ``results`` has None where the store decides."""

    accepted: list[Accepted] = field(default_factory=list)
    bad: list[BadEvent] = field(default_factory=list)
    results: list[Result | None] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Request:
    """What all events of a request have in common.

    ``route`` is None where every event says its own type; ``tracks`` is False when the person's browser asks not to
    be followed and the workspace honours that.
    """

    key: WriteKey
    route: MessageType | None
    received_at: datetime
    kept: KeptTime
    new_id: Callable[[], str]
    tracks: bool = True


def take_in(events: Events, *, request: Request) -> Intake:
    """Judge every event by itself."""
    if not request.tracks:
        dropped = Result(message_id=None, result="drop", reason="do_not_track")
        return Intake(results=[dropped] * len(events.events))
    return _Taking(events, request).run()


class _Taking:
    """One request's events, one after the other."""

    def __init__(self, events: Events, request: Request) -> None:
        self._events = events
        self._request = request
        self._workspace = request.key.workspace
        self._kept = _kept_time(request)
        self._intake = Intake()
        self._shared_context = read_object(events.context, path="context")
        self._seen: dict[tuple[str, datetime], tuple[Accepted, bytes]] = {}

    def run(self) -> Intake:
        for place, event in enumerate(self._events.events):
            self._intake.results.append(self._take(place, event))
        return self._intake

    def _take(self, place: int, event: Raw) -> Result | None:
        request = self._request
        checked = check_message(
            read_message(event),
            route=request.route,
            size=len(memoryview(event)),
            kept=self._kept,
            received_at=request.received_at,
        )
        context, findings = checked.context, checked.findings
        if not context:
            context, wrong = self._shared_context
            findings = (*findings, *wrong)
        # Before all else: of who has not consented, not even a bad event is kept.
        if not allows(context, category=self._workspace.privacy.consent):
            return Result(message_id=checked.message.message_id, result="drop", reason="no_consent")
        if findings:
            return self._refuse(checked, findings)
        envelope = self._envelope(checked, context=context)
        same = (envelope.message_id, envelope.original_timestamp)
        if (before := self._seen.get(same)) is not None:
            accepted, encoded = before
            if encoded != bytes(event):
                repeated = finding("duplicate", "messageId", "another event of this request has it too")
                return self._refuse(checked, (repeated,))
            accepted.places.append(place)
            return None
        message_id = checked.message.message_id or envelope.message_id
        accepted = Accepted(message_id=message_id, envelope=envelope, places=[place])
        self._seen[same] = (accepted, bytes(event))
        self._intake.accepted.append(accepted)
        return None

    def _refuse(self, checked: CheckedMessage, findings: Sequence[Finding]) -> Result:
        message, problems, reason = checked.message, problems_of(findings), gravest(findings)
        sound = {each.problem.path for each in findings}.isdisjoint
        person = message.user_id or message.anonymous_id
        known = person if sound(("", "userId", "anonymousId")) else None
        key = self._workspace.subject_key
        self._intake.bad.append(
            BadEvent(
                version=BAD_EVENT_VERSION,
                workspace=self._workspace.name,
                source=self._request.key.id,
                reason=reason,
                problems=problems,
                received_at=self._request.received_at,
                message_id=_message_id(message, marks=marks_of(message, context=checked.context), key=key)
                if sound(("", "messageId"))
                else None,
                subject=None if known is None else subject_of(known, key=key),
            )
        )
        return Result(message_id=message.message_id, result="drop", reason=reason, problems=problems)

    def _envelope(self, checked: CheckedMessage, *, context: dict[str, Any]) -> Envelope:
        message, key = checked.message, self._workspace.subject_key
        marks = marks_of(message, context=context)
        person = message.user_id or message.anonymous_id or ""
        visitor = message.anonymous_id if message.user_id is not None else None
        keeps_network = self._workspace.privacy.ip == "truncate" and self._request.key.kind == "server"
        return Envelope(
            version=ENVELOPE_VERSION,
            workspace=self._workspace.name,
            message_id=_message_id(message, marks=marks, key=key) or self._request.new_id(),
            type=checked.type,
            subject=subject_of(person, key=key),
            anonymous_subject=None if visitor is None else subject_of(visitor, key=key),
            previous_subject=None
            if message.previous_id is None
            else subject_of(message.previous_id, key=key),
            group_subject=None if message.group_id is None else group_subject_of(message.group_id, key=key),
            name=_without(marks, message.event if checked.type == "track" else message.name),
            category=_without(marks, message.category),
            properties=_clean(kept_properties(checked.properties, type_=checked.type), marks=marks),
            context=_clean(kept_context(context, with_network=keeps_network), marks=marks),
            original_timestamp=checked.original_timestamp,
            timestamp=corrected_time(
                checked.original_timestamp,
                sent_at=message.sent_at or self._events.sent_at,
                received_at=self._request.received_at,
            ),
            received_at=self._request.received_at,
            source=self._request.key.id,
        )


def corrected_time(original: datetime, *, sent_at: datetime | None, received_at: datetime) -> datetime:
    """The moment of an event by our clock: as long before its receipt as it was before its sending by the sender's.

    A sender who says that it was sent before it happened is not believed, nor is one without ``sent_at``.
    """
    if sent_at is None or sent_at < original:
        return min(original, received_at)
    try:
        return received_at - (sent_at - original)
    except OverflowError:
        return min(original, received_at)


def _kept_time(request: Request) -> KeptTime:
    kept = request.kept
    if request.key.kind == "server":
        return kept
    earliest = max(kept.earliest, request.received_at - BROWSER_REACHES_BACK)
    return KeptTime(earliest=earliest, latest=kept.latest)


def _message_id(message: Message, *, marks: Marks, key: SubjectKey) -> str | None:
    """The message's id, or its keyed hash when the person's own id is a part of it: the same for every retry."""
    text = message.message_id
    if text is None or not marks.may_be_in(text.encode()) or marks.taken_out(text) == text:
        return text
    return f"m_{subject_of(text, key=key)}"


def _without(marks: Marks, text: str | None) -> str | None:
    if text is None or not marks.may_be_in(text.encode()):
        return text
    cleaned: str = marks.taken_out(text)
    return cleaned


def _clean(document: dict[str, Any], *, marks: Marks) -> Raw:
    encoded = _encode(document)
    return Raw(_encode(marks.taken_out(document)) if marks.may_be_in(encoded) else encoded)
