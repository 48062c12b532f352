from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from churnguard_core.progress import ProgressLine, decode_progress, encode_progress

LINES = st.builds(
    ProgressLine,
    stage=st.sampled_from(
        ["read", "check", "search", "fit", "calibrate", "judge", "explain", "write", "done"]
    ),
    elapsed=st.floats(0, 1e9),
    message=st.text(),
    percent=st.none() | st.floats(0, 100),
)


@given(LINES)
def test_a_line_is_one_line_and_comes_back(line: ProgressLine) -> None:
    encoded = encode_progress(line)
    assert b"\n" not in encoded
    assert decode_progress(encoded) == line
    assert decode_progress(encoded.decode()) == line


def test_percent_is_written_only_where_it_is_known() -> None:
    assert encode_progress(ProgressLine(stage="read", elapsed=1.5, message="reading")) == (
        b'{"stage":"read","elapsed":1.5,"message":"reading"}'
    )


def test_a_message_that_is_no_unicode_is_written_all_the_same() -> None:
    decoded = decode_progress(
        encode_progress(ProgressLine(stage="read", elapsed=0, message="file \udce9.csv"))
    )
    assert decoded == ProgressLine(stage="read", elapsed=0, message="file ?.csv")


@given(st.binary() | st.text())
def test_foreign_lines_are_none(line: bytes | str) -> None:
    assert decode_progress(line) is None


@pytest.mark.parametrize(
    "line",
    [
        "",
        "null",
        "[]",
        "{}",
        "Traceback (most recent call last):",
        '{"stage":"read","elapsed":1}',
        '{"stage":"brew","elapsed":1,"message":"tea"}',
        '{"stage":"read","elapsed":"1","message":"text"}',
        '{"stage":"read","elapsed":1,"message":"text"} and more',
        '{"stage":"read","elapsed":1,"message":"\ud800"}',
        b'{"stage":"read","elapsed":1,"message":"\xff"}',
        b'{"verdict":"Trained","model":"telco","revision":"telco-r1"}',
        b'{"x":' + b"[" * 100_000,
    ],
    ids=range(13),
)
def test_what_only_resembles_a_progress_line_is_none(line: bytes | str) -> None:
    assert decode_progress(line) is None


def test_fields_of_a_newer_writer_are_ignored() -> None:
    line = decode_progress('{"stage":"fit","elapsed":2,"message":"m","rows":7}')
    assert line == ProgressLine(stage="fit", elapsed=2, message="m")
