"""Ten thousand random and mutated bodies: an answer, or a refusal in JSON, and never anything else."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from kserve import InferInput, InferRequest

from churnguard_serving.http.doors import Door, doors_of
from churnguard_serving.problems import BadRequest

BODIES = 10_000
Doors = dict[str, Callable[[bytes], int]]

V1 = {
    "instances": [
        {
            "tenure": 1,
            "monthlyCharges": 29.99,
            "contract": "One year",
            "paperless": True,
            "supportCalls": "1",
        },
        {"tenure": None, "contract": "Weekly", "shoeSize": 44},
        {},
    ]
}
V2 = {
    "id": "7",
    "inputs": [
        {"name": "tenure", "shape": [2], "datatype": "INT64", "data": [1, None]},
        {"name": "monthlyCharges", "shape": [2, 1], "datatype": "FP32", "data": [29.99, 3]},
        {"name": "contract", "shape": [2], "datatype": "BYTES", "data": ["One year", "x"]},
        {"name": "paperless", "shape": [2], "datatype": "BOOL", "data": [True, False]},
    ],
    "outputs": [{"name": "risk_score"}],
    "parameters": {"binary_data_output": True},
}
VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 10**30, 0.5, -1e308, float("nan"), float("inf"), 2**63, 2**64),
    *("", "x", "\ud800", "\0", "1", "FP64", "BYTES", "BOOL", "INT64", "tenure", "contract", "é" * 300),
    *([], {}, [[]], [1], [2], [0], [-1], [1, 2], {"a": {}}, [None], [1.5], ["x"], {"binary_data_size": 4}),
)


def binary_request() -> tuple[bytes, int]:
    inputs = []
    for name, values in (
        ("tenure", np.array([1, 2])),
        ("monthlyCharges", np.array([29.99, 1.5])),
        ("contract", np.array(["One year", "x"], dtype=np.object_)),
        ("paperless", np.array([True, False])),
    ):
        datatype = {"i": "INT64", "f": "FP64", "O": "BYTES", "b": "BOOL"}[values.dtype.kind]
        tensor = InferInput(name, [2], datatype)
        tensor.set_data_from_numpy(values, binary_data=True)
        inputs.append(tensor)
    body, length = InferRequest(
        "telco", inputs, request_id="7", parameters={"binary_data_output": True}
    ).to_rest()
    assert isinstance(body, bytes)
    assert length is not None
    return body, length


BINARY, JSON_LENGTH = binary_request()


def refused(bad: BadRequest) -> int:
    assert json.loads(bad.body())["error"]
    assert 400 <= bad.status < 500
    return bad.status


@pytest.fixture
def ask(service: Callable[..., Any]) -> Callable[[str, bytes, int | None], int]:
    """``ask(path, body, json_length)``: the status; fails on anything but an answer or a refusal, both in JSON."""
    doors = doors_of(service("boosting"))

    def answer(path: str, body: bytes, json_length: int | None = None) -> int:
        door: Door = doors[path]
        try:
            found, headers = door.answer(body, json_length)
        except BadRequest as bad:
            return refused(bad)
        except Exception as error:
            raise AssertionError(f"{path} {json_length} {body!r:.2000}") from error
        split = int(dict(headers).get(b"inference-header-content-length", len(found)))
        assert json.loads(found[:split]).keys() & {"predictions", "outputs"}
        return 200

    return answer


PREDICT, EXPLAIN = "/v1/models/telco:predict", "/v1/models/telco:explain"
INFER = "/v2/models/telco/infer"


def places(document: Any) -> Iterator[tuple[Any, Any]]:
    """Every container with every key in it."""
    keys = (
        document if isinstance(document, dict) else range(len(document)) if isinstance(document, list) else ()
    )
    for key in keys:
        yield document, key
        yield from places(document[key])


def swapped(document: Any, dice: random.Random) -> Any:
    """The document with other values, names or numbers of things in up to three places."""
    document = deepcopy(document)
    for _ in range(dice.randint(1, 3)):
        found = list(places(document))
        if not found:
            break
        container, key = dice.choice(found)
        match dice.randrange(4):
            case 0:
                del container[key]
            case 1 if isinstance(container, list):
                container.append(deepcopy(container[key]))
            case 2 if isinstance(container, dict):
                container[dice.choice(("x", "tenure", "name", "\ud800", "data"))] = container.pop(key)
            case _:
                container[key] = deepcopy(dice.choice(VALUES))
    return document


def battered(body: bytes, dice: random.Random) -> bytes:
    """The bytes with a few flipped, cut out, repeated or put in."""
    content = bytearray(body)
    for _ in range(dice.randint(1, 4)):
        at = dice.randrange(len(content) + 1)
        upto = min(len(content), at + dice.randint(1, 40))
        match dice.randrange(5):
            case 0 if at < len(content):
                content[at] ^= 1 << dice.randrange(8)
            case 1:
                del content[at:upto]
            case 2:
                content[at:at] = content[at:upto]
            case 3:
                content[at:at] = dice.choice(
                    (b"[", b"{", b'"', b"\\u", b"\\ud800", b"1e999", b"NaN", b"\xff", b"-", b",")
                )
            case _:
                del content[at:]
    return bytes(content)


def drawn(number: int) -> tuple[str, bytes, int | None]:
    """The body of this number."""
    dice = random.Random(number)
    kind = dice.randrange(7)
    if kind == 0:
        return dice.choice((PREDICT, EXPLAIN, INFER)), dice.randbytes(dice.randint(0, 200)), None
    if kind in (1, 2):
        path, document = dice.choice(((PREDICT, V1), (EXPLAIN, V1), (INFER, V2)))
        body = json.dumps(document).encode()
        return path, battered(body, dice), None
    if kind in (3, 4):
        path, document = dice.choice(((PREDICT, V1), (EXPLAIN, V1), (INFER, V2)))
        return path, json.dumps(swapped(document, dice)).encode(), None
    if kind == 5:
        head = json.dumps(swapped(json.loads(BINARY[:JSON_LENGTH]), dice)).encode()
        return INFER, head + battered(BINARY[JSON_LENGTH:], dice), len(head)
    body = battered(BINARY, dice)
    return INFER, body, min(len(body), JSON_LENGTH + dice.choice((0, 0, 0, -1, 1, 9)))


def test_ten_thousand_bodies_are_answered_or_refused(ask: Callable[..., int]) -> None:
    statuses = Counter(ask(*drawn(number)) for number in range(BODIES))
    print(dict(statuses))
    assert set(statuses) <= {200, 400, 413}
    # Enough of them get past the first check to mean something.
    assert statuses[200] > BODIES / 20
    assert statuses[400] > BODIES / 2


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=8)
    | st.sampled_from(VALUES).map(deepcopy),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
fields = st.sampled_from(["tenure", "monthlyCharges", "contract", "paperless", "supportCalls", "other"])
instances = st.lists(st.dictionaries(fields, json_values, max_size=6) | json_values, max_size=20)
tensors = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "name": fields | json_values,
            "shape": st.lists(st.integers(0, 3), max_size=2) | json_values,
            "datatype": st.sampled_from(["FP64", "INT64", "BYTES", "BOOL", "FP16"]) | json_values,
            "data": st.lists(json_values, max_size=3) | json_values,
            "parameters": json_values,
        },
    ),
    max_size=4,
)
RULES = settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@RULES
@given(instances)
@example([{"tenure": 10**400}])
@example([{"\ud800": "\ud800", "contract": "\ud800"}])
def test_any_instances_are_answered_or_refused(ask: Callable[..., int], given: list[Any]) -> None:
    body = json.dumps({"instances": given}).encode()
    assert ask(PREDICT, body) == ask(EXPLAIN, body)


@RULES
@given(tensors, json_values, json_values, json_values)
@example([{"name": "\ud800", "shape": [1], "datatype": "BYTES", "data": []}], None, None, None)
@example([{"name": "tenure", "shape": [1], "datatype": "FP64", "data": [1]}], "\ud800", None, None)
def test_any_tensors_are_answered_or_refused(
    ask: Callable[..., int], given: list[Any], name: Any, parameters: Any, outputs: Any
) -> None:
    document = {"inputs": given, "id": name, "parameters": parameters, "outputs": outputs}
    body = json.dumps(document).encode()
    ask(INFER, body)
    ask(INFER, body, len(body))


def test_hundreds_of_them_over_the_wire_leave_the_server_as_it_was(server: Any) -> None:
    statuses = Counter[int]()
    for number in range(BODIES, BODIES + 400):
        path, body, length = drawn(number)
        headers = {} if length is None else {"Inference_Header_Content_Length": str(length)}
        answer = server.post(path, body, **headers)
        statuses[answer.status] += 1
        assert answer.status == 200 or answer.json["error"]
    assert set(statuses) <= {200, 400, 413}
    assert not server.log.find("a request failed")
    assert server.get("/v2/health/ready").status == 200
