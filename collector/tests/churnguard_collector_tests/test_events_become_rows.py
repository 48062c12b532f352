"""The way of an event, from a request to a row."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from backports import zstd

from churnguard_collector_tests.collectors import Collector
from churnguard_collector_tests.write_keys import BROWSER, LIMITED, SECRET, SHOP, STRICT
from churnguard_core.events.subjects import SubjectKey, subject_of

pytestmark = [pytest.mark.servers, pytest.mark.slow]

Rows = Callable[..., list[dict[str, Any]]]
KEY = SubjectKey(version=1, secret=SECRET)


def subject(person: str) -> str:
    return subject_of(person, key=KEY)


def of_message(rows: Rows, url: str, message_id: str) -> list[dict[str, Any]]:
    return rows(url, f"SELECT * FROM churnguard.events WHERE message_id = '{message_id}'")


def test_the_event_of_the_issue_is_one_row_with_all_it_said(
    collector: Collector, shared_database: str, rows: Rows
) -> None:
    sent = {"userId": "u_42", "event": "Product Added", "properties": {"cart_id": "c1", "value": 30}}
    before = datetime.now(UTC)
    answer = collector.send("/v1/track", sent)
    assert (answer.status, answer.results, answer.json["success"]) == (200, ["ok"], True)
    (row,) = of_message(rows, shared_database, answer.json["results"][0]["messageId"])
    times = {row.pop(name) for name in ("original_timestamp", "timestamp", "received_at")}
    assert len(times) == 1
    assert before <= times.pop() <= datetime.now(UTC)
    assert json.loads(row.pop("properties")) == sent["properties"]
    row.pop("message_id")
    assert row == {
        "workspace": "demo",
        "type": "track",
        "subject": subject("u_42"),
        "anonymous_subject": None,
        "previous_subject": None,
        "group_subject": None,
        "name": "Product Added",
        "category": None,
        "context": "{}",
        "source": "server",
    }


def test_a_retry_is_the_same_row_and_another_time_is_another(
    collector: Collector, shared_database: str, rows: Rows
) -> None:
    now = datetime.now(UTC)
    event = {"userId": "u", "event": "x", "messageId": "again", "timestamp": now.isoformat()}
    for _ in range(3):
        assert collector.send("/v1/track", event).results == ["ok"]
    batch = [{**event, "type": "track"}] * 3
    sent_at = (now + timedelta(seconds=9)).isoformat()
    assert collector.send("/v1/batch", {"batch": batch, "sentAt": sent_at}).results == ["ok"] * 3
    assert len(of_message(rows, shared_database, "again")) == 1
    later = {**event, "timestamp": (now - timedelta(days=3)).isoformat()}
    assert collector.send("/v1/track", later).results == ["ok"]
    found = of_message(rows, shared_database, "again")
    assert sorted(row["original_timestamp"] for row in found) == [now - timedelta(days=3), now]


def test_every_type_has_its_route(collector: Collector, shared_database: str, rows: Rows) -> None:
    ids = {"userId": "u_42", "anonymousId": "a_1"}
    sent: dict[str, dict[str, Any]] = {
        "track": {"event": "x"},
        "identify": {"traits": {"plan": "plus"}},
        "page": {"name": "Home"},
        "screen": {"name": "Home"},
        "group": {"groupId": "g_1"},
        "alias": {"previousId": "a_1"},
    }
    for kind, fields in sent.items():
        event = {**ids, **fields, "messageId": f"type-{kind}"}
        assert collector.send(f"/v1/{kind}", event).results == ["ok"]
        (row,) = of_message(rows, shared_database, f"type-{kind}")
        assert (row["type"], row["subject"], row["anonymous_subject"]) == (
            kind,
            subject("u_42"),
            subject("a_1"),
        )


def test_one_bad_event_leaves_its_reason_and_49_good_ones_are_kept(
    collector: Collector, shared_database: str, rows: Rows
) -> None:
    batch: list[Any] = [
        {"type": "track", "userId": "u", "event": "x", "messageId": f"of-50-{number}"} for number in range(50)
    ]
    del batch[7]["event"]
    answer = collector.send("/v1/batch", {"batch": batch})
    assert (answer.status, answer.json["success"]) == (200, False)
    assert answer.results == ["ok"] * 7 + ["schema"] + ["ok"] * 42
    assert answer.json["results"][7]["problems"] == [{"path": "event", "message": "required in track"}]
    kept = rows(shared_database, "SELECT 1 FROM churnguard.events WHERE message_id LIKE 'of-50-%'")
    assert len(kept) == 49
    (bad,) = rows(shared_database, "SELECT * FROM churnguard.bad_events WHERE message_id = 'of-50-7'")
    assert (bad["reason"], bad["subject"], bad["source"]) == ("schema", subject("u"), "server")


def test_packed_bodies_are_unpacked(collector: Collector, shared_database: str, rows: Rows) -> None:
    packed: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "zstd": zstd.compress}
    for encoding, pack in packed.items():
        event = {"userId": "u", "event": "x", "messageId": f"packed-{encoding}"}
        body = pack(json.dumps(event).encode())
        assert collector.send("/v1/track", body, Content_Encoding=encoding).results == ["ok"]
        assert len(of_message(rows, shared_database, f"packed-{encoding}")) == 1


def test_a_beacon_and_a_pixel_come_with_their_key_in_the_query(
    collector: Collector, shared_database: str, rows: Rows
) -> None:
    event = {"type": "page", "anonymousId": "a_1", "messageId": "beacon"}
    beacon = collector.send(
        f"/v1/b?k={BROWSER}", {"batch": [event]}, key=None, Content_Type="text/plain", Origin=SHOP
    )
    assert (beacon.results, beacon.headers["access-control-allow-origin"]) == (["ok"], SHOP)
    encoded = (
        base64.urlsafe_b64encode(json.dumps({**event, "messageId": "pixel"}).encode()).decode().rstrip("=")
    )
    pixel = collector.get(f"/v1/px.gif?k={BROWSER}&d={encoded}")
    assert (pixel.status, pixel.headers["content-type"], pixel.body[:6]) == (200, "image/gif", b"GIF89a")
    for message_id in ("beacon", "pixel"):
        (row,) = of_message(rows, shared_database, message_id)
        assert (row["type"], row["subject"], row["source"]) == ("page", subject("a_1"), "browser")


def test_the_key_may_be_in_the_body(collector: Collector) -> None:
    event = {"userId": "u", "event": "x", "type": "track"}
    assert collector.send("/v1/track", {**event, "writeKey": BROWSER}, key=None).results == ["ok"]
    batch = {"batch": [event], "writeKey": BROWSER}
    assert collector.send("/v1/batch", batch, key=None).results == ["ok"]


def test_a_workspace_that_is_strict_keeps_who_agreed_and_did_not_object(
    collector: Collector, shared_database: str, rows: Rows
) -> None:
    agreed = {"consent": {"categoryPreferences": {"Analytics": True}}, "ip": "203.0.113.77"}
    event = {"userId": "u", "event": "x", "messageId": "strict"}
    assert collector.send("/v1/track", event, key=STRICT).results == ["no_consent"]
    with_consent = {**event, "context": agreed}
    for header in ("DNT", "Sec_GPC"):
        answer = collector.send("/v1/track", with_consent, key=STRICT, **{header: "1"})
        assert (answer.status, answer.results) == (200, ["do_not_track"])
    assert of_message(rows, shared_database, "strict") == []
    assert collector.send("/v1/track", with_consent, key=STRICT, DNT="0").results == ["ok"]
    (row,) = of_message(rows, shared_database, "strict")
    assert json.loads(row["context"])["network"] == "203.0.113.0/24"


def test_a_key_that_sends_too_fast_is_told_when_to_come_again(collector: Collector) -> None:
    event = {"type": "track", "userId": "u", "event": "x"}
    assert collector.send("/v1/batch", {"batch": [event] * 500}, key=LIMITED).results == ["ok"] * 500
    answer = collector.send("/v1/track", event, key=LIMITED)
    assert answer.status == 429
    assert 1 <= int(answer.headers["retry-after"]) <= 1000
    assert collector.metric("churnguard_collector_events_rejected_total", reason="rate_limited") == 1


def test_what_happens_is_counted(collector: Collector) -> None:
    def counts() -> list[float]:
        return [
            collector.metric("churnguard_collector_events_received_total", source="server"),
            collector.metric("churnguard_collector_events_accepted_total", type="screen"),
            collector.metric("churnguard_collector_events_rejected_total", reason="too_large"),
            collector.metric("churnguard_collector_requests_total", route="batch", code="200"),
        ]

    before = counts()
    batch = [{"type": "screen", "userId": "u"}] * 3 + [
        {"type": "track", "userId": "u", "event": "x" * 40_000}
    ]
    assert collector.send("/v1/batch", {"batch": batch}).results == ["ok"] * 3 + ["too_large"]
    assert [after - was for after, was in zip(counts(), before, strict=True)] == [4, 3, 1, 1]
    assert collector.metric("churnguard_collector_buffer_events") == 0
    assert collector.metric("churnguard_collector_buffer_capacity_events") == 100_000


def test_a_marked_person_is_found_nowhere(
    start: Callable[..., Collector], database: Callable[[], str], rows: Rows
) -> None:
    url = database()
    collector = start(url, "--log-level", "debug")
    person, mail, address = "Sesame-4711", "sesame4711@example.com", "198.51.100.147"
    marks = (person, mail, address)
    spread = {"note": f"{person} wrote {mail} from {address}", person: mail, "list": [{"x": person}]}
    context = {
        "ip": address,
        "traits": {"email": mail},
        "page": {"path": f"/u/{person}", "url": f"/?m={mail}"},
    }
    common = {"userId": person, "anonymousId": person, "messageId": f"{person}-1", "context": context}
    sent: dict[str, dict[str, Any]] = {
        "track": {"event": f"x {person}", "properties": spread},
        "identify": {"traits": {**spread, "email": mail}},
        "page": {"name": person, "category": mail, "properties": spread},
        "screen": {"name": mail, "properties": spread},
        "group": {"groupId": mail, "traits": spread},
        "alias": {"previousId": mail},
    }
    answers = []
    for kind, fields in sent.items():
        answers += collector.send(f"/v1/{kind}", {**common, **fields}).results
        # And once more with something wrong in it.
        answers += collector.send(f"/v1/{kind}", {**common, **fields, "timestamp": person}).results
    assert answers == ["ok", "schema"] * 6
    for body in (person.encode(), {"batch": [person, {"userId": [person]}, {person: mail}]}):
        collector.send("/v1/batch", body, key=person, X_Forwarded_For=address, Cookie=mail, User_Agent=person)
        collector.send("/v1/batch", body, X_Forwarded_For=address, Cookie=mail, User_Agent=person)
    collector.get(f"/v1/px.gif?k={person}&d={person}")
    collector.get(f"/{person}")
    everything = [
        repr(rows(url)),
        repr(rows(url, "SELECT * FROM churnguard.bad_events")),
        collector.get("/metrics").body.decode(),
    ]
    assert len(rows(url)) == 6
    assert len(rows(url, "SELECT * FROM churnguard.bad_events")) == 9
    assert collector.stop() == 0
    everything += collector.log.to_the_end()
    for text in everything:
        assert not [mark for mark in marks if mark.lower() in text.lower()], text
