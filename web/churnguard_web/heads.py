"""Heads of requests that come again and again.

A client that keeps its connection sends the same head with every request, but for the length of the body. To compare
bytes costs a twentieth of parsing them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_LENGTH: Final = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]+)(?=\r\n)", re.IGNORECASE)
_END: Final = b"\r\n\r\n"
_MOST_DIGITS: Final = 7
MOST_HEAD: Final = 4096
"""Longer heads are not kept: each connection keeps one."""


@dataclass(frozen=True, slots=True)
class RepeatedHead:
    """A request's head, up to the digits of its body's length and from there to its end."""

    before: bytes
    after: bytes

    @classmethod
    def of(cls, request: bytes, *, length: int) -> RepeatedHead | None:
        """The head of a whole request that a parser has understood.

        Args:
            request: Its bytes, from the first to the last.
            length: Of its body.
        """
        head = request[: len(request) - length]
        lengths = list(_LENGTH.finditer(head))
        if len(head) > MOST_HEAD or head.find(_END) != len(head) - len(_END) or len(lengths) != 1:
            return None
        return cls(head[: lengths[0].start(1)], head[lengths[0].end(1) :])

    def body_of(self, data: bytes) -> bytes | None:
        """The body, when the data are exactly one request with this head."""
        if not data.startswith(self.before):
            return None
        start = len(self.before)
        end = data.find(b"\r", start, start + _MOST_DIGITS + 1)
        digits = data[start:end]
        # Neither nothing nor a sign nor a space is a digit.
        if end < 0 or not digits.isdigit() or not data.startswith(self.after, end):
            return None
        body = data[end + len(self.after) :]
        return body if len(body) == int(digits) else None
