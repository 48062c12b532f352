"""The first look decides as the close look does, or leaves it to that."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime
from typing import Any
from unittest import mock

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from churnguard_collector import first_look
from churnguard_collector.bodies import batch_of_events
from churnguard_collector.first_look import MOST_KNOWN, FirstLook, KnownSubjects, kept_object
from churnguard_collector.intake import Intake, Request, take_in
from churnguard_collector.keys import parse_keys
from churnguard_collector_tests.write_keys import SERVER, STRICT, key_file
from churnguard_core.events.envelope import decode_envelope
from churnguard_core.events.subjects import SubjectKey
from churnguard_eventstore.days import KeptDays

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
KEYS = parse_keys(json.dumps(key_file()).encode())
KNOWN = KnownSubjects()

PEOPLE = ("u_42", "7", "zürich-7", 'q"u', "b\\s", "a@b.example", " ", "null", "c\u0007c", "nb\u00a0sp", "")
TEXTS = (*PEOPLE, "blue", "the u_42 there", "50%40", "100% sure", "\u2028", "x" * 256, "\x00")
texts = st.sampled_from(TEXTS)
leaves = st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.just(7.5), st.just(10**30), texts)
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2),
    max_leaves=4,
)
parts = st.dictionaries(
    st.sampled_from(["name", "version", "url", "path", "title", "type", "width", "categoryPreferences"]),
    st.one_of(values, st.just("https://x/a?u=u_42#b"), st.just({"Analytics": True})),
    max_size=3,
)
contexts = st.dictionaries(
    st.sampled_from(["app", "page", "device", "consent", "locale", "ip", "network", "userAgent", "traits"]),
    st.one_of(parts, texts, st.just("203.0.113.77"), values),
    max_size=4,
)
times = st.sampled_from(
    [
        "2026-03-01T11:00:00Z",
        "2026-03-01T13:00:00+01:00",
        "2026-03-01T11:00:00",
        "1999-01-01T00:00:00Z",
        "now",
        7,
    ]
)


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.none(), strategy)


sound = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["track", "track", "page", "screen"]),
        "userId": st.sampled_from(["user-1", "user-2"]),
        "event": st.just("Product Added"),
    },
    optional={
        "anonymousId": st.just("visitor-1"),
        "messageId": st.sampled_from(["m-1", "m-2"]),
        "timestamp": st.just("2026-03-01T11:00:00Z"),
        "properties": st.dictionaries(st.sampled_from(["a", "b"]), values, max_size=2),
        "context": contexts,
    },
)
changes = {
    "type": st.sampled_from(["identify", "group", "alias", "x", None]),
    "userId": st.one_of(st.sampled_from(PEOPLE), leaves),
    "anonymousId": maybe(st.sampled_from(PEOPLE)),
    "previousId": maybe(st.sampled_from(PEOPLE)),
    "groupId": maybe(st.sampled_from(PEOPLE)),
    "messageId": maybe(st.one_of(st.sampled_from(["m-1", "user-1-1", "m@x.example"]), texts)),
    "event": maybe(st.one_of(texts, st.just("of user-1"))),
    "name": maybe(texts),
    "category": maybe(texts),
    "timestamp": maybe(times),
    "originalTimestamp": maybe(times),
    "sentAt": maybe(times),
    "properties": maybe(st.one_of(st.dictionaries(texts, values, max_size=3), values)),
    "traits": maybe(st.dictionaries(texts, values, max_size=3)),
    "context": maybe(contexts),
    "integrations": maybe(leaves),
}
changed = st.lists(st.sampled_from(sorted(changes)), max_size=2, unique=True).flatmap(
    lambda names: st.fixed_dictionaries({name: changes[name] for name in names})
)
events = st.builds(lambda event, change: {**event, **change}, sound, changed)


def taken(body: bytes, key: str) -> Intake:
    found = KEYS.find(key)
    assert found is not None
    kept = KeptDays(past=90).at(NOW)
    request = Request(key=found, route=None, received_at=NOW, kept=kept, new_id=lambda: "new", subjects=KNOWN)
    return take_in(batch_of_events(body), request=request)


def told(intake: Intake) -> list[Any]:
    """All of it, with free parts decoded: whether they were written anew does not matter."""
    envelopes = []
    for each in intake.accepted:
        envelope = msgspec.structs.asdict(each.envelope)
        del envelope["properties"], envelope["context"]
        free = [msgspec.json.decode(each.envelope.properties), msgspec.json.decode(each.envelope.context)]
        assert decode_envelope(each.encoded).message_id == each.envelope.message_id
        envelopes.append((each.places, envelope, free))
    return [envelopes, msgspec.to_builtins(intake.bad), msgspec.to_builtins(intake.results)]


@given(batch=st.lists(events, min_size=1, max_size=3), escapes=st.booleans(), shared=maybe(contexts))
@pytest.mark.parametrize("key", [SERVER, STRICT])
def test_both_looks_decide_the_same(key: str, batch: list[Any], escapes: bool, shared: Any) -> None:
    if key == STRICT:
        agreed = {"categoryPreferences": {"Analytics": True}}
        shared = {"consent": agreed, **(shared or {})}
    whole = {"batch": batch, "sentAt": "2026-03-01T12:00:03Z", "context": shared}
    body = json.dumps(whole, ensure_ascii=escapes).encode()
    quickly = told(taken(body, key))
    with mock.patch.object(FirstLook, "accept", return_value=None):
        assert told(taken(body, key)) == quickly


USUAL = {
    "type": "track",
    "messageId": "m-1",
    "userId": "user-1",
    "anonymousId": "visitor-1",
    "event": "Product Added",
    "timestamp": "2026-03-01T11:00:00+02:00",
    "properties": {"price": 29.9, "title": 'a "shirt" in Zürich', "sizes": [1, {"a": {}}]},
    "context": {
        "app": {"name": "shop", "build": 7},
        "page": {"url": "https://x/a?user=user-1", "title": "A"},
        "ip": "203.0.113.77",
        "userAgent": "Mozilla",
        "locale": "de-DE",
        "consent": {"categoryPreferences": {"Analytics": True}},
    },
}


@pytest.mark.parametrize("key", [SERVER, STRICT])
@pytest.mark.parametrize("escapes", [True, False])
def test_what_sdks_usually_send_needs_no_close_look(key: str, escapes: bool) -> None:
    body = json.dumps({"batch": [USUAL]}, ensure_ascii=escapes).encode()
    with mock.patch("churnguard_collector.intake.check_message", side_effect=AssertionError):
        (accepted,) = taken(body, key).accepted
    context = json.loads(bytes(accepted.envelope.context))
    assert context.pop("network", None) == ("203.0.113.0/24" if key == STRICT else None)
    assert context == {
        "app": {"name": "shop", "build": 7},
        "page": {"url": "https://x/a", "title": "A"},
        "locale": "de-DE",
        "consent": {"categoryPreferences": {"Analytics": True}},
    }


def test_what_is_known_of_persons_is_bounded() -> None:
    known, keys = KnownSubjects(), [SubjectKey(version=n, secret=b"x" * 32) for n in range(1, 200)]
    for key in keys:
        known.of(key)
    assert len(known._by_key) <= first_look.MOST_KEYS + 1
    subjects = known.of(keys[-1])
    subjects.update((str(n), first_look.NOBODY_ELSE) for n in range(MOST_KNOWN))
    assert known.of(keys[-1]) == {}


@pytest.mark.parametrize("depth", [31, 32, 33])
def test_nesting_is_measured_only_where_it_may_be_too_deep(depth: int) -> None:
    encoded = b'{"a":' * depth + b"1" + b"}" * depth
    assert (kept_object(encoded) is None) == (depth > 32)
    many = b'{"a":[' + b",".join(itertools.repeat(b"{}", 40)) + b"]}"
    assert kept_object(many) is None


@pytest.mark.parametrize(
    "mark", ["user-1", "visitor-1", "ann@mail.example", "ann%40mail.example", "203.0.113.77"]
)
@pytest.mark.parametrize(
    "place",
    [
        {"properties": {"note": "of MARK"}},
        {"properties": {"deep": [{"MARK": 1}]}},
        {"event": "Called MARK"},
        {"category": "MARK"},
        {"messageId": "MARK-17"},
        {"context": {"page": {"title": "for MARK", "url": "https://x/?q=MARK"}, "ip": "203.0.113.77"}},
        {"context": {"ip": "203.0.113.77"}, "properties": {"note": "MARK"}},
    ],
)
def test_nothing_of_a_person_passes_the_first_look(place: dict[str, Any], mark: str) -> None:
    changed = json.loads(json.dumps({"context": {"ip": "203.0.113.77"}, **place}).replace("MARK", mark))
    body = json.dumps({"batch": [{**USUAL, **changed}]}).encode()
    quickly = taken(body, SERVER)
    (accepted,) = quickly.accepted
    assert mark.encode() not in accepted.encoded
    with mock.patch.object(FirstLook, "accept", return_value=None):
        assert told(taken(body, SERVER)) == told(quickly)
