"""Bad input: one table for both doors. A 4xx with a JSON body that says what to mend, and the server goes on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

Server = Any
V1 = "/v1/models/telco:predict"
V2 = "/v2/models/telco/infer"
Body = bytes | dict[str, Any] | list[Any] | None


def v1(instances: object) -> dict[str, Any]:
    return {"instances": instances}


def tensor(name: str = "tenure", datatype: str = "FP64", *data: object, **changed: Any) -> dict[str, Any]:
    given = {"name": name, "shape": [len(data)], "datatype": datatype, "data": list(data), **changed}
    return {key: value for key, value in given.items() if value != "absent"}


def v2(*inputs: object) -> dict[str, Any]:
    return {"inputs": list(inputs)}


@dataclass(frozen=True)
class Case:
    """What is sent, and what must come back: a status, words of the error, and where the problems are."""

    name: str
    body: Body
    status: int
    error: str
    problems: tuple[tuple[int | None, str | None], ...] = ()


DEEP = b"[" * 5_000 + b"]" * 5_000
LARGE = 9 * 1024 * 1024
NOT_JSON = [
    Case("nothing at all", b"", 400, "not JSON"),
    Case("not JSON", b"instances", 400, "not JSON"),
    Case("cut short", b'{"instances": [{"tenure": 1', 400, "not JSON"),
    Case("two documents", b'{"instances": [{}]} {}', 400, "not JSON"),
    Case("invalid UTF-8", b'{"instances": [{"contract": "\xff\xfe"}]}', 400, "not UTF-8"),
    Case("a lone surrogate as UTF-8", b'{"instances": [{"contract": "\xed\xa0\x80"}]}', 400, "not UTF-8"),
    Case("UTF-16", '{"instances": [{}]}'.encode("utf-16"), 400, "not UTF-8"),
    Case("5,000 deep", DEEP, 400, "nested too deeply"),
    Case("a list", [], 400, "the body is a list; expected"),
    Case("a number", b"1", 400, "the body is a number; expected"),
    Case("null", b"null", 400, "the body is null; expected"),
]
V1_CASES = [
    *NOT_JSON,
    Case("no instances", {}, 400, "has no instances"),
    Case("instances are null", v1(None), 400, "instances is null"),
    Case("instances are an object", v1({}), 400, "instances is an object"),
    Case("an empty list", v1([]), 400, "the list is empty"),
    Case("10,001 rows", v1([{}] * 10_001), 413, "10001 instances in one request; at most 10000"),
    Case("9 MiB", b" " * LARGE, 413, "larger than 8388608 bytes"),
    Case(
        "instances that are no objects",
        v1([{}, 1, "x", None, []]),
        400,
        "no objects",
        tuple((n, None) for n in (1, 2, 3, 4)),
    ),
    Case("a number as a string", v1([{}, {"tenure": "3"}]), 400, "cannot be used", ((1, "tenure"),)),
    Case("NaN", b'{"instances": [{"tenure": NaN}]}', 400, "cannot be used", ((0, "tenure"),)),
    Case("Infinity", b'{"instances": [{"tenure": Infinity}]}', 400, "cannot be used", ((0, "tenure"),)),
    Case("-Infinity", b'{"instances": [{"tenure": -Infinity}]}', 400, "cannot be used", ((0, "tenure"),)),
    Case(
        "too large a number", b'{"instances": [{"tenure": 1e999}]}', 400, "cannot be used", ((0, "tenure"),)
    ),
    Case(
        "too long a number",
        b'{"instances": [{"tenure": %s}]}' % (b"9" * 400),
        400,
        "cannot be used",
        ((0, "tenure"),),
    ),
    Case("far too long a number", b'{"instances": [{"tenure": %s}]}' % (b"9" * 5_000), 400, ""),
    Case("a boolean for a number", v1([{"tenure": True}]), 400, "cannot be used", ((0, "tenure"),)),
    Case("a number for a category", v1([{"contract": 7}]), 400, "cannot be used", ((0, "contract"),)),
    Case("a list for a number", v1([{"tenure": [3]}]), 400, "cannot be used", ((0, "tenure"),)),
    Case("a nested object", v1([{"contract": {"kind": "x"}}]), 400, "cannot be used", ((0, "contract"),)),
    Case("5,000 deep in a field", b'{"instances": [{"x": %s}]}' % DEEP, 400, "nested too deeply"),
    Case(
        "5,000 deep in objects",
        b'{"instances":[' + b'{"a":' * 5_000 + b"1" + b"}" * 5_000 + b"]}",
        400,
        "nested too deeply",
    ),
    Case(
        "everything at once",
        v1([{"tenure": "1", "contract": 4}, {}, {"monthlyCharges": True, "paperless": []}]),
        400,
        "cannot be used",
        ((0, "tenure"), (0, "contract"), (2, "monthlyCharges"), (2, "paperless")),
    ),
    Case(
        "one wrong in a large table",
        v1([{"tenure": 1, "x": "y" * 60}] * 2_000 + [{"tenure": "1"}]),
        400,
        "cannot be used",
        ((2_000, "tenure"),),
    ),
]
V2_CASES = [
    *NOT_JSON,
    Case("no inputs", {}, 400, "inputs is missing"),
    Case("inputs are an object", {"inputs": {}}, 400, "inputs is an object"),
    Case("an empty list", v2(), 400, "there are no inputs"),
    Case("tensors without values", v2(tensor()), 400, "the list is empty"),
    Case("10,001 rows", v2(tensor("tenure", "INT64", *[1] * 10_001)), 413, "10001 instances"),
    Case("9 MiB", b" " * LARGE, 413, "larger than 8388608 bytes"),
    Case("numbers as strings", v2(tensor("tenure", "FP64", "1")), 400, "inputs cannot", ((None, "tenure"),)),
    Case("strings for a number", v2(tensor("tenure", "BYTES", "1")), 400, "cannot be used", ((0, "tenure"),)),
    Case(
        "NaN",
        b'{"inputs":[{"name":"tenure","shape":[1],"datatype":"FP64","data":[NaN]}]}',
        400,
        "cannot be used",
        ((0, "tenure"),),
    ),
    Case(
        "Infinity",
        b'{"inputs":[{"name":"tenure","shape":[1],"datatype":"FP64","data":[Infinity]}]}',
        400,
        "cannot be used",
        ((0, "tenure"),),
    ),
    Case(
        "fractions as integers", v2(tensor("tenure", "INT64", 1.5)), 400, "inputs cannot", ((None, "tenure"),)
    ),
    Case("nested objects", v2(tensor("tenure", "FP64", {"a": 1})), 400, "inputs cannot", ((None, "tenure"),)),
    Case("rows of lists", v2(tensor("tenure", "FP64", [1.5])), 400, "inputs cannot", ((None, "tenure"),)),
    Case(
        "unequal lengths",
        v2(tensor("tenure", "INT64", 1, 2), tensor("contract", "BYTES", "x")),
        400,
        "inputs cannot",
        ((None, "contract"),),
    ),
    Case("a wrong datatype", v2(tensor("tenure", "FLOAT", 1.5)), 400, "inputs cannot", ((None, "tenure"),)),
    Case("no datatype", v2(tensor("tenure", "absent", 1.5)), 400, "no v2 request", ((None, "tenure"),)),
    Case(
        "a missing shape",
        v2(tensor("tenure", "FP64", 1.5, shape="absent")),
        400,
        "no v2 request",
        ((None, "tenure"),),
    ),
    Case(
        "a wrong shape",
        v2(tensor("tenure", "FP64", 1.5, shape=[2])),
        400,
        "inputs cannot",
        ((None, "tenure"),),
    ),
    Case(
        "a shape of two dimensions",
        v2(tensor("tenure", "FP64", 1.5, 2.5, shape=[1, 2])),
        400,
        "inputs cannot",
        ((None, "tenure"),),
    ),
    Case(
        "a shape of fractions",
        v2(tensor("tenure", "FP64", 1.5, shape=[1.0])),
        400,
        "no v2 request",
        ((None, "tenure"),),
    ),
    Case(
        "a shape of truth",
        v2(tensor("tenure", "FP64", 1.5, shape=[True])),
        400,
        "no v2 request",
        ((None, "tenure"),),
    ),
    Case("no data", v2(tensor("tenure", "FP64", data="absent")), 400, "no v2 request", ((None, "tenure"),)),
    Case("no name", v2(tensor("absent", "FP64", 1.5)), 400, "no v2 request", ((None, "inputs[0]"),)),
    Case("a tensor that is none", v2(7), 400, "no v2 request", ((None, "inputs[0]"),)),
    Case(
        "a name given twice",
        v2(tensor("tenure", "FP64", 1), tensor("tenure", "FP64", 2)),
        400,
        "inputs cannot",
        ((None, "tenure"),),
    ),
    Case(
        "an id that is a number",
        {"id": 7, **v2(tensor("tenure", "FP64", 1.5))},
        400,
        "no v2 request",
        ((None, "id"),),
    ),
    Case(
        "5,000 deep in data",
        b'{"inputs":[{"name":"tenure","shape":[1],"datatype":"FP64","data":%s}]}' % DEEP,
        400,
        "nested too deeply",
    ),
    Case(
        "everything at once",
        v2(
            tensor("tenure", "FP64", "1"),
            tensor("contract", "TEXT", "x", "y"),
            tensor("paperless", "BOOL", 1, shape=[]),
        ),
        400,
        "inputs cannot",
        ((None, "tenure"), (None, "tenure"), (None, "contract"), *[(None, "paperless")] * 3),
    ),
]
TABLE = [(path, case) for path, cases in ((V1, V1_CASES), (V2, V2_CASES)) for case in cases]
TABLE += [
    (V1.replace("predict", "explain"), case) for case in V1_CASES if "10,001" in case.name or case.problems
]


@pytest.fixture
def goes_on(server: Server) -> Callable[[], None]:
    def check() -> None:
        assert server.post(V1, v1([{"tenure": 1}])).status == 200
        assert server.get("/v2/health/ready").status == 200
        assert server.process.poll() is None

    return check


@pytest.mark.parametrize(
    ("path", "case"), TABLE, ids=[f"{path.rpartition('/')[2]}: {case.name}" for path, case in TABLE]
)
def test_bad_bodies_are_refused_by_name(
    path: str, case: Case, server: Server, goes_on: Callable[[], None]
) -> None:
    answer = server.post(path, case.body)
    assert (answer.status, answer.headers["content-type"]) == (case.status, "application/json")
    assert case.error in answer.json["error"]
    found = [(problem.get("instance"), problem.get("field")) for problem in answer.json.get("problems", ())]
    assert found == list(case.problems)
    assert all(problem["message"] for problem in answer.json.get("problems", ()))
    goes_on()
