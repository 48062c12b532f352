"""Requests that are wrong before their body is: address, method, length, encoding, protocol."""

from __future__ import annotations

import gzip
import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest

Server = Any
V1 = "/v1/models/telco:predict"
V2 = "/v2/models/telco/infer"
LIMIT = 8 * 1024 * 1024


@pytest.fixture(autouse=True)
def goes_on(server: Server) -> Iterator[None]:
    """After each of them the server answers as before."""
    yield
    assert server.post(V1, {"instances": [{"tenure": 1}]}).status == 200
    assert server.get("/v2/health/ready").status == 200
    assert server.process.poll() is None


def test_of_many_problems_the_first_hundred_are_named_and_the_others_counted(server: Server) -> None:
    answer = server.post(V1, {"instances": [{"tenure": "x"}] * 250})
    assert answer.status == 400
    assert len(answer.json["problems"]) == 100
    assert answer.json["more"] == 150


def test_what_is_repeated_to_the_caller_is_short(server: Server) -> None:
    name = "n" * 1_000_000
    tensor = {"name": name, "datatype": name, "shape": [1], "data": [1]}
    for inputs in ([tensor], [{"name": name}]):
        answer = server.post(V2, {"inputs": inputs})
        assert answer.status == 400
        assert len(answer.body) < 4_000
    assert len(server.post(f"/v1/models/{name[:10_000]}:predict", b"").body) < 1_000


@pytest.mark.parametrize(
    ("method", "path", "status", "error"),
    [
        ("POST", "/v1/models/nobody:predict", 404, "there is no model 'nobody' here; this is telco"),
        ("POST", "/v1/models/nobody:explain", 404, "there is no model 'nobody'"),
        ("POST", "/v2/models/nobody/infer", 404, "there is no model 'nobody'"),
        ("POST", "/v2/models/telco/versions/r9/infer", 404, "revision golden-r1 is served, and no other"),
        ("POST", "/v1/models/telco:predictproba", 404, "unknown verb 'predictproba'"),
        ("POST", "/v1/models/telco:", 404, "unknown verb ''"),
        ("POST", "/v1/models/telco", 404, "nothing is answered here; POST to /v1/models/telco:predict"),
        ("POST", "/v1/models/telco:predict/", 404, "nothing is answered here"),
        ("POST", "/v2/models/telco/explain", 404, "nothing is answered here"),
        ("GET", V1, 405, "method GET is not allowed here; use POST"),
        ("PUT", V1, 405, "method PUT"),
        ("DELETE", V2, 405, "method DELETE"),
        ("PATCH", "/v1/models/telco:explain", 405, "method PATCH"),
        ("OPTIONS", V2, 405, "method OPTIONS"),
        ("GET", "/v2/models/telco/versions/golden-r1/infer", 405, "method GET"),
    ],
)
def test_wrong_models_verbs_and_methods_are_told_what_is_right(
    method: str, path: str, status: int, error: str, server: Server
) -> None:
    answer = server.ask(method, path, json.dumps({"instances": [{}]}).encode())
    assert answer.status == status
    assert error in answer.json["error"]
    assert (answer.headers.get("allow") == "POST") == (status == 405)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
@pytest.mark.parametrize("path", [V1, V2])
def test_compressed_bodies_are_not_read(path: str, encoding: str, server: Server) -> None:
    answer = server.post(path, gzip.compress(b" " * 50_000_000), Content_Encoding=encoding)
    assert (answer.status, answer.json["error"]) == (
        415,
        "compressed bodies are not read; send the JSON as it is",
    )


def test_small_mistakes_of_callers_are_forgiven(server: Server) -> None:
    asked = b'{"instances": [{"tenure": 1e0}], "parameters": {}, "signature_name": "x"}'
    for headers in (
        {"Content_Type": "text/plain"},
        {"Content_Encoding": "identity"},
        {"Accept": "image/png"},
    ):
        assert server.post(V1, asked, **headers).status == 200
    assert server.post(V1 + "?pretty=1", asked).status == 200


def test_a_body_that_says_it_is_too_long_is_not_waited_for(server: Server) -> None:
    for path in (V1, V2):
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {LIMIT + 1}\r\n\r\n"
        answer = server.raw(head.encode())
        assert answer.startswith(b"413 ")
        assert b"larger than 8388608 bytes" in answer


def test_a_caller_who_asks_before_sending_is_told_at_once(server: Server) -> None:
    head = f"POST {V1} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: {LIMIT + 1}\r\n\r\n"
    answer = server.raw(head.encode())
    assert answer.startswith(b"413 ")
    assert b"100 Continue" not in answer


def test_a_chunked_body_is_refused_as_soon_as_it_is_too_long(server: Server) -> None:
    chunk = b" " * (1024 * 1024)
    head = f"POST {V1} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    sent = head + (b"100000\r\n" + chunk + b"\r\n") * 8 + b"1\r\n \r\n"
    answer = server.raw(sent)  # and never ends
    assert answer.startswith(b"413 ")
    assert json.loads(answer.partition(b" ")[2])["error"].startswith("the body is larger")


def test_a_chunked_body_within_the_limit_is_answered(server: Server) -> None:
    body = b'{"instances": [{"tenure": 1}]}'
    head = f"POST {V1} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in body)
    assert server.raw(head + chunks + b"0\r\n\r\n").startswith(b"200 ")


@pytest.mark.parametrize(
    "head",
    [
        b"POST %b HTTP/1.1\r\nHost: x\r\nContent-Length: ten\r\n\r\n",
        b"POST %b HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST %b HTTP/1.1\r\nHost: x\r\nContent-Length: +2\r\n\r\n{}",
        b"POST %b HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        b"POST %b HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        b"POST %b HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",
        b"POST %b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n{}",
        b"POST %b HTTP/9.9\r\n\r\n",
        b"POST%b\r\n\r\n",
        b"BREW %b HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00 %b\r\n\r\n",
    ],
)
@pytest.mark.parametrize("path", [V1, V2])
def test_what_is_no_http_is_answered_with_400_in_json(path: str, head: bytes, server: Server) -> None:
    status, _, body = server.raw(head % path.encode()).partition(b" ")
    assert status == b"400"
    assert json.loads(body)["error"]


def test_a_length_that_is_too_short_cuts_the_body(server: Server) -> None:
    head = f"POST {V1} HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nConnection: close\r\n\r\n".encode()
    answer = server.raw(head + b'{"instances": [{}]}')
    assert answer.startswith(b'400 {"error":"the body is not JSON')


def test_a_caller_who_hangs_up_early_leaves_nothing_behind(server: Server) -> None:
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(f"POST {V1} HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n{{".encode())
    assert server.get("/").status == 200
    assert server.metrics()["churnguard_predictor_inflight_requests",] == 0
