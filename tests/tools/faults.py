"""What can go wrong between the operator and the API server, as data; the proxy does it."""

from __future__ import annotations

import http
import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from api_request import ApiRequest

Which: TypeAlias = Callable[[ApiRequest], bool]
"""Which requests a fault is done to. Asked once for each request, and for no two at the same time."""
Moment: TypeAlias = Literal["before", "after"]


def every(_: ApiRequest) -> bool:
    return True


def watches(request: ApiRequest) -> bool:
    return request.is_watch


def writes(request: ApiRequest) -> bool:
    return request.is_write


def unless_lease(request: ApiRequest) -> bool:
    return request.resource != "leases"


def nth(number: int, which: Which) -> Which:
    """The request of this number, from 0, among those that are meant."""
    numbers = itertools.count()
    return lambda request: which(request) and next(numbers) == number


@dataclass(frozen=True, kw_only=True)
class Refuse:
    """The proxy answers in the API server's place, which never hears of the request."""

    which: Which
    status: int
    retry_after: int | None = None

    def body(self) -> bytes:
        return status_object(self.status)


@dataclass(frozen=True, kw_only=True)
class Expire:
    """A watch begins, and its first word is that what it asks for is too old to tell: 410 within the stream."""

    which: Which = watches
    status: int = http.HTTPStatus.OK
    retry_after: int | None = None

    def body(self) -> bytes:
        said = json.loads(status_object(http.HTTPStatus.GONE))
        return json.dumps({"type": "ERROR", "object": said}).encode() + b"\n"


@dataclass(frozen=True, kw_only=True)
class Delay:
    """Every answer, and every word of a watch, comes later."""

    which: Which
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Freeze:
    """Requests are accepted and never answered; watches fall silent, and break off when it is over."""

    which: Which


@dataclass(frozen=True, kw_only=True)
class Strike:
    """Something happens before a request is passed on, or before its answer is; then the connection ends.

    Args:
        which: The requests that are meant.
        moment: Whether the API server gets the request.
        act: What happens; it is given who asked, as ``Authorization`` says.
    """

    which: Which
    moment: Moment
    act: Callable[[str], None]


Fault: TypeAlias = Refuse | Expire | Delay | Freeze | Strike


def status_object(status: int) -> bytes:
    """What the API server says with an error of this status."""
    reasons = {429: "TooManyRequests", 410: "Expired", 503: "ServiceUnavailable"}
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Status",
            "metadata": {},
            "status": "Failure",
            "message": "a fault of the test's own",
            "reason": reasons.get(status, "InternalError"),
            "code": status,
        }
    ).encode()
