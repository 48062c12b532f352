"""Events that may be kept. Pure."""

from __future__ import annotations

from msgspec import Struct

from churnguard_core.events.envelope import Envelope


class Accepted(Struct, gc=False):
    """An event that may be kept.

    ``message_id`` is the one to answer: as it was sent, or made here when there was none. ``encoded`` is the envelope's
    JSON. ``places`` are those of its results, more than one when it was sent twice.
    """

    message_id: str
    envelope: Envelope
    encoded: bytes
    places: tuple[int, ...]
