"""Answers: statuses and headers of what the routes say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import Struct

from churnguard_collector.bodies import BadBody
from churnguard_core.events.results import Result, encode_answer
from churnguard_web.asgi import JSON, Headers

RETRY_SECONDS: Final = 1
JUST_JSON: Final[Headers] = (JSON,)


class Answer(Struct, frozen=True, kw_only=True, gc=False):
    """A status, a body, and headers besides its length."""

    status: int
    body: bytes
    headers: Headers = JUST_JSON


def error(status: int, text: str, *, headers: Headers = ()) -> Answer:
    """Nothing of the request was used; ``text`` says why."""
    return Answer(status=status, body=msgspec.json.encode({"error": text}), headers=(JSON, *headers))


def bad_body(bad: BadBody) -> Answer:
    """The body cannot be used."""
    return error(bad.status, bad.error)


def too_fast(*, seconds: int) -> Answer:
    """The key has sent too many events."""
    return error(429, "this key sends too many events", headers=(_retry_after(seconds),))


def for_one(results: Sequence[Result]) -> Answer:
    """A request of one event: its own status says what became of it."""
    if results[0].result == "drop" and results[0].reason not in ("no_consent", "do_not_track"):
        return Answer(status=400, body=encode_answer(results))
    return for_batch(results)


def for_batch(results: Sequence[Result]) -> Answer:
    """A request of many: 503 when any should come again.

    Whoever reads no results repeats the whole batch then. That is safe: what is kept already is kept once.
    """
    body = encode_answer(results)
    if "retry" in {each.result for each in results}:
        return Answer(status=503, body=body, headers=(JSON, _retry_after(RETRY_SECONDS)))
    return Answer(status=200, body=body)


def _retry_after(seconds: int) -> tuple[bytes, bytes]:
    return (b"retry-after", b"%d" % seconds)
