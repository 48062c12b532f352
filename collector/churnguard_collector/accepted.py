"""Events that may be kept. Pure."""

from __future__ import annotations

from msgspec import Struct

from churnguard_core.events.envelope import Envelope


class Accepted(Struct, gc=False):
    """An event that may be kept.

    ``encoded`` is the envelope's JSON. ``places`` are those of its results, more than one when it was sent twice.
    """

    envelope: Envelope
    encoded: bytes
    places: tuple[int, ...]
