from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from churnguard_web.heads import MOST_HEAD, RepeatedHead


def request(length: object, body: bytes, *, path: bytes = b"/p", name: bytes = b"Content-Length") -> bytes:
    head = b"POST %b HTTP/1.1\r\nHost: telco\r\n%b: %b\r\nAccept: */*\r\n\r\n"
    return head % (path, name, str(length).encode()) + body


def learnt(sent: bytes, *, length: int) -> RepeatedHead:
    head = RepeatedHead.of(sent, length=length)
    assert head is not None
    return head


@given(
    st.binary(max_size=300), st.binary(max_size=300), st.sampled_from([b"Content-Length", b"content-LENGTH"])
)
def test_a_known_head_gives_the_body_of_every_later_request(first: bytes, then: bytes, name: bytes) -> None:
    head = learnt(request(len(first), first, name=name), length=len(first))
    assert head.body_of(request(len(then), then, name=name)) == then


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(request(4, b"abc"), id="a byte of the body is missing"),
        pytest.param(request(2, b"abc"), id="more than one request"),
        pytest.param(request(3, b"abc") + request(3, b"abc"), id="two requests"),
        pytest.param(request(3, b"abc", path=b"/q"), id="another path"),
        pytest.param(request("+3", b"abc"), id="a sign"),
        pytest.param(request(" 3", b"abc"), id="a space before the digits"),
        pytest.param(request("3 ", b"abc"), id="a space behind the digits"),
        pytest.param(request("", b"abc"), id="no digits"),
        pytest.param(request("00000003", b"abc"), id="many digits"),
        pytest.param(request("²", b"abc"), id="a digit of another kind"),
        pytest.param(request("3\r\nX: y", b"abc"), id="one header more"),
        pytest.param(request(3, b"abc")[:20], id="the beginning of the head"),
        pytest.param(b"\r\n" + request(3, b"abc"), id="an empty line before"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_anything_else_is_left_to_the_parser(data: bytes) -> None:
    assert learnt(request(3, b"abc"), length=3).body_of(data) is None


@pytest.mark.parametrize(
    ("sent", "length"),
    [
        pytest.param(request(3, b"abc") * 2, 3, id="two requests"),
        pytest.param(request(3, b"abc")[:-1], 3, id="a request that is not whole"),
        pytest.param(b"", 3, id="data that began before the request"),
        pytest.param(request("3\r\nContent-Length: 3", b"abc"), 3, id="two lengths"),
        pytest.param(request(3, b"abc", path=b"/" * MOST_HEAD), 3, id="a long head"),
    ],
)
def test_a_head_is_learnt_from_one_whole_request_only(sent: bytes, length: int) -> None:
    assert RepeatedHead.of(sent, length=length) is None
