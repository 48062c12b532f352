"""Golden files: what other programs and older versions of these read."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jsonschema
import pytest
from msgspec import Raw

from churnguard_core.events.bad import BadEvent, Problem, encode_bad_event
from churnguard_core.events.envelope import Envelope, UnknownEnvelope, decode_envelope, encode_envelope
from churnguard_core.events.results import Result, encode_answer
from churnguard_core.events.schema import events_schema
from churnguard_core.events.topics import record_headers
from churnguard_core.events.vocabulary import VOCABULARY

GOLDEN = Path(__file__).parent / "golden"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ENVELOPE = Envelope(
    version=1,
    workspace="demo",
    message_id="m-1",
    type="track",
    subject="k1_06aa0edfac9440918820132bbcf7c513",
    anonymous_subject="k1_00000000000000000000000000000001",
    name="Product Added",
    properties=Raw(b'{"cart_id":"c1","value":30}'),
    context=Raw(b'{"locale":"de-DE"}'),
    original_timestamp=NOON - timedelta(seconds=5),
    timestamp=NOON - timedelta(seconds=2),
    received_at=NOON,
    source="web",
)
BAD = BadEvent(
    version=1,
    workspace="demo",
    source="web",
    reason="schema",
    problems=(Problem("event", "required in track"),),
    received_at=NOON,
    subject="k1_06aa0edfac9440918820132bbcf7c513",
)
RESULTS = [
    Result(message_id="m-1", result="ok"),
    Result(
        message_id=None, result="drop", reason="schema", problems=(Problem("event", "required in track"),)
    ),
    Result(message_id="m-3", result="retry", reason="unavailable"),
]
WRITTEN = {
    "envelope_v1.json": encode_envelope(ENVELOPE),
    "bad_event_v1.json": encode_bad_event(BAD),
    "answer_v1.json": encode_answer(RESULTS),
    "schema_v1.json": json.dumps(events_schema(), indent=1, sort_keys=True).encode(),
}
PARTS = {"envelope_v1.json": "envelope", "bad_event_v1.json": "badEvent", "answer_v1.json": "answer"}


@pytest.mark.parametrize("name", WRITTEN)
def test_what_is_written_is_what_others_read(name: str) -> None:
    assert WRITTEN[name].decode() + "\n" == (GOLDEN / name).read_text()


@pytest.mark.parametrize(("name", "part"), PARTS.items())
def test_the_schema_allows_what_is_written(name: str, part: str) -> None:
    schema = events_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate({part: json.loads(WRITTEN[name])}, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({part: {"version": 2, "results": 1}}, schema)


def test_an_envelope_comes_back_as_it_was() -> None:
    assert encode_envelope(decode_envelope(encode_envelope(ENVELOPE))) == encode_envelope(ENVELOPE)
    assert decode_envelope(encode_envelope(ENVELOPE)).original_timestamp == ENVELOPE.original_timestamp


def test_fields_of_a_later_writer_are_passed_over() -> None:
    later = json.loads(encode_envelope(ENVELOPE)) | {"invented": 1}
    assert decode_envelope(json.dumps(later).encode()).message_id == "m-1"


@pytest.mark.parametrize("change", [{"version": 2}, {"type": "x"}, {"receivedAt": 1}, {"subject": None}])
def test_what_is_no_envelope_of_this_version_is_said_so(change: dict[str, object]) -> None:
    other = json.loads(encode_envelope(ENVELOPE)) | change
    with pytest.raises(UnknownEnvelope):
        decode_envelope(json.dumps(other).encode())


@pytest.mark.parametrize("field", ["originalTimestamp", "timestamp", "receivedAt"])
@pytest.mark.parametrize("moment", ["2026-03-01T12:00:00", "2026-03-01 12:00:00.5"])
def test_a_time_without_a_zone_is_not_guessed(field: str, moment: str) -> None:
    without_zone = json.loads(encode_envelope(ENVELOPE)) | {field: moment}
    with pytest.raises(UnknownEnvelope):
        decode_envelope(json.dumps(without_zone).encode())
    with_zone = without_zone | {field: moment + "+01:00"}
    assert decode_envelope(json.dumps(with_zone).encode()).message_id == "m-1"


@pytest.mark.parametrize("data", [b"", b"{", b"[" * 5000, b'{"workspace":"\xff"}'])
def test_bytes_that_are_no_envelope_are_said_so(data: bytes) -> None:
    with pytest.raises(UnknownEnvelope):
        decode_envelope(data)


def test_headers_say_what_a_record_is() -> None:
    assert dict(record_headers(ENVELOPE)) == {
        "content-type": b"application/json",
        "envelope-version": b"1",
        "type": b"track",
        "source": b"web",
    }


def test_the_vocabulary_speaks_of_all_that_features_need() -> None:
    kinds = {kind.__name__ for kind in VOCABULARY.values()}
    assert kinds == {
        "Session",
        "Product",
        "Cart",
        "Checkout",
        "Order",
        "Refund",
        "Subscription",
        "Support",
    }
    assert VOCABULARY["Order Refunded"].__name__ == "Refund"
    assert VOCABULARY["Order Completed"].__name__ == "Order"
