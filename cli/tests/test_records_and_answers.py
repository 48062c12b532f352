"""Values, chunks, explanations and examples: what needs no server."""

from __future__ import annotations

import math
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from churnguard_cli.answers import MOST_REASONS, explanation
from churnguard_cli.chunks import chunks
from churnguard_cli.client import Explained
from churnguard_cli.examples import TELCO, Example, curl_lines, example_for, example_record
from churnguard_cli.ports import problem_with, typed_url
from churnguard_cli.records import typed
from churnguard_cli.server_log import read_entry
from churnguard_core.features import BooleanFeature, CategoricalFeature, Feature, NumericFeature


@pytest.mark.parametrize(
    ("text", "datatype", "value"),
    [
        ("1", "FP64", 1),
        (" -2.50 ", "FP64", -2.5),
        ("1e3", "FP64", 1000.0),
        (".5", "FP64", 0.5),
        ("", "FP64", None),
        (" ", "BYTES", None),
        # What is no number is left to the server, which names it.
        ("abc", "FP64", "abc"),
        ("nan", "FP64", "nan"),
        ("inf", "FP64", "inf"),
        ("1_000", "FP64", "1_000"),
        ("1,5", "FP64", "1,5"),
        ("1", "BYTES", "1"),
        (" a ", "BYTES", " a "),
        ("TRUE", "BOOL", True),
        ("false", "BOOL", False),
        ("yes", "BOOL", "yes"),
        ("1", None, "1"),
    ],
)
def test_a_text_becomes_a_value_of_the_type(text: str, datatype: str | None, value: Any) -> None:
    found = typed(text, datatype=datatype)
    assert (found, type(found)) == (value, type(value))


@given(st.text(max_size=20), st.sampled_from(["FP64", "BOOL", "BYTES", None]))
def test_any_text_becomes_a_value_that_json_can_hold(text: str, datatype: str | None) -> None:
    found = typed(text, datatype=datatype)
    assert not isinstance(found, float) or math.isfinite(found)


@given(
    st.lists(st.dictionaries(st.text(max_size=3), st.text(max_size=30), max_size=4), max_size=40),
    st.integers(1, 10),
    st.integers(1, 200),
)
def test_chunks_hold_all_records_in_order_within_their_bounds(
    records: list[dict[str, Any]], most_records: int, most_bytes: int
) -> None:
    found = list(chunks(records, most_records=most_records, most_bytes=most_bytes))
    assert [record for chunk in found for record in chunk.records] == records
    assert [msgspec.json.decode(data) for chunk in found for data in chunk.encoded] == records
    number = 1
    for chunk in found:
        assert chunk.first == number
        number += len(chunk.records)
        assert 1 <= len(chunk.records) <= most_records
        assert len(chunk.records) == 1 or sum(map(len, chunk.encoded)) <= most_bytes


def test_smaller_reasons_are_added_up() -> None:
    reasons = {f"feature {size}": 0.1 * size * (-1) ** size for size in range(12, 0, -1)}
    found = Explained(0.5, "medium", (), reasons, -1.0, "probability")
    lines = explanation(found, record={"feature 12": "x" * 80}, number=3)
    assert sum("█" in line for line in lines) == MOST_REASONS
    (others,) = [line for line in lines if "smaller ones together" in line]
    assert others.split() == ["others", "4", "smaller", "ones", "together", "+0.20"]
    assert all(len(line) < 100 for line in lines)
    assert lines[-2] == "  in probability; all of them and the start add up to the risk"


NUMBER = NumericFeature(name="tenure", minimum=0.0, maximum=72.0)
SENIOR = NumericFeature(name="senior", minimum=0.0, maximum=1.0)
SMALL = NumericFeature(name="rate", minimum=0.001, maximum=0.0022)
CITY = CategoricalFeature(name="city", categories=("L'Aquila", "Zürich"))
FLAG = BooleanFeature(name="flag")
OTHERS: list[Feature] = [CategoricalFeature(name=f"other{n}", categories=("a",)) for n in range(4)]


def test_an_example_has_plain_values_of_the_features_that_matter_most() -> None:
    schema = (*OTHERS, NUMBER, SMALL, CITY, FLAG)
    record = example_record(schema, by_size=["city", "rate", "gone", "tenure", "flag"])
    assert record == {"city": "L'Aquila", "rate": 0.0016, "tenure": 36, "flag": True, "other0": "a"}
    assert list(record) == ["city", "rate", "tenure", "flag", "other0"]


def test_what_is_counted_has_no_fraction_in_an_example() -> None:
    assert example_record([SENIOR], by_size=[]) == {"senior": 0}


def test_a_model_with_the_well_known_fields_is_asked_about_the_well_known_customer() -> None:
    schema = [CategoricalFeature(name=name, categories=()) for name in (*sorted(TELCO), "gender")]
    assert list(example_record(schema, by_size=["gender"]).items()) == list(TELCO.items())


def test_example_lines_survive_a_shell() -> None:
    example = Example(record={"city": "L'Aquila $HOME `x`", "b": 1, "c": 2, "d": 3}, has_reasons=True)
    lines = curl_lines(example, url="localhost:80", model="m")
    shown = subprocess.run(
        ["sh", "-c", lines[1].replace("curl ", "printf '%s\\n' ", 1)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    assert shown[:2] == ["localhost:80/v1/models/m:explain", "-d"]
    assert msgspec.json.decode(shown[2]) == {"instances": [example.record]}
    assert msgspec.json.decode(shlex.split(lines[0])[3])["instances"] == [
        {"city": "L'Aquila $HOME `x`", "b": 1, "c": 2}
    ]


def test_a_model_without_reasons_is_only_asked_for_a_prediction() -> None:
    (line,) = curl_lines(Example(record={}, has_reasons=False), url="h", model="m")
    assert line == """curl h/v1/models/m:predict -d '{"instances":[{}]}'"""


def test_an_example_comes_from_a_bundle_or_is_empty(
    write_bundle: Callable[..., Path], tmp_path: Path
) -> None:
    assert example_for(write_bundle()) == Example(record={"tenure": 36}, has_reasons=True)
    assert example_for(tmp_path / "none") == Example(record={}, has_reasons=False)


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "localhost:80"),
        ("0.0.0.0", "localhost:80"),
        ("::", "localhost:80"),
        ("192.0.2.1", "192.0.2.1:80"),
        ("2001:db8::1", "[2001:db8::1]:80"),
    ],
)
def test_an_address_is_shown_as_one_types_it(host: str, url: str) -> None:
    assert typed_url(host, 80) == url


def test_a_free_port_has_no_problem() -> None:
    assert problem_with("127.0.0.1", 0) is None


@pytest.mark.parametrize("line", [b"", b"[]", b"\xff\xfe", b'{"a":', b"[" * 60_000, b"Traceback:\n"])
def test_any_line_of_a_server_can_be_shown(line: bytes) -> None:
    entry = read_entry(line)
    assert (entry.level, entry.ready_port, entry.worth_showing) == ("", None, True)
    assert entry.text() == line.decode(errors="replace").rstrip()


@pytest.mark.parametrize("port", [b'"80"', b"true", b"null", b"1.5"])
def test_a_port_that_is_no_number_is_not_ready(port: bytes) -> None:
    assert read_entry(b'{"level":"info","message":"ready","port":%b}' % port).ready_port is None
