from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from churnguard_core.features import BooleanFeature, CategoricalFeature, Feature, NumericFeature
from churnguard_serving.predictor import Prediction
from churnguard_serving.problems import BadRequest
from churnguard_serving.protocols.v1 import MANY_BYTES, InstanceReader, read_instances
from churnguard_serving.protocols.v2 import read_inference, write_inference
from churnguard_serving.settings import Limits

LIMITS = Limits(max_instances=5)

texts = st.text(st.characters(codec="utf-8"), max_size=5)
scalars = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | texts
nested = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3)
)
instances = st.lists(st.dictionaries(texts, nested, max_size=4), min_size=1, max_size=5)


@given(instances, st.sampled_from([None, 0, "\t"]), st.booleans())
def test_instances_are_read_as_they_were_written(
    written: list[dict[str, Any]], indent: Any, escaped: bool
) -> None:
    finite = json.loads(json.dumps(written).replace("Infinity", "1"))
    document = {"signature_name": "x", "instances": finite, "more": [1]}
    body = json.dumps(document, indent=indent, ensure_ascii=escaped).encode()
    assert read_instances(body, limits=LIMITS) == finite


@given(instances)
def test_nan_and_infinity_are_read_so_that_their_fields_can_be_named(written: list[dict[str, Any]]) -> None:
    body = json.dumps({"instances": [*written[:4], {"tenure": float("inf")}]}).encode()
    assert read_instances(body, limits=LIMITS)[-1] == {"tenure": float("inf")}


FEATURES: list[Feature] = [
    NumericFeature(name="tenure", minimum=0, maximum=72),
    CategoricalFeature(name="a contract's kind", categories=("One year", "1")),
    BooleanFeature(name="get"),
]
READER = InstanceReader(FEATURES)
cells = st.fixed_dictionaries(
    {},
    optional={
        "tenure": st.none() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False),
        "a contract's kind": st.none() | st.sampled_from(["One year", "1", "new"]) | st.integers(-9, 9),
        "get": st.none() | st.booleans() | st.just("true"),
    },
)


@given(st.lists(cells, min_size=1, max_size=20))
def test_many_instances_hold_the_same_values_as_when_they_are_few(written: list[dict[str, Any]]) -> None:
    body = json.dumps({"instances": written}).encode().ljust(MANY_BYTES)
    rows = READER.read(body, limits=Limits())
    dictionaries = read_instances(body, limits=Limits())
    names = [*(feature.name for feature in FEATURES), "unknown"]
    assert not any(isinstance(row, dict) for row in rows)
    assert [[row.get(name) for name in names] for row in rows] == [
        [each.get(name) for name in names] for each in dictionaries
    ]


def test_texts_of_known_categories_are_shared_and_unseen_ones_are_read_all_the_same() -> None:
    def read(*kinds: str) -> list[Any]:
        body = json.dumps({"instances": [{"a contract's kind": kind} for kind in kinds]}).encode()
        return [row.get("a contract's kind") for row in READER.read(body.ljust(MANY_BYTES), limits=Limits())]

    first, second = read("One year", "One year")
    assert first is second
    assert read("One year", "a new one", "1") == ["One year", "a new one", "1"]


@pytest.mark.parametrize(
    "odd",
    [
        {"instances": [{"unknown": 1}]},
        {"instances": [{"tenure": "1"}]},
        {"instances": [{"tenure": True}]},
        {"instances": [{"tenure": {"years": 1}}]},
        {"instances": [{}], "signature_name": "x"},
    ],
    ids=json.dumps,
)
def test_many_instances_that_are_odd_in_any_way_are_read_as_dictionaries(odd: dict[str, Any]) -> None:
    body = json.dumps(odd).encode().ljust(MANY_BYTES)
    assert READER.read(body, limits=Limits()) == odd["instances"]


@pytest.mark.parametrize(("count", "status"), [(0, 400), (1, None), (5, None), (6, 413)])
def test_a_request_holds_at_least_one_instance_and_at_most_the_limit(count: int, status: int | None) -> None:
    tensor = {"name": "tenure", "shape": [count], "datatype": "INT64", "data": [1] * count}
    for read, document in (
        (read_instances, {"instances": [{"tenure": 1}] * count}),
        (read_inference, {"inputs": [tensor]}),
    ):
        body = json.dumps(document).encode()
        if status is None:
            read(body, limits=LIMITS)
        else:
            with pytest.raises(BadRequest) as caught:
                read(body, limits=LIMITS)
            assert caught.value.status == status


columns = {
    "FP64": st.none() | st.floats(-1e6, 1e6),
    "INT64": st.none() | st.integers(-9, 9),
    "UINT8": st.none() | st.integers(0, 9),
    "BOOL": st.none() | st.booleans(),
    "BYTES": st.none() | texts,
}


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Tensors, and the rows that they hold."""
    rows = draw(st.integers(1, 5))
    names = draw(st.lists(texts, min_size=1, max_size=4, unique=True))
    tensors: list[dict[str, Any]] = []
    for name in names:
        datatype = draw(st.sampled_from(sorted(columns)))
        data = draw(st.lists(columns[datatype], min_size=rows, max_size=rows))
        shape = draw(st.sampled_from([[rows], [rows, 1]]))
        tensors.append({"name": name, "shape": shape, "datatype": datatype, "data": data})
    return tensors, [{tensor["name"]: tensor["data"][row] for tensor in tensors} for row in range(rows)]


@given(tables(), st.none() | texts)
def test_tensors_become_one_instance_per_row(table: Any, identifier: str | None) -> None:
    tensors, rows = table
    document = {"inputs": tensors, "outputs": [], **({} if identifier is None else {"id": identifier})}
    found = read_inference(json.dumps(document).encode(), limits=LIMITS)
    assert found.instances == rows
    assert found.id == (identifier or "")


def test_an_id_of_null_is_no_id() -> None:
    tensor = {"name": "tenure", "shape": [1], "datatype": "FP64", "data": [1.5]}
    assert read_inference(json.dumps({"id": None, "inputs": [tensor]}).encode(), limits=LIMITS).id == ""


def test_predictions_are_written_as_two_tensors() -> None:
    predictions = [Prediction(0.25, "low"), Prediction(0.75, "high")]
    assert json.loads(write_inference(predictions, name="telco", revision="telco-r7", id="a")) == {
        "model_name": "telco",
        "model_version": "telco-r7",
        "id": "a",
        "outputs": [
            {"name": "risk_score", "datatype": "FP64", "shape": [2], "data": [0.25, 0.75]},
            {"name": "risk_level", "datatype": "BYTES", "shape": [2], "data": ["low", "high"]},
        ],
    }


def test_a_lone_half_of_a_surrogate_pair_is_refused_because_no_answer_could_repeat_it() -> None:
    for body in (b'{"instances": [{"a": "\\ud800"}]}', b'{"instances": [{"\\udc00": NaN}]}'):
        with pytest.raises(BadRequest, match="half of a surrogate pair"):
            read_instances(body, limits=LIMITS)
    assert read_instances(b'{"instances": [{"a": "\\ud83d\\ude00"}]}', limits=LIMITS) == [{"a": "\U0001f600"}]
