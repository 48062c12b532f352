"""Whether the loop goes on. Pure.

A restart heals a step that never ends; it does not heal one that fails and is made again, such as reaching a database
that is away.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

LONGEST_STEP_SECONDS: Final = 300.0
"""A step that takes longer will not end.

What waits for others ends by itself before, with an error if need be: a part of a batch is some ten statements of at
most 10 s each, and at most 15 s for Kafka to acknowledge bad events; partitions that come wait up to 30 s for the
database, and up to 5 s for each of them for a broker; a new connection checks tables and makes partitions, again by
statements of 10 s. A limit that a slow database or broker could reach would do harm: after a restart they are as slow.
"""


class Liveness:
    """Remembers when the last step ended, and knows how long the next one may take.

    A step is what the loop waits for: an answer of the thread that reads, a connection, a part of a batch, an attempt
    that failed.

    Args:
        clock: Seconds that only grow.
    """

    def __init__(self, *, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._ended = clock()

    def step_ended(self) -> None:
        """Something came to its end, well or badly."""
        self._ended = self._clock()

    def problem(self) -> str | None:
        """Why only a restart helps; None while the loop goes on."""
        seconds = self._clock() - self._ended
        return f"one step has taken {seconds:.0f} s" if seconds > LONGEST_STEP_SECONDS else None
