from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from churnguard_core.events.bad import gravest, problems_of
from churnguard_core.events.checks import NOBODY, CheckedMessage
from churnguard_core.events.limits import MOST_EVENT_BYTES, MOST_ID, MOST_NAME, MOST_NESTING, MOST_PROPERTIES
from churnguard_core.events.messages import MESSAGE_TYPES, MessageType

Check = Callable[..., CheckedMessage]

SOUND: dict[MessageType, dict[str, Any]] = {
    "track": {"userId": "u_42", "event": "Product Added"},
    "identify": {"userId": "u_42", "traits": {"plan": "plus"}},
    "page": {"anonymousId": "a_1", "name": "Home"},
    "screen": {"anonymousId": "a_1"},
    "group": {"userId": "u_42", "groupId": "g_1"},
    "alias": {"userId": "u_42", "previousId": "a_1"},
}


def found(checked: CheckedMessage) -> list[str]:
    return [f"{each.problem.path}: {each.problem.message}" for each in checked.findings]


@pytest.mark.parametrize("kind", MESSAGE_TYPES)
def test_a_sound_message_of_each_type_has_no_findings(kind: MessageType, check: Check) -> None:
    assert found(check(SOUND[kind], route=kind)) == []
    in_batch = check({**SOUND[kind], "type": kind}, route=None)
    assert (found(in_batch), in_batch.type) == ([], kind)


@pytest.mark.parametrize("kind", MESSAGE_TYPES)
def test_each_field_that_a_type_cannot_do_without_is_asked_for(kind: MessageType, check: Check) -> None:
    for field in SOUND[kind]:
        if field in ("traits", "name"):
            continue
        rest = {name: value for name, value in SOUND[kind].items() if name != field}
        lacking = check(rest, route=kind)
        assert [each.problem.path for each in lacking.findings if "required" in each.problem.message] == [
            "userId" if field == "anonymousId" else field
        ]
        assert gravest(lacking.findings) == "schema"


def test_everything_that_is_wrong_is_said_at_once(check: Check) -> None:
    wrong = {
        "type": "page",
        "messageId": "",
        "userId": 42,
        "event": ["x"],
        "timestamp": "yesterday",
        "sentAt": "2026-03-01T12:00:00",
        "properties": [],
        "context": "x",
    }
    assert sorted(found(check(wrong))) == [
        "context: expected an object, got a text",
        "event: expected a string, got a list",
        "messageId: must not be empty",
        "properties: expected an object, got a list",
        "sentAt: expected a time with its zone as in RFC 3339, such as 2026-03-01T12:00:00.000Z, "
        "got a time without a zone",
        "timestamp: expected a time with its zone as in RFC 3339, such as 2026-03-01T12:00:00.000Z, "
        "got a text",
        "type: must be track here, or absent",
        "userId: expected a string, got a number",
    ]


@pytest.mark.parametrize(
    ("sent", "reason", "message"),
    [
        (b"[]", "schema", "expected an object, got a list"),
        (b'"x"', "schema", "expected an object"),
        (b'{"userId":"u","event":"\xff"}', "malformed", "no Unicode"),
        (b'{"userId":"u","event":"x","properties":{"a":"\xff"}}', "malformed", "no Unicode"),
        (b'{"userId":"u","event":"x","properties":{"a":1e999}}', "malformed", "a number beyond all bounds"),
        (rb'{"userId":"u","event":"x","properties":{"a":"\u0000"}}', "malformed", "NUL"),
        (rb'{"userId":"u","event":"x","context":{"b":[{"\u0000":1}]}}', "malformed", "NUL"),
        (rb'{"userId":"u","event":"a\u0000b"}', "schema", "control characters"),
    ],
)
def test_what_cannot_be_kept_as_it_is_is_refused(
    sent: bytes, reason: str, message: str, check: Check
) -> None:
    checked = check(sent)
    assert message in "\n".join(found(checked))
    assert gravest(checked.findings) == reason


def test_nesting_without_end_is_refused_by_whatever_depth_the_decoder_reaches(check: Check) -> None:
    checked = check(b'{"userId":"u","event":"x","properties":' + b'{"a":' * 5000 + b"1" + b"}" * 5001)
    assert "nest" in "\n".join(found(checked))
    # Some Pythons cannot decode it, others can.
    assert gravest(checked.findings) in ("malformed", "too_large")


def test_an_escaped_backslash_before_u0000_is_no_nul(check: Check) -> None:
    sent = rb'{"userId":"u","event":"x","properties":{"path":"C:\\u0000"}}'
    checked = check(sent)
    assert found(checked) == []
    assert checked.properties == {"path": r"C:\u0000"}


def nested(levels: int) -> Any:
    value: Any = 1
    for level in range(levels):
        value = {"a": value} if level % 2 else [value]
    return {"a": value}


@pytest.mark.parametrize(
    ("fits", "exceeds", "path"),
    [
        ({"userId": "x" * MOST_ID}, {"userId": "x" * (MOST_ID + 1)}, "userId"),
        ({"messageId": "x" * MOST_ID}, {"messageId": "x" * (MOST_ID + 1)}, "messageId"),
        ({"event": "x" * MOST_NAME}, {"event": "x" * (MOST_NAME + 1)}, "event"),
        (
            {"properties": {str(n): n for n in range(MOST_PROPERTIES)}},
            {"properties": {str(n): n for n in range(MOST_PROPERTIES + 1)}},
            "properties",
        ),
        ({"properties": nested(MOST_NESTING - 1)}, {"properties": nested(MOST_NESTING)}, "properties"),
        ({"context": {"a": [[]] * 99}}, {"context": nested(MOST_NESTING)}, "context"),
        (
            {"properties": {"a": "x" * (MOST_EVENT_BYTES - 99)}},
            {"properties": {"a": "x" * MOST_EVENT_BYTES}},
            "",
        ),
    ],
)
def test_limits_hold_to_the_last_one(fits: Any, exceeds: Any, path: str, check: Check) -> None:
    assert found(check({**SOUND["track"], **fits})) == []
    wrong = check({**SOUND["track"], **exceeds})
    assert [each.problem.path for each in wrong.findings] == [path]


def test_names_of_nobody_are_no_ids(check: Check) -> None:
    for name in (*NOBODY, "NULL", "Undefined"):
        assert [each.problem.path for each in check({"userId": name, "event": "x"}).findings] == ["userId"]
        assert [each.problem.path for each in check({"anonymousId": name, "event": "x"}).findings] == [
            "anonymousId"
        ]


@pytest.mark.parametrize(
    ("days", "reason"), [(-11, "clock_skew"), (-10, None), (0, None), (1, None), (1.1, "clock_skew")]
)
def test_only_the_time_that_is_kept_is_accepted(
    days: float, reason: str | None, now: datetime, check: Check
) -> None:
    moment = (now + timedelta(days=days)).isoformat()
    for field in ("timestamp", "originalTimestamp"):
        findings = check({**SOUND["track"], field: moment}).findings
        assert [each.reason for each in findings] == ([reason] if reason else [])
        assert [each.problem.path for each in findings] == ([field] if reason else [])


def test_the_original_timestamp_is_the_one_that_a_retry_repeats(now: datetime, check: Check) -> None:
    earlier = now - timedelta(hours=1)
    both = {**SOUND["track"], "timestamp": now.isoformat(), "originalTimestamp": earlier.isoformat()}
    assert check(both).original_timestamp == earlier
    assert check({**SOUND["track"], "timestamp": earlier.isoformat()}).original_timestamp == earlier
    assert check(SOUND["track"]).original_timestamp == now


def test_null_is_absent(check: Check) -> None:
    nulls = dict.fromkeys(("messageId", "anonymousId", "timestamp", "properties", "context", "type"))
    assert found(check({**SOUND["track"], **nulls})) == []
    # Beside something that is read field by field.
    assert found(check({**SOUND["track"], **nulls, "category": 1})) == [
        "category: expected a string, got a number"
    ]


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from(
    ["type", "messageId", "userId", "anonymousId", "event", "timestamp", "sentAt", "properties", "context"]
)


@given(document=st.dictionaries(FIELDS, JSON, max_size=5))
def test_whatever_is_sent_is_judged_and_never_repeated(document: dict[str, Any], check: Check) -> None:
    mark = "Sesame4711"
    marked = json.loads(json.dumps(document).replace('"": ', f'"{mark}": '))
    checked = check({**marked, "groupId": [mark], "name": {mark: mark}})
    assert mark not in "\n".join(found(checked))
    assert {"groupId", "name"} <= {each.problem.path for each in checked.findings}


@given(junk=st.binary(max_size=60))
def test_bytes_of_any_kind_are_judged(junk: bytes, check: Check) -> None:
    checked = check(junk)
    assert checked.findings
    assert problems_of(checked.findings)


def test_problems_shown_are_bounded(check: Check) -> None:
    findings = check([]).findings * 30
    shown = problems_of(findings)
    assert len(shown) == 21
    assert shown[-1].message == "and 10 more problems"
