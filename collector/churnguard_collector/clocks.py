"""The sender's clock and ours. Pure."""

from __future__ import annotations

from datetime import datetime


def corrected_time(original: datetime, *, sent_at: datetime | None, received_at: datetime) -> datetime:
    """The moment of an event by our clock: as long before its receipt as it was before its sending by the sender's.

    A sender who says that it was sent before it happened is not believed, nor is one without ``sent_at``.
    """
    if sent_at is None or sent_at < original:
        return min(original, received_at)
    try:
        return received_at - (sent_at - original)
    except OverflowError:
        return min(original, received_at)
