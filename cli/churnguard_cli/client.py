"""Asking a running server, over HTTP as anybody would."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Final, Literal, TypeVar
from urllib.parse import quote, urlsplit

import msgspec
from msgspec import Struct

from churnguard_core.undecodable import UNDECODABLE

Verb = Literal["predict", "explain"]

_Part = TypeVar("_Part", bound=Struct)

SECONDS: Final = 60.0
MOST_SHOWN: Final = 200


class NoAnswer(Exception):  # noqa: N818 - names the fact
    """Nothing that can be used came back; the message says what did. ``unheard``: nothing listens there."""

    def __init__(self, message: str, *, unheard: bool = False) -> None:
        self.unheard = unheard
        super().__init__(message)


class Problem(Struct, frozen=True):
    """One thing that is wrong with a request: where, as far as it is known, and what."""

    message: str
    instance: int | None = None
    field: str | None = None


class BadRequest(Exception):  # noqa: N818 - an answer
    """The server refused the request."""

    def __init__(self, error: str, *, problems: Sequence[Problem] = (), more: int = 0) -> None:
        self.error = error
        self.problems = tuple(problems)
        self.more = more
        super().__init__(error)


class Prediction(Struct, frozen=True):
    """A churn probability and its level."""

    risk_score: float
    risk_level: str


class Explained(Struct, frozen=True):
    """A prediction with advice and reasons, which with the baseline add up in ``space``."""

    risk_score: float
    risk_level: str
    insights: tuple[str, ...]
    shap_values: dict[str, float]
    baseline: float
    space: str


class _Models(Struct):
    models: tuple[str, ...]


class _Input(Struct):
    name: str
    datatype: str


class _Metadata(Struct):
    inputs: tuple[_Input, ...]


class _Answer(Struct):
    predictions: tuple[msgspec.Raw, ...]


class _Error(Struct):
    error: str = ""
    problems: tuple[Problem, ...] = ()
    more: int = 0


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where a server is; ``path`` is what stands before its own paths."""

    secure: bool
    host: str
    port: int | None
    path: str


def parse_address(url: str) -> Address:
    """The address in a URL; ValueError when it is none."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError(f"{url!r} is no address of a server; expected http://host:port")
    return Address(
        secure=parts.scheme == "https", host=parts.hostname, port=parts.port, path=parts.path.rstrip("/")
    )


class Client:
    """A connection to a server.

    Every method raises NoAnswer when no server answers as one, and BadRequest when it refuses the request.

    Args:
        url: Address of the server, without a path of its own.
    """

    def __init__(self, url: str) -> None:
        address = parse_address(url)
        kind = HTTPSConnection if address.secure else HTTPConnection
        self._url = url.rstrip("/")
        self._path = address.path
        self._connection = kind(address.host, address.port, timeout=SECONDS)

    def models(self) -> tuple[str, ...]:
        """Names of what it serves."""
        return self._decode(self._send("GET", "/v1/models"), _Models).models

    def input_types(self, model: str) -> dict[str, str]:
        """The fields that a record may have, with their v2 data types."""
        metadata = self._decode(self._send("GET", f"/v2/models/{quote(model, safe='')}"), _Metadata)
        return {given.name: given.datatype for given in metadata.inputs}

    def ask(self, model: str, verb: Verb, records: Sequence[bytes]) -> tuple[msgspec.Raw, ...]:
        """The answers to records of JSON, as JSON and in their order."""
        body = b'{"instances":[%b]}' % b",".join(records)
        path = f"/v1/models/{quote(model, safe='')}:{verb}"
        return self._decode(self._send("POST", path, body), _Answer).predictions

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def _send(self, method: str, path: str, body: bytes | None = None) -> bytes:
        headers = {"Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            self._connection.request(method, self._path + path, body=body, headers=headers)
            response = self._connection.getresponse()
            status, content = response.status, response.read()
        except ConnectionRefusedError:
            raise NoAnswer(f"no server listens on {self._url}", unheard=True) from None
        except (OSError, HTTPException) as error:
            raise NoAnswer(f"{self._url} does not answer: {error or type(error).__name__}") from None
        if status == 200:
            return content
        refusal = _refusal(content)
        if 400 <= status < 500 and refusal is not None:
            raise refusal
        said = refusal.error if refusal else content[:MOST_SHOWN].decode(errors="replace")
        raise NoAnswer(f"{self._url}{path} answers {status}: {said}")

    def _decode(self, content: bytes, kind: type[_Part]) -> _Part:
        try:
            return msgspec.json.decode(content, type=kind)
        except UNDECODABLE as error:
            raise NoAnswer(f"{self._url} answers, but not as a server of ChurnGuard: {error}") from None


def _refusal(content: bytes) -> BadRequest | None:
    try:
        found = msgspec.json.decode(content, type=_Error)
    except UNDECODABLE:
        return None
    return BadRequest(found.error, problems=found.problems, more=found.more) if found.error else None
