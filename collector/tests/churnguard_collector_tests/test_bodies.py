"""Bodies: what is around events, and what they are packed in."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from churnguard_collector.bodies import BadBody, batch_of_events, one_event
from churnguard_collector.http.decompression import decompressor_of
from churnguard_core.events.limits import MOST_BATCH, MOST_EVENT_BYTES
from churnguard_core.events.reading import read_message
from churnguard_core.events.sound import SoundMessage

PACKED: dict[bytes, Callable[[bytes], bytes]] = {b"gzip": gzip.compress, b"zstd": zstd.compress}


def raw(event: Raw | SoundMessage) -> Raw:
    assert isinstance(event, Raw)
    return event


def test_a_batch_comes_apart_into_the_bytes_of_its_events() -> None:
    body = b'{"batch":[{"userId": "a"},[],7],"sentAt":"2026-03-01T12:00:00Z","writeKey":"k","x":{}}'
    found = batch_of_events(body)
    assert [bytes(raw(event)) for event in found.events] == [b'{"userId": "a"}', b"[]", b"7"]
    assert (found.write_key, found.sent_at is None) == ("k", False)
    assert batch_of_events(b'{"batch":[]}').events == []


def test_a_small_body_whose_events_are_all_sound_is_decoded_at_once() -> None:
    sound = b'{"userId":"a","event":"x"}'
    assert (
        list(batch_of_events(b'{"batch":[%b,%b]}' % (sound, sound)).events)
        == [SoundMessage(user_id="a", event="x")] * 2
    )
    found = one_event(b'{"userId":"a","event":"x","writeKey":"k"}')
    (event,) = found.events
    assert isinstance(event, SoundMessage)
    assert (event.user_id, found.write_key) == ("a", "k")
    # In a larger body, each is measured by itself.
    large = batch_of_events(b'{"batch":[%b],"x":"%b"}' % (sound, b"x" * MOST_EVENT_BYTES))
    assert [bytes(raw(event)) for event in large.events] == [sound]


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        (b"", 400, "no JSON"),
        (b"{", 400, "no JSON"),
        (b"[]", 400, "no batch: Expected `object`, got `array`"),
        (b"{}", 400, "missing required field `batch`"),
        (b'{"batch":{}}', 400, "Expected `array`, got `object`"),
        (b'{"batch":[],"sentAt":"now"}', 400, "Invalid RFC3339"),
        (b'{"batch":[],"sentAt":"2026-03-01T12:00:00"}', 400, "sentAt has no zone"),
        (b'{"batch":[NaN]}', 400, "no JSON"),
        (b'{"batch":[{}]} x', 400, "no JSON"),
        (b'{"batch":' + b"[" * 100_000, 400, "no JSON"),
        (b'{"batch":[' + b"1" * 5000 + b'],"x":"\\ud800"}', 400, "no JSON"),
        (json.dumps({"batch": [{}] * (MOST_BATCH + 1)}).encode(), 413, "at most 500 events"),
    ],
)
def test_what_is_no_batch_is_said_so(body: bytes, status: int, error: str) -> None:
    with pytest.raises(BadBody) as bad:
        batch_of_events(body)
    assert bad.value.status == status
    assert error in bad.value.error


def test_half_an_emoji_fails_its_own_event_and_no_other() -> None:
    # What JSON.stringify writes of a text that was cut within a pair of surrogates.
    body = rb'{"batch":[{"userId":"a","event":"x"},{"userId":"b","event":"cut \ud83d"},{"userId":"\ud83d\ude00"}]}'
    first, second, third = (read_message(raw(event)) for event in batch_of_events(body).events)
    assert (first.message.user_id, first.findings) == ("a", ())
    assert [each.reason for each in second.findings] == ["malformed"]
    assert (third.message.user_id, third.findings) == ("😀", ())
    (alone,) = one_event(rb'{"userId":"b","event":"cut \ud83d"}').events
    assert [each.reason for each in read_message(raw(alone)).findings] == ["malformed"]


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"{'a':1}", b'{"a":Infinity}'])
def test_what_is_no_json_is_no_event(body: bytes) -> None:
    with pytest.raises(BadBody, match="no JSON"):
        one_event(body)


@pytest.mark.parametrize("body", [b"[]", b"7", b'{"writeKey":7}'])
def test_json_that_is_no_event_is_left_to_its_result(body: bytes) -> None:
    found = one_event(body)
    assert [bytes(raw(event)) for event in found.events] == [body]
    assert found.write_key is None


@given(content=st.binary(max_size=2000), encoding=st.sampled_from(sorted(PACKED)))
def test_what_was_packed_is_unpacked(content: bytes, encoding: bytes) -> None:
    packed = PACKED[encoding](content)
    assert decompressor_of(encoding)(packed, most=2000) == content
    if content:
        with pytest.raises(BadBody, match="unpacks to more"):
            decompressor_of(encoding)(packed, most=len(content) - 1)


@given(encoding=st.sampled_from(sorted(PACKED)), data=st.data())
def test_what_is_cut_or_followed_by_more_is_refused(encoding: bytes, data: Any) -> None:
    packed = PACKED[encoding](b"some content that is packed")
    cut = data.draw(st.integers(1, len(packed) - 1))
    with pytest.raises(BadBody):
        decompressor_of(encoding)(packed[:cut], most=100)
    with pytest.raises(BadBody, match="follows"):
        decompressor_of(encoding)(packed + packed, most=100)
    with pytest.raises(BadBody):
        decompressor_of(encoding)(b"", most=100)


@pytest.mark.parametrize("encoding", [b"br", b"deflate", b"gzip, zstd"])
def test_other_encodings_are_said_to_be_unknown(encoding: bytes) -> None:
    with pytest.raises(BadBody) as bad:
        decompressor_of(encoding)
    assert bad.value.status == 415


def test_a_frame_that_asks_for_a_window_of_gigabytes_is_refused() -> None:
    options: dict[int, int] = {
        zstd.CompressionParameter.window_log: 27,
        zstd.CompressionParameter.enable_long_distance_matching: 1,
    }
    packed = zstd.ZstdCompressor(options=options)
    wide = packed.compress(b"x" * 1000, zstd.ZstdCompressor.FLUSH_BLOCK) + packed.flush()
    with pytest.raises(BadBody, match="no zstd"):
        decompressor_of(b"zstd")(wide, most=4_000_000)
