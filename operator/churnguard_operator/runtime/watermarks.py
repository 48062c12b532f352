"""Do the watches still tell? Compared with lists, which do not depend on them.

A watch that is dead looks like one that has nothing to tell. A list knows better: what it has seen, the watch of the
same objects must have told of. One list alone says little, because its newest object may be newer than the last breath
of the watch, or gone before the watch began; two lists in a row, and not a word between them, say enough.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

PATIENCE_SECONDS: Final = 60.0
"""How far apart the two lists must be."""


class Stream(NamedTuple):
    """Objects of a kind, of one namespace or of all."""

    kind: str
    namespace: str | None


class Watermarks:
    """The newest version of each stream that a watch has told of, held against what lists have seen.

    Args:
        clock: Seconds that never go back.
    """

    def __init__(self, *, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._told: dict[Stream, int] = {}
        self._behind: dict[Stream, float] = {}
        self._silent: set[Stream] = set()

    def told(self, stream: Stream, *, version: int) -> None:
        """A watch told of an object in this version."""
        self._told[stream] = max(version, self._told.get(stream, 0))
        self._clear(stream)

    def listed(self, stream: Stream, *, version: int) -> None:
        """A list has seen this version, and none that is newer; 0 when there is nothing."""
        now = self._clock()
        if version <= self._told.get(stream, 0):
            self._clear(stream)
        elif now - self._behind.setdefault(stream, now) > PATIENCE_SECONDS:
            self._silent.add(stream)

    def forget(self, kind: str) -> None:
        """A kind that is not watched any more."""
        for stream in {*self._told, *self._behind, *self._silent}:
            if stream.kind == kind:
                self._told.pop(stream, None)
                self._clear(stream)

    def silent(self) -> tuple[Stream, ...]:
        """Streams whose watch has not told anything between lists that saw what it should have told of."""
        return tuple(sorted(self._silent, key=str))

    def _clear(self, stream: Stream) -> None:
        self._behind.pop(stream, None)
        self._silent.discard(stream)
