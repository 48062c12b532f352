"""Results: what a collector answers about every event that it was sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec
from msgspec import Struct

from churnguard_core.events.bad import Problem, Reason

Verdict = Literal["ok", "drop", "retry"]
DropReason = Reason | Literal["no_consent", "do_not_track"]
RetryReason = Literal["unavailable", "overloaded"]


class Result(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel", gc=False):
    """What became of one event.

    ``ok``: it is kept, and survives whatever happens to the collector. ``drop``: it never will be, so to send it again
    is of no use; ``reason`` and ``problems`` say why. ``retry``: it may or may not be kept; send it again, with the
    same message id and timestamp.
    """

    message_id: str | None
    result: Verdict
    reason: DropReason | RetryReason | None = None
    problems: tuple[Problem, ...] = ()


class Answer(Struct, frozen=True, kw_only=True):
    """The body of an answer: a result for every event, in the order they came; ``success`` when all are ``ok``."""

    success: bool
    results: Sequence[Result]


_encoder = msgspec.json.Encoder()


def encode_answer(results: Sequence[Result]) -> bytes:
    """The answer as JSON."""
    verdicts = {each.result for each in results}
    return _encoder.encode(Answer(success=verdicts <= {"ok"}, results=results))
