"""Bad events: why an event was refused, without anything that it held but what names it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal, NamedTuple, get_args

import msgspec
from msgspec import Struct

from churnguard_core.events.envelope import Envelope

Reason = Literal["malformed", "too_large", "schema", "duplicate", "clock_skew", "unstorable"]
"""Why an event is bad, the gravest first: no JSON that can be kept; beyond a limit of size; fields wrong or missing;
with the id and time of another event; happened outside of the days that are kept; refused by the store."""

BAD_EVENT_VERSION: Final[Literal[1]] = 1
MOST_PROBLEMS: Final = 20
"""Problems named of one event; the others are counted."""


class Problem(Struct, frozen=True, omit_defaults=True):
    """One thing that is wrong with an event: where (empty: the whole event), and what. Neither repeats a value."""

    path: str
    message: str


class Finding(NamedTuple):
    """A problem, and what kind of badness it is."""

    reason: Reason
    problem: Problem


def finding(reason: Reason, path: str, message: str) -> Finding:
    """A finding, in one line."""
    return Finding(reason, Problem(path, message))


UNSTORABLE: Final = finding("unstorable", "", "the store cannot keep it")


def gravest(findings: Sequence[Finding]) -> Reason:
    """The one reason of an event with these findings."""
    return min((each.reason for each in findings), key=get_args(Reason).index)


def problems_of(findings: Sequence[Finding]) -> tuple[Problem, ...]:
    """What is shown of findings: a bounded number of problems."""
    shown = [each.problem for each in findings[:MOST_PROBLEMS]]
    if hidden := len(findings) - len(shown):
        shown.append(Problem("", f"and {hidden} more problems"))
    return tuple(shown)


class BadEvent(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A refused event; ``source`` is the key that it came with.

    ``message_id`` and ``subject`` are there when the event had them in good shape.
    """

    version: Literal[1]
    workspace: str
    source: str
    reason: Reason
    problems: tuple[Problem, ...]
    received_at: datetime
    message_id: str | None = None
    subject: str | None = None


def bad_event_of(event: Envelope, found: Finding) -> BadEvent:
    """An event that was accepted, and cannot be kept all the same."""
    return BadEvent(
        version=BAD_EVENT_VERSION,
        workspace=event.workspace,
        source=event.source,
        reason=found.reason,
        problems=(found.problem,),
        received_at=event.received_at,
        message_id=event.message_id,
        subject=event.subject,
    )


_encoder = msgspec.json.Encoder()


def encode_bad_event(bad: BadEvent) -> bytes:
    """The bad event as JSON."""
    return _encoder.encode(bad)
