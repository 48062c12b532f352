"""CSV cells arrive as written, in whatever dialect the file unambiguously is."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Callable

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from churnguard_training.checks import origin_of
from churnguard_training.errors import Refused

ROWS = [{"a": "1", "b": "NA"}, {"a": "", "b": " "}]


@pytest.mark.parametrize(
    "content",
    [
        b"a,b\n1,NA\n, \n",
        b"\xef\xbb\xbfa,b\n1,NA\n, \n",
        b"a,b\r\n1,NA\r\n, \r\n",
        b"a,b\r1,NA\r, ",
        b'"a","b"\n"1","NA"\n""," "\n',
        b"\n\na,b\n\n1,NA\n\n, \n\n",
        gzip.compress(b"a,b\n1,NA\n, \n"),
        gzip.compress(b"\xef\xbb\xbfa,b\n1,NA\n") + gzip.compress(b", \n"),
    ],
    ids=["plain", "BOM", "CRLF", "CR", "quoted", "empty lines", "gzip", "gzip in two members"],
)
def test_cells_arrive_as_written(csv_of: Callable[..., pa.Table], content: bytes) -> None:
    table = csv_of(content)
    assert table.to_pylist() == ROWS
    assert origin_of(table).warnings == ()


@pytest.mark.parametrize(("mark", "name"), [(";", "semicolon"), ("\t", "tab"), ("|", "vertical bar")])
def test_another_delimiter_is_taken_with_a_warning(
    csv_of: Callable[..., pa.Table], mark: str, name: str
) -> None:
    table = csv_of(f"a{mark}b\n1,5{mark}2\n".encode())
    assert table.to_pylist() == [{"a": "1,5", "b": "2"}]
    assert origin_of(table).warnings == (f"the columns are parted by {name}, not by comma",)


def test_a_delimiter_in_a_name_is_none_when_the_rows_say_so(csv_of: Callable[..., pa.Table]) -> None:
    assert csv_of(b"a;x,b\n1,2\n3,4\n").column_names == ["a;x", "b"]


def test_one_column_needs_no_delimiter(csv_of: Callable[..., pa.Table]) -> None:
    assert csv_of(b"left\nYes\nNo\n").to_pylist() == [{"left": "Yes"}, {"left": "No"}]


def test_quotes_hold_delimiters_and_line_breaks(csv_of: Callable[..., pa.Table]) -> None:
    table = csv_of(b'"a,b",c\n"1\n2","x ""y"""\n3,4\n')
    assert table.to_pylist() == [{"a,b": "1\n2", "c": 'x "y"'}, {"a,b": "3", "c": "4"}]


def test_characters_may_lie_across_blocks(csv_of: Callable[..., pa.Table]) -> None:
    cells = ["é€𝄞" * 7] * 60_000
    table = csv_of(("a,b\n" + "".join(f"{cell},x\n" for cell in cells)).encode())
    assert table.num_rows == len(cells)
    assert set(table.column("a").to_pylist()) == {cells[0]}


def test_row_one_is_the_header(csv_of: Callable[..., pa.Table]) -> None:
    assert origin_of(csv_of(b"a\n1\n")).first_row == 2


CELL = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.integers(2, 5).flatmap(
        lambda width: st.lists(st.lists(CELL, min_size=width, max_size=width), min_size=1)
    )
)
def test_what_a_csv_writer_writes_is_read_back(
    csv_of: Callable[..., pa.Table], rows: list[list[str]]
) -> None:
    text = io.StringIO()
    header = [f"column{number}" for number in range(len(rows[0]))]
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows([header, *rows])
    table = csv_of(text.getvalue().encode())
    assert [list(row.values()) for row in table.to_pylist()] == rows


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.binary(max_size=300), st.text('ab1,;|\t"\n\r é\0', max_size=80).map(str.encode)))
def test_whatever_the_bytes_a_file_is_read_or_refused(
    csv_of: Callable[..., pa.Table], content: bytes
) -> None:
    try:
        rows = csv_of(content).num_rows
    except Refused as refused:
        outcome: object = refused.reason
    else:
        outcome = rows > 0
    assert outcome in ("MalformedData", True)
