"""The plainest of HTTP clients: one request, and everything that came back."""

from __future__ import annotations

import base64
import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from churnguard_servers.processes import PATIENCE


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A status, headers in lower case, and the body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def basic(key: str) -> dict[str, str]:
    """The header that carries a write key."""
    return {"Authorization": "Basic " + base64.b64encode(f"{key}:".encode()).decode()}


def connect(port: int) -> http.client.HTTPConnection:
    """A connection to a port of loopback."""
    return http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)


def exchange(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    body: Any = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """One request on a connection that may be kept; objects are sent as JSON."""
    sent = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
    connection.request(method, path, sent, dict(headers or {}))
    answer = connection.getresponse()
    content = answer.read()
    names = {name.lower(): value for name, value in answer.getheaders()}
    return Answer(status=answer.status, headers=names, body=content)
