"""What a sink is given."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from msgspec import Raw

from churnguard_collector.accepted import Accepted
from churnguard_core.events.bad import BadEvent, Problem
from churnguard_core.events.envelope import Envelope, encode_envelope

NOW: Final = datetime.now(UTC)
BAD: Final = BadEvent(
    version=1,
    workspace="demo",
    source="server",
    reason="schema",
    problems=(Problem("event", "required in track"),),
    received_at=NOW,
)


def event(name: str, *, properties: bytes = b"{}", at: datetime = NOW) -> Accepted:
    """An event of a subject of its own; ``name`` is its message id."""
    envelope = Envelope(
        version=1,
        workspace="demo",
        message_id=name,
        type="track",
        subject=f"k1_{name}",
        properties=Raw(properties),
        context=Raw(b"{}"),
        original_timestamp=at,
        timestamp=at,
        received_at=NOW,
        source="server",
    )
    return Accepted(envelope, encode_envelope(envelope), ())
