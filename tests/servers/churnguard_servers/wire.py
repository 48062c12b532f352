"""Requests as bytes, spelled in several ways that mean the same, and the answers to many of them on one connection."""

from __future__ import annotations

import socket
from collections.abc import Callable
from http.client import parse_headers

Spelled = Callable[..., bytes]
WireAnswer = tuple[int, dict[str, str], bytes]
"""Status, headers in lower case without the date, and body."""


def head(path: str, *lines: str) -> bytes:
    return "\r\n".join([f"POST {path} HTTP/1.1", "Host: here", *lines, "", ""]).encode()


def plain(path: str, body: bytes, *lines: str) -> bytes:
    return head(path, *lines, f"Content-Length: {len(body)}") + body


def chunked(path: str, body: bytes, *lines: str) -> bytes:
    middle = len(body) // 2
    chunks = [part for part in (body[:middle], body[middle:]) if part]
    framed = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in chunks)
    return head(path, *lines, "Transfer-Encoding: chunked") + framed + b"0\r\n\r\n"


def with_query(path: str, body: bytes, *lines: str) -> bytes:
    return plain(path + "?verbose=1", body, *lines)


def escaped(path: str, body: bytes, *lines: str) -> bytes:
    """The last letter of the path's name is written as an escape."""
    at = path.rindex("/") - 1
    return plain(f"{path[:at]}%{ord(path[at]):02x}{path[at + 1 :]}", body, *lines)


def said_to_be_plain(path: str, body: bytes, *lines: str) -> bytes:
    return plain(path, body, "Content-Encoding: identity", *lines)


WAYS: tuple[Spelled, ...] = (plain, chunked, with_query, escaped, said_to_be_plain)


def answers(connection: socket.socket, count: int) -> list[WireAnswer]:
    """The next answers on a connection."""
    found = []
    with connection.makefile("rb") as stream:
        for _ in range(count):
            status = int(stream.readline().split()[1])
            given = parse_headers(stream)
            headers = {name.lower(): value for name, value in given.items() if name.lower() != "date"}
            found.append((status, headers, stream.read(int(headers["content-length"]))))
    return found
