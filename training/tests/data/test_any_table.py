"""Whatever the table, it is checked or refused; nothing else comes out."""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from churnguard_core.churnmodel.types import Data
from churnguard_scoring.columns import CategoricalColumn
from churnguard_training.checks import check_table
from churnguard_training.errors import Refused
from churnguard_training.table import Table

TEXT = st.one_of(
    st.sampled_from(["", " ", "Yes", "No", "1", "0", "1.0", "inf", "NA", "true", "2024-05-31", "29,99", "-"]),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=6),
)
KINDS: list[tuple[Any, Any]] = [
    (pa.string(), TEXT),
    (pa.dictionary(pa.int32(), pa.string()), TEXT),
    (pa.large_string(), TEXT),
    (pa.int64(), st.integers(-(2**63), 2**63 - 1)),
    (pa.int8(), st.integers(0, 1)),
    (pa.float64(), st.floats()),
    (pa.float32(), st.floats(width=32)),
    (pa.bool_(), st.booleans()),
    (pa.date32(), st.dates()),
    (pa.timestamp("us"), st.datetimes()),
    (pa.timestamp("us", "UTC"), st.datetimes(timezones=st.just(datetime.UTC))),
    (pa.null(), st.none()),
    (pa.list_(pa.int64()), st.lists(st.integers(0, 3), max_size=2)),
    (pa.binary(), st.binary(max_size=2)),
]
NAMES = ["a", "b", "customer_id", "left"]


@st.composite
def tables(draw: st.DrawFn) -> pa.Table:
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=4, unique=draw(st.integers(0, 9)) > 0))
    # Long enough, at times, to pass the floors; cells are drawn once and repeated.
    rows = draw(st.sampled_from([0, 1, 7, 150, 150, 150]))
    columns = []
    for _ in names:
        kind, cells = draw(st.sampled_from(KINDS))
        drawn = draw(st.lists(st.one_of(cells, st.none()), min_size=1, max_size=8))
        columns.append(pa.array((drawn * rows)[:rows], kind))
    if "left" in names and draw(st.integers(0, 4)) > 0:
        # Mostly sound labels, or hardly a table would pass.
        columns[names.index("left")] = pa.array((["Yes", "No", "No"] * rows)[:rows])
    return pa.table(columns, names=names)


@st.composite
def roles(draw: st.DrawFn) -> dict[str, Any]:
    some = st.sampled_from([*[None] * 12, *NAMES, "absent"])
    many = st.lists(
        st.sampled_from([*NAMES[:3], *NAMES[:3], *NAMES, "absent"]), max_size=draw(st.integers(0, 2))
    )
    kinds = st.sampled_from(["numeric", "categorical", "boolean"])
    return {
        "positive": draw(st.sampled_from(["Yes", "Yes", "Yes", "1", "TRUE", ""])),
        "id": draw(some),
        "time": draw(some),
        "value": draw(some),
        "exclude": tuple(draw(many)),
        "protected": tuple(draw(many)),
        "types": draw(st.dictionaries(st.sampled_from(NAMES), kinds, max_size=2)),
        "few_rows": draw(st.integers(0, 4)) > 0,
    }


@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(table=tables(), roles=roles())
def test_a_table_is_checked_or_refused(
    spec: Callable[..., Data], table: pa.Table, roles: dict[str, Any]
) -> None:
    checked = checked_or_refused(table, spec(**roles))
    event(type(checked).__name__)
    if isinstance(checked, Refused):
        assert checked.problems
        assert checked.hint
        assert len(checked.message.splitlines()) <= 14
        return
    assert len(checked) == table.num_rows
    assert set(np.unique(checked.label)) == {0, 1}
    for column in (*checked.features.values(), *checked.protected.values()):
        assert len(column) == len(checked)
        if isinstance(column, CategoricalColumn):
            assert column.codes.min() >= -1
            assert column.codes.max() < len(column.categories)
            assert len(set(column.categories)) == len(column.categories)
        else:
            assert not np.isinf(column.values).any()
    assert checked.groups.dtype == np.uint64
    assert checked.value is None or not (checked.value < 0).any()
    assert checked.time is None or not np.isnat(checked.time).any()


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cells=st.lists(st.one_of(TEXT, st.none()), min_size=1, max_size=30))
def test_chunks_and_encodings_of_the_same_text_are_the_same_data(
    spec: Callable[..., Data], cells: list[str | None]
) -> None:
    column = pa.array((cells * 120)[:120], pa.string())
    label = pa.array(["Yes", "No"] * 60)
    pieces = pa.chunked_array([column[:50], column[50:], column[:0]])
    encoded = [
        column.dictionary_encode(),
        pieces,
        pa.chunked_array([c.dictionary_encode() for c in pieces.chunks]),
    ]
    outcomes = [outcome(pa.table({"x": x, "left": label}), spec(few_rows=True)) for x in [column, *encoded]]
    assert len(set(outcomes)) == 1


def checked_or_refused(table: pa.Table, data: Data) -> Table | Refused:
    try:
        return check_table(table, data)
    except Refused as refused:
        return refused


def outcome(table: pa.Table, data: Data) -> str:
    checked = checked_or_refused(table, data)
    return checked.message if isinstance(checked, Refused) else checked.digest


def test_the_smallest_and_largest_numbers_survive(
    customers: Callable[..., pa.Table], spec: Callable[..., Data]
) -> None:
    extremes = [1.7e308, -1.7e308, 5e-324, 0.0] * 300
    table = check_table(customers(x=extremes, y=[repr(number) for number in extremes]), spec())
    for name in ("x", "y"):
        assert table.features[name].values[:4].tolist() == extremes[:4]  # type: ignore[union-attr]
    assert all(map(math.isfinite, extremes))
