"""Waiting for what a controller does in its own time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from churnguard_cluster.errors import ClusterError
from churnguard_cluster.process import POLL_SECONDS

Found = TypeVar("Found")

WAIT_SECONDS = 60.0


class NotInTimeError(ClusterError):
    """What was waited for has not come; the message says what was seen last."""


def wait_for(
    look: Callable[[], Found | None],
    *,
    what: str,
    seconds: float = WAIT_SECONDS,
    seen: Callable[[], object] = str,
) -> Found:
    """What ``look`` finds, as soon as it is neither none nor false; NotInTimeError after ``seconds``."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > deadline:
            raise NotInTimeError(f"waited {seconds:.0f} s for {what}; seen last: {seen()}")
        time.sleep(POLL_SECONDS)  # between two looks
    return found
