"""Records as batches, and where partitions are: pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from churnguard_core.events.checks import KeptTime
from churnguard_core.events.envelope import encode_envelope
from churnguard_core.events.topics import record_key
from churnguard_streaming.landing.batches import batch_of, of_partitions, spans_of, unstorable
from churnguard_streaming.landing.positions import LogWentBack, Positions, Start, start_of
from churnguard_streaming_tests.events import NOW, FakeRecord, event, record_of

KEPT = KeptTime(earliest=NOW - timedelta(days=10), latest=NOW + timedelta(days=1))


def test_events_come_out_in_their_order_with_the_records_they_came_in() -> None:
    events = [event(f"m{number}") for number in range(5)]
    records = [record_of(each, offset=number) for number, each in enumerate(events)]
    batch = batch_of(records, kept=KEPT)
    assert (batch.events, batch.records, batch.rejected, batch.repeated) == (events, records, [], 0)


def test_only_the_same_id_at_the_same_time_in_the_same_workspace_is_a_repetition() -> None:
    first = event("m")
    others = [
        event("m", workspace="other"),
        event("m", original_timestamp=NOW - timedelta(microseconds=1)),
        event("n"),
    ]
    again = event("m", name="Something Else", received_at=NOW + timedelta(hours=1))
    batch = batch_of([record_of(each) for each in (first, *others, again, first)], kept=KEPT)
    assert batch.events == [first, *others]
    assert batch.repeated == 2


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"no json",
        b"[]",
        b"{}",
        b"\xff\xfe",
        b"[" * 100_000,
        encode_envelope(event("m")).replace(b'"version":1', b'"version":2'),
        encode_envelope(event("m")).replace(b'"track"', b'"secret@example.org"'),
        encode_envelope(event("m", received_at=datetime(2026, 3, 1))),
        encode_envelope(event("m"))[:-1],
    ],
)
def test_what_is_no_envelope_is_rejected_without_a_word_of_it(value: bytes | None) -> None:
    key = record_key(workspace="demo", subject=event("m").subject)
    batch = batch_of([FakeRecord(value_=value, key_=key)], kept=KEPT)
    (rejected,) = batch.rejected
    assert (rejected.bad.reason, rejected.bad.workspace) == ("malformed", "demo")
    assert rejected.bad.subject == event("m").subject
    assert [problem.message for problem in rejected.bad.problems] == [
        "is no envelope of a version that is known here"
    ]
    assert batch.events == []


@pytest.mark.parametrize("key", [None, b"", b"demo", b"demo:someone@example.org", b"\xff:\xff", b"Demo:k1_0"])
def test_a_key_that_is_none_of_ours_is_not_repeated(key: bytes | None) -> None:
    (rejected,) = batch_of([FakeRecord(value_=b"?", key_=key)], kept=KEPT).rejected
    assert (rejected.bad.workspace, rejected.bad.subject, rejected.bad.message_id) == ("", None, None)


def test_the_days_that_are_kept_are_those_from_the_first_to_the_last_moment() -> None:
    inside = [event("first", original_timestamp=KEPT.earliest), event("last", original_timestamp=KEPT.latest)]
    moment = timedelta(microseconds=1)
    outside = [
        event("before", original_timestamp=KEPT.earliest - moment),
        event("after", original_timestamp=KEPT.latest + moment),
    ]
    batch = batch_of([record_of(each) for each in (*inside, *outside)], kept=KEPT)
    assert batch.events == inside
    assert [(each.bad.reason, each.bad.message_id) for each in batch.rejected] == [
        ("clock_skew", "before"),
        ("clock_skew", "after"),
    ]


def test_an_event_that_the_store_refuses_is_named_and_not_repeated() -> None:
    refused = event("m", properties=msgspec.Raw(b'{"secret":1}'))
    bad = unstorable(record_of(refused), refused).bad
    assert (bad.reason, bad.message_id, bad.subject) == ("unstorable", "m", refused.subject)
    assert b"secret" not in msgspec.json.encode(bad)


places = st.lists(st.tuples(st.integers(0, 3), st.integers(1, 3)), max_size=30)


def in_order(steps: list[tuple[int, int]]) -> list[FakeRecord]:
    """Records with growing offsets in each partition, from steps forward."""
    ends: dict[int, int] = {}
    records = []
    for partition, step in steps:
        offset = ends.get(partition, 10) + step
        ends[partition] = offset
        records.append(FakeRecord(partition_=partition, offset_=offset))
    return records


@given(steps=places)
def test_a_span_reaches_from_the_first_record_of_a_partition_to_behind_its_last(
    steps: list[tuple[int, int]],
) -> None:
    records = in_order(steps)
    spans = spans_of(records)
    assert spans.keys() == {each.partition() for each in records}
    for partition, (first, end) in spans.items():
        offsets = [each.offset() for each in records if each.partition() == partition]
        assert (first, end) == (min(offsets), max(offsets) + 1)
    for wanted in ({0}, {1, 3}, set()):
        chosen = of_partitions(records, wanted)
        assert spans_of(chosen) == {each: spans[each] for each in spans.keys() & wanted}


@given(stored=st.integers(0, 30), low=st.integers(0, 20), more=st.integers(0, 20))
def test_nothing_that_is_there_and_has_not_landed_is_jumped_over(stored: int, low: int, more: int) -> None:
    high = low + more
    start = start_of(stored, low=low, high=high)
    assert low <= start.offset <= high
    if start.is_new_log:
        assert (stored > high, start.offset) == (True, low)
    else:
        assert start.offset == max(stored, low)
        assert start.missing == (low - stored if 0 < stored < low else 0)


def test_a_partition_that_never_landed_misses_nothing() -> None:
    assert start_of(0, low=700, high=900) == Start(offset=700)


def test_offsets_move_from_where_they_were_stored_to_behind_the_batch() -> None:
    positions = Positions()
    positions.begin(0, stored=0, start=700)
    positions.begin(1, stored=5, start=5)
    (first, second) = positions.moves({0: (700, 710), 1: (7, 9)})
    assert (first.was, first.next, second.was, second.next) == (0, 710, 5, 9)
    positions.moved([first])
    assert positions.next == {0: 710, 1: 5}
    assert [move.was for move in positions.moves({0: (710, 711), 1: (5, 9)})] == [710, 5]
    positions.end([0])
    assert 0 not in positions
    assert 1 in positions


def test_records_that_were_read_before_are_no_batch() -> None:
    positions = Positions()
    positions.begin(0, stored=5, start=5)
    with pytest.raises(LogWentBack):
        positions.moves({0: (4, 9)})


def test_a_record_only_says_when_it_was_written() -> None:
    (rejected,) = batch_of([FakeRecord(value_=b"?", milliseconds=1_000)], kept=KEPT).rejected
    assert rejected.bad.received_at == datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)
