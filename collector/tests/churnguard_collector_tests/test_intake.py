"""From events to envelopes, bad events and results."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from churnguard_collector.bodies import Events
from churnguard_collector.clocks import corrected_time
from churnguard_collector.intake import Intake, Request, take_in
from churnguard_collector.keys import parse_keys
from churnguard_collector_tests.write_keys import BROWSER, SERVER, STRICT, key_file
from churnguard_core.events.envelope import Envelope
from churnguard_core.events.messages import MessageType
from churnguard_core.events.subjects import subject_of
from churnguard_eventstore.days import KeptDays

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
KEYS = parse_keys(json.dumps(key_file()).encode())
AGREED = {"consent": {"categoryPreferences": {"Analytics": True}}}


def taken(
    *events: dict[str, Any],
    key: str = SERVER,
    route: MessageType | None = "track",
    tracks: bool = True,
    **shared: Any,
) -> Intake:
    found = KEYS.find(key)
    assert found is not None
    ids = itertools.count(1)
    request = Request(
        key=found,
        route=route,
        received_at=NOW,
        kept=KeptDays(past=90).at(NOW),
        new_id=lambda: f"new-{next(ids)}",
        tracks=tracks,
    )
    return take_in(
        Events(events=[Raw(msgspec.json.encode(each)) for each in events], **shared), request=request
    )


def only(intake: Intake) -> Envelope:
    assert intake.bad == []
    (accepted,) = intake.accepted
    return accepted.envelope


def reasons(intake: Intake) -> Sequence[str | None]:
    return [None if result is None else result.reason for result in intake.results]


def subject(person: str) -> str:
    found = KEYS.find(SERVER)
    assert found is not None
    return subject_of(person, key=found.workspace.subject_key)


BOUGHT = {"userId": "u_42", "event": "Product Added"}


def test_a_user_and_the_visitor_they_were_are_two_subjects_of_one_envelope() -> None:
    both = only(taken({**BOUGHT, "anonymousId": "a_1"}))
    assert (both.subject, both.anonymous_subject) == (subject("u_42"), subject("a_1"))
    visitor = only(taken({"anonymousId": "a_1", "event": "x"}))
    assert (visitor.subject, visitor.anonymous_subject) == (subject("a_1"), None)


def test_an_alias_leads_from_the_subject_that_a_visitor_had() -> None:
    alias = only(taken({"userId": "u_42", "previousId": "a_1"}, route="alias"))
    assert (alias.subject, alias.previous_subject) == (subject("u_42"), subject("a_1"))


def test_traits_become_properties_without_those_that_name_somebody() -> None:
    traits = {"plan": "plus", "email": "ann@example.com", "note": "u_42 called"}
    kept = only(taken({"userId": "u_42", "traits": traits, "properties": {"x": 1}}, route="identify"))
    assert json.loads(bytes(kept.properties)) == {"plan": "plus", "note": "[removed] called"}


def test_a_message_id_that_holds_the_persons_id_is_hashed_the_same_each_time() -> None:
    ids = {only(taken({**BOUGHT, "messageId": "u_42-17"})).message_id for _ in range(2)}
    assert ids == {f"m_{subject('u_42-17')}"}
    assert only(taken({**BOUGHT, "messageId": "m-17"})).message_id == "m-17"
    assert only(taken(BOUGHT)).message_id == "new-1"


def test_names_are_cleaned_too() -> None:
    page = only(
        taken({"userId": "u_42", "name": "Profile of u_42", "category": "ann@example.com"}, route="page")
    )
    assert (page.name, page.category) == ("Profile of [removed]", "[removed]")


def test_one_bad_event_does_not_fail_the_others() -> None:
    good = [{**BOUGHT, "type": "track", "messageId": f"m-{n}"} for n in range(49)]
    intake = taken(*good[:20], {"userId": "u_42", "type": "trakc"}, *good[20:], route=None)
    assert reasons(intake) == [None] * 20 + ["schema"] + [None] * 29
    assert [accepted.places for accepted in intake.accepted] == [(n,) for n in range(50) if n != 20]
    (bad,) = intake.bad
    assert (bad.reason, bad.subject, bad.source) == ("schema", subject("u_42"), "server")
    assert "u_42" not in repr(bad)


def test_a_bad_event_names_no_subject_and_no_message_that_are_not_sound() -> None:
    (bad,) = taken({"userId": "null", "messageId": "x" * 300, "event": "x"}).bad
    assert (bad.subject, bad.message_id) == (None, None)
    (bad,) = taken({"userId": "u_42", "messageId": "u_42-1"}).bad
    assert (bad.subject, bad.message_id) == (subject("u_42"), f"m_{subject('u_42-1')}")


def test_an_event_that_comes_twice_in_a_batch_is_one_and_answered_twice() -> None:
    event = {**BOUGHT, "messageId": "m-1", "timestamp": "2026-03-01T11:00:00Z"}
    other_time = {**event, "timestamp": "2026-03-01T11:00:01Z"}
    other_content = {**event, "event": "Product Removed"}
    intake = taken(event, other_time, event, other_content)
    assert [accepted.places for accepted in intake.accepted] == [(0, 2), (1,)]
    assert reasons(intake) == [None, None, None, "duplicate"]


def test_a_browsers_key_reaches_back_a_week_and_a_servers_as_far_as_days_are_kept() -> None:
    sent = [{**BOUGHT, "timestamp": (NOW - timedelta(days=days)).isoformat()} for days in (6, 8, 90, 91)]
    assert reasons(taken(*sent, key=BROWSER)) == [None, "clock_skew", "clock_skew", "clock_skew"]
    assert reasons(taken(*sent, key=SERVER)) == [None, None, None, "clock_skew"]


def test_without_consent_nothing_at_all_is_kept() -> None:
    refused = {"consent": {"categoryPreferences": {"Analytics": False}}}
    intake = taken(BOUGHT, {**BOUGHT, "context": refused}, {"userId": "u_42", "event": 1}, key=STRICT)
    assert reasons(intake) == ["no_consent"] * 3
    assert (intake.accepted, intake.bad) == ([], [])
    assert reasons(taken({**BOUGHT, "context": AGREED}, key=STRICT)) == [None]


def test_who_asks_not_to_be_tracked_is_not() -> None:
    intake = taken({**BOUGHT, "context": AGREED}, {}, key=STRICT, tracks=False)
    assert reasons(intake) == ["do_not_track"] * 2
    assert (intake.accepted, intake.bad) == ([], [])


def test_the_context_of_a_batch_is_that_of_events_without_one() -> None:
    shared = Raw(msgspec.json.encode({"locale": "de-DE"}))
    intake = taken(BOUGHT, {**BOUGHT, "context": {"locale": "en-GB"}}, context=shared)
    assert [json.loads(bytes(each.envelope.context))["locale"] for each in intake.accepted] == [
        "de-DE",
        "en-GB",
    ]


@pytest.mark.parametrize(
    ("shared", "reason"),
    [
        (rb'{"locale":"\u0000"}', "malformed"),
        (b'{"page":{"title":' + b"[" * 900 + b"]" * 900 + b"}}", "too_large"),
        (b"[]", "schema"),
    ],
)
def test_a_context_of_a_batch_that_cannot_be_kept_fails_the_events_that_have_none(
    shared: bytes, reason: str
) -> None:
    intake = taken(BOUGHT, {**BOUGHT, "context": {"locale": "en-GB"}}, context=Raw(shared))
    assert reasons(intake) == [reason, None]


def test_the_network_is_kept_only_of_servers_and_where_it_is_asked_for() -> None:
    sent = {**BOUGHT, "context": {**AGREED, "ip": "203.0.113.77"}}
    assert json.loads(bytes(only(taken(sent, key=STRICT)).context))["network"] == "203.0.113.0/24"
    assert "network" not in json.loads(bytes(only(taken(sent, key=SERVER)).context))


@pytest.mark.parametrize(
    ("original", "sent", "expected"),
    [
        (-60, -10, -50),  # the sender's clock is ten seconds behind: it happened 50 s before it was sent
        (-60, 3600, -3660),
        (-60, None, -60),
        (3600, None, 0),  # a clock that is ahead, and nothing to correct it by
        (3600, 3610, -10),
        (-60, -70, -60),  # sent before it happened
    ],
)
def test_the_time_is_corrected_by_the_senders_clock(original: int, sent: int | None, expected: int) -> None:
    def at(seconds: int) -> datetime:
        return NOW + timedelta(seconds=seconds)

    sent_at = None if sent is None else at(sent)
    assert corrected_time(at(original), sent_at=sent_at, received_at=NOW) == at(expected)


@given(original=st.datetimes(timezones=st.just(UTC)), sent=st.datetimes(timezones=st.just(UTC)))
def test_a_corrected_time_never_lies_in_the_future(original: datetime, sent: datetime) -> None:
    assert corrected_time(original, sent_at=sent, received_at=NOW) <= NOW
