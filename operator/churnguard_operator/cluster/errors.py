"""What can go wrong between the operator and the API server.

ClusterError
+-- UnreachableError        no answer, after all tries
+-- ApiError                an answer that says no: status, reason, message
    +-- NotFoundError       404
    +-- ConflictError       409: somebody else was faster, or owns the field
    +-- ForbiddenError      403: no right, a quota, an admission webhook
    +-- GoneError           410: that version is too old
"""

from __future__ import annotations

import http
import json
from typing import Any


class ClusterError(Exception):
    """A request that did not do what it should."""


class UnreachableError(ClusterError):
    """The API server did not answer."""


class ApiError(ClusterError):
    """The API server refused."""

    def __init__(self, *, status: int, reason: str, message: str, request: str) -> None:
        super().__init__(f"{request}: {status} {reason}: {message}")
        self.status = status
        self.reason = reason
        self.message = message


class NotFoundError(ApiError):
    """There is no such object, or no such kind."""


class ConflictError(ApiError):
    """The object is not the one that was seen."""


class ForbiddenError(ApiError):
    """The operator may not do this."""


class GoneError(ApiError):
    """What was asked about is too long ago."""


_BY_STATUS: dict[int, type[ApiError]] = {
    http.HTTPStatus.NOT_FOUND: NotFoundError,
    http.HTTPStatus.CONFLICT: ConflictError,
    http.HTTPStatus.FORBIDDEN: ForbiddenError,
    http.HTTPStatus.GONE: GoneError,
}


def error_of(*, status: int, body: bytes, request: str) -> ApiError:
    """The error that an answer stands for, with what the API server said in its ``Status`` object."""
    said = _status_object(body)
    reason = said.get("reason")
    message = said.get("message")
    return _BY_STATUS.get(status, ApiError)(
        status=status,
        reason=reason if isinstance(reason, str) else "",
        # A proxy between here and there answers in its own words.
        message=message if isinstance(message, str) else body[:500].decode(errors="replace"),
        request=request,
    )


def _status_object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
