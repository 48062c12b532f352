"""What holds up a transaction of somebody else."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any

import asyncpg

from churnguard_servers.processes import until

PROGRAM = "churnguard-land"
WAITING = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = $1 AND wait_event_type = 'Lock'
"""


class Lock:
    """A transaction of the tests' own, open from entering until leaving.

    Args:
        url: The database.
        statement: What is executed in it; as it is, nobody else can write events.
    """

    def __init__(
        self, url: str, statement: str = "LOCK TABLE churnguard.events IN SHARE ROW EXCLUSIVE MODE"
    ) -> None:
        self._url = url
        self._statement = statement
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Lock:
        self._thread.start()
        self._holder = self._do(lambda: asyncpg.connect(self._url))
        self._watcher = self._do(lambda: asyncpg.connect(self._url))
        self._do(lambda: self._holder.execute("BEGIN"))
        self._do(lambda: self._holder.execute(self._statement))
        return self

    def wait_for_waiting(self) -> None:
        """Until a landing waits for a lock."""
        until(lambda: self._do(lambda: self._watcher.fetchval(WAITING, PROGRAM)) > 0)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._do(lambda: self._holder.execute("ROLLBACK"))
        for connection in (self._holder, self._watcher):
            self._do(connection.close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _do(self, work: Callable[[], Awaitable[Any]]) -> Any:
        async def run() -> Any:
            return await work()

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(120)
