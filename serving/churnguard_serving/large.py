"""Large requests: answered by a thread, a few at a time, so that probes and small ones do not wait for them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

MOST_WAITING: Final = 16

_Result = TypeVar("_Result")


class Busy(Exception):  # noqa: N818 - a state of the server, not an error
    """As many large requests are waiting as may wait; this one should come again."""


class LargeRequests:
    """One thread: two would only take the interpreter from each other, and from the event loop."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="large-requests")
        self._waiting = 0

    async def run(self, work: Callable[[], _Result]) -> _Result:
        """The result of some work; Busy when too much is waiting already."""
        if self._waiting >= MOST_WAITING:
            raise Busy
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Let the thread end when it has nothing left to do."""
        self._thread.shutdown(wait=False)
