"""When to send a request again."""

from __future__ import annotations

from typing import Final

from churnguard_operator.cluster.requests import Request

DELAYS: Final = (0.2, 0.5, 1.0, 2.0, 4.0)
"""Seconds before each further try. Whoever asked tries again later, with a longer breath."""

LONGEST_RETRY_AFTER: Final = 10.0
TOO_MANY: Final = 429
UNAVAILABLE: Final = frozenset({500, 502, 503, 504})


def delay_before_retry(
    request: Request, *, attempt: int, status: int | None, retry_after: str | None
) -> float | None:
    """Seconds until the next try; None when there is none.

    Args:
        request: What was sent.
        attempt: How often it was sent, from 1.
        status: Status of the answer; None when there was none.
        retry_after: The answer's header of that name.
    """
    if attempt > len(DELAYS):
        return None
    # With 429 the API server has not even looked at the request.
    may_repeat = request.is_repeatable or status == TOO_MANY
    if not may_repeat or not (status is None or status == TOO_MANY or status in UNAVAILABLE):
        return None
    return max(DELAYS[attempt - 1], min(_seconds(retry_after), LONGEST_RETRY_AFTER))


def _seconds(header: str | None) -> float:
    # The API server gives seconds; a date, which others may give, is no reason to wait longer than usual.
    return float(header) if header is not None and header.isdigit() else 0.0
