"""From the events of a request to envelopes, bad events and results. Pure: time and new ids are given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from msgspec import Raw, Struct, field

from churnguard_collector.accepted import Accepted
from churnguard_collector.bodies import Events
from churnguard_collector.clocks import corrected_time
from churnguard_collector.first_look import FirstLook, KnownSubjects
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
from churnguard_core.events.envelope import ENVELOPE_VERSION, Envelope, encode_envelope
from churnguard_core.events.messages import Message, MessageType
from churnguard_core.events.reading import ReadMessage, read_message
from churnguard_core.events.results import Result
from churnguard_core.events.sound import SoundMessage, sound_message
from churnguard_core.events.subjects import SubjectKey, group_subject_of, subject_of

BROWSER_REACHES_BACK: Final = timedelta(days=7)
"""A public key cannot rewrite history: this is what an SDK's own queue holds at most."""

_OF_A_MESSAGE: Final = len(msgspec.structs.fields(Message))
_encode = msgspec.json.Encoder().encode


class Intake(Struct, frozen=True, kw_only=True):
    """What is in a request. ``results`` are what they will be when the store keeps all that is accepted."""

    accepted: list[Accepted] = []
    bad: list[BadEvent] = []
    results: list[Result] = []


class Request(Struct, frozen=True, kw_only=True):
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
    subjects: KnownSubjects = field(default_factory=KnownSubjects)


def take_in(events: Events, *, request: Request) -> Intake:
    """Judge every event by itself."""
    if not request.tracks:
        dropped = Result(message_id=None, result="drop", reason="do_not_track")
        return Intake(results=[dropped] * len(events.events))
    return _Taking(events, request).run()


class _Seen(Struct, frozen=True, gc=False):
    """An event of this request, and the one that came before it with the same id and another time."""

    accepted: Accepted
    message: Message
    before: _Seen | None


class _Taking:
    """One request's events, one after the other."""

    def __init__(self, events: Events, request: Request) -> None:
        self._events = events
        self._request = request
        self._workspace = request.key.workspace
        self._kept = _kept_time(request)
        self._intake = Intake()
        self._seen: dict[str, _Seen] = {}
        self._first_look = FirstLook(
            key=request.key,
            route=request.route,
            kept=self._kept,
            received_at=request.received_at,
            sent_at=events.sent_at,
            context=events.context,
            subjects=request.subjects,
        )

    def run(self) -> Intake:
        look, new_id = self._first_look.accept, self._request.new_id
        accepted_events, results, seen = self._intake.accepted, self._intake.results, self._seen
        for place, event in enumerate(self._events.events):
            message = event if isinstance(event, SoundMessage) else sound_message(event)
            accepted = None if message is None else look(message, place=place, new_id=new_id)
            if message is None or accepted is None:
                results.append(self._look_closely(place, event))
            elif (message_id := accepted.envelope.message_id) in seen:
                results.append(self._accept(message, accepted))
            else:
                seen[message_id] = _Seen(accepted, message, None)
                accepted_events.append(accepted)
                results.append(Result(message_id=message_id, result="ok"))
        return self._intake

    def _look_closely(self, place: int, event: Raw | SoundMessage) -> Result:
        request = self._request
        # One that was decoded with its body is no larger than that.
        size = 0 if isinstance(event, SoundMessage) else len(memoryview(event))
        checked = check_message(
            ReadMessage(message=event) if isinstance(event, SoundMessage) else read_message(event),
            route=request.route,
            size=size,
            kept=self._kept,
            received_at=request.received_at,
        )
        context, findings = checked.context, checked.findings
        if not context:
            context, wrong = read_object(self._events.context, path="context")
            findings = (*findings, *wrong)
        # Before all else: of who has not consented, not even a bad event is kept.
        if not allows(context, category=self._workspace.privacy.consent):
            return Result(message_id=checked.message.message_id, result="drop", reason="no_consent")
        if findings:
            return self._refuse(checked.message, checked.context, findings)
        envelope, message = self._envelope(checked, context=context), checked.message
        return self._accept(message, Accepted(envelope, encode_envelope(envelope), (place,)))

    def _accept(self, message: Message, accepted: Accepted) -> Result:
        """Accept an event whose id may have been seen in this request before."""
        message_id, original = accepted.envelope.message_id, accepted.envelope.original_timestamp
        # What is answered is the id as it was sent.
        result = Result(message_id=message.message_id or message_id, result="ok")
        last = before = self._seen.get(message_id)
        while before is not None:
            if before.accepted.envelope.original_timestamp == original:
                if not _are_equal(before.message, message):
                    repeated = finding("duplicate", "messageId", "another event of this request has it too")
                    context, _ = read_object(message.context, path="context")
                    return self._refuse(message, context, (repeated,))
                before.accepted.places += accepted.places
                return result
            before = before.before
        self._seen[message_id] = _Seen(accepted, message, last)
        self._intake.accepted.append(accepted)
        return result

    def _refuse(self, message: Message, context: dict[str, Any], findings: Sequence[Finding]) -> Result:
        problems, reason = problems_of(findings), gravest(findings)
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
                message_id=_message_id(message, marks=marks_of(message, context=context), key=key)
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


def _are_equal(one: Message, other: Message) -> bool:
    # Not by ==: it takes messages that were read in two ways for different.
    return msgspec.structs.astuple(one)[:_OF_A_MESSAGE] == msgspec.structs.astuple(other)[:_OF_A_MESSAGE]


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
