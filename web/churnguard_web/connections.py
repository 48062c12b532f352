"""All connections of a server: what they may take, and who must go.

A connection costs a file and some kilobytes, and callers that say nothing, say it byte by byte or never read what is
answered can have thousands of them. So each has deadlines, and where too many are open, those that have kept us waiting
the longest make room for new ones; a request that has come whole is never given up for others.

The deadlines are looked at once a second, for all connections in turn. A timer for each would cost every request more
than this costs thousands of quiet connections.
"""

from __future__ import annotations

import logging
import resource
from dataclasses import dataclass
from typing import Final, Protocol, cast

from uvicorn.server import ServerState

from churnguard_web.bodies import SECONDS_TO_DISCARD, SECONDS_TO_READ

log = logging.getLogger("churnguard.web")

MOST_CONNECTIONS: Final = 8192
FILES_FOR_OTHERS: Final = 256
"""Files that are no connections: databases, brokers, logs."""
SHARE_TO_CLOSE: Final = 16
"""One of so many connections is closed at once: to look for them costs as much as to look at all."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What connections may take; seconds that a caller may let us wait.

    ``read`` is for a request to come, ``idle`` for the next one to begin, ``unread`` for some of an answer to be read.
    """

    connections: int = MOST_CONNECTIONS
    read: float = SECONDS_TO_READ
    idle: float = (
        75.0  # longer than the usual 60 s of load balancers: who sends should be the first to hang up
    )
    unread: float = 60.0

    @property
    def answered(self) -> float:
        """For the body of a request that is being answered already: the application has a deadline of its own."""
        return 2 * self.read + SECONDS_TO_DISCARD


class Connection(Protocol):
    """What is asked of each connection."""

    since: float
    """When its caller's turn began, by the loop's clock."""

    @property
    def is_waiting(self) -> bool:
        """Whether it is the caller's turn: to begin a request, to send the rest of it, or to read the answer."""

    def keep_deadlines(self, limits: Limits, *, now: float) -> None:
        """Hang up if a deadline has passed."""

    def abort(self) -> None:
        """Hang up, whatever is under way."""


class Connections(ServerState):
    """uvicorn's state of a server, and who must go."""

    def __init__(self, limits: Limits) -> None:
        super().__init__()
        self.limits = limits

    def make_room(self) -> None:
        """Close those that have kept us waiting the longest, if there are too many."""
        if len(self.connections) <= self.limits.connections:
            return
        waiting = sorted((each for each in self._all if each.is_waiting), key=lambda each: each.since)
        closed = waiting[: max(1, len(self._all) // SHARE_TO_CLOSE)]
        for each in closed:
            each.abort()
            self._all.discard(each)
        extra = {"closed": len(closed), "most": self.limits.connections}
        log.warning("too many connections: those that waited longest are closed", extra=extra)

    def keep_deadlines(self, *, now: float) -> None:
        """Hang up on all whose deadlines have passed."""
        for each in list(self._all):
            each.keep_deadlines(self.limits, now=now)

    @property
    def _all(self) -> set[Connection]:
        # uvicorn knows only protocols of its own.
        return cast("set[Connection]", self.connections)


def most_connections() -> int:
    """How many connections this process can have, when it takes all the files that it may."""
    files, allowed = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_CONNECTIONS + FILES_FOR_OTHERS
    if files != resource.RLIM_INFINITY and files < wanted:
        files = wanted if allowed == resource.RLIM_INFINITY else min(wanted, allowed)
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, allowed))
    if files == resource.RLIM_INFINITY:
        return MOST_CONNECTIONS
    return max(1, min(MOST_CONNECTIONS, files - FILES_FOR_OTHERS))
