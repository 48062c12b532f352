"""The statements that keep events and bad events, and their arguments."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from churnguard_core.events.bad import BadEvent
from churnguard_core.events.envelope import Envelope

_EVENT_COLUMNS: Final = (
    ("workspace", "text"),
    ("message_id", "text"),
    ("original_timestamp", "timestamptz"),
    ("timestamp", "timestamptz"),
    ("received_at", "timestamptz"),
    ("type", "text"),
    ("subject", "text"),
    ("anonymous_subject", "text"),
    ("previous_subject", "text"),
    ("group_subject", "text"),
    ("name", "text"),
    ("category", "text"),
    ("properties", "jsonb"),
    ("context", "jsonb"),
    ("source", "text"),
)
_BAD_COLUMNS: Final = (
    ("workspace", "text"),
    ("source", "text"),
    ("reason", "text"),
    ("problems", "jsonb"),
    ("received_at", "timestamptz"),
    ("message_id", "text"),
    ("subject", "text"),
)


def _insert(table: str, columns: Sequence[tuple[str, str]]) -> str:
    names = ", ".join(name for name, _ in columns)
    arrays = ", ".join(f"${place}::{kind}[]" for place, (_, kind) in enumerate(columns, start=1))
    return f"INSERT INTO churnguard.{table} ({names}) SELECT * FROM unnest({arrays})"  # noqa: S608 - constants


# An event that is there already, or twice in these arrays, is one row.
KEEP_EVENTS: Final = _insert("events", _EVENT_COLUMNS) + " ON CONFLICT DO NOTHING"
KEEP_BAD_EVENTS: Final = _insert("bad_events", _BAD_COLUMNS)
EVENT_NAMES: Final = tuple(name for name, _ in _EVENT_COLUMNS)
"""Columns of an ``event_row``."""

_encode = msgspec.json.Encoder().encode


def order_of(envelope: Envelope) -> tuple[str, str, datetime]:
    """Transactions that insert in one order never wait for one another in a circle."""
    return (envelope.workspace, envelope.message_id, envelope.original_timestamp)


def event_row(event: Envelope) -> tuple[Any, ...]:
    """The event's row, a value for each column."""
    return (
        event.workspace,
        event.message_id,
        event.original_timestamp,
        event.timestamp,
        event.received_at,
        event.type,
        event.subject,
        event.anonymous_subject,
        event.previous_subject,
        event.group_subject,
        event.name,
        event.category,
        str(event.properties, "utf-8"),
        str(event.context, "utf-8"),
        event.source,
    )


def event_arrays(envelopes: Iterable[Envelope]) -> list[list[Any]]:
    """Arguments of ``KEEP_EVENTS``: an array for each column."""
    return [list(column) for column in zip(*map(event_row, envelopes), strict=True)]


def bad_event_arrays(bad: Iterable[BadEvent]) -> list[list[Any]]:
    """Arguments of ``KEEP_BAD_EVENTS``."""
    rows = [
        (
            each.workspace,
            each.source,
            each.reason,
            _encode(each.problems).decode(),
            each.received_at,
            each.message_id,
            each.subject,
        )
        for each in bad
    ]
    return [list(column) for column in zip(*rows, strict=True)]
