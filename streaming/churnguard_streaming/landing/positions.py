"""Where each partition is read from, and where the database believes it to be. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from churnguard_eventstore.offsets import Move


class LogWentBack(Exception):  # noqa: N818 - names the fact
    """Records came that were read before: the log is another one than it was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Where to read from, and what is odd about it.

    ``missing`` records were deleted before they landed. ``is_new_log``: fewer records are there than have landed, so
    all of them are read; those that have landed are there once all the same.
    """

    offset: int
    missing: int = 0
    is_new_log: bool = False


def start_of(stored: int, *, low: int, high: int) -> Start:
    """Where to start a partition.

    Args:
        stored: Offset of the next record to land, 0 when nothing has landed.
        low: Offset of the first record that Kafka has.
        high: Offset of the next record that will be written.
    """
    if stored > high:
        return Start(offset=low, is_new_log=True)
    return Start(offset=max(stored, low), missing=max(0, low - stored) if stored else 0)


@dataclass(slots=True)
class Positions:
    """The partitions that are read now."""

    _stored: dict[int, int] = field(default_factory=dict)
    _next: dict[int, int] = field(default_factory=dict)

    def begin(self, partition: int, *, stored: int, start: int) -> None:
        """A partition is ours from here on."""
        self._stored[partition] = stored
        self._next[partition] = start

    def end(self, partitions: Iterable[int]) -> None:
        """Partitions are no longer ours."""
        for partition in partitions:
            self._stored.pop(partition, None)
            self._next.pop(partition, None)

    def __contains__(self, partition: int) -> bool:
        return partition in self._next

    @property
    def next(self) -> Mapping[int, int]:
        """Offset of the next record to land, by partition."""
        return self._next

    def moves(self, spans: Mapping[int, tuple[int, int]]) -> Sequence[Move]:
        """How a batch moves the offsets.

        Args:
            spans: Of each partition, the offset of its first record and the one after its last.

        Raises:
            LogWentBack: A record lies before the place that is read from.
        """
        for partition, (first, _) in spans.items():
            if first < self._next[partition]:
                raise LogWentBack
        return [
            Move(partition=partition, was=self._stored[partition], next=end)
            for partition, (_, end) in spans.items()
        ]

    def moved(self, moves: Iterable[Move]) -> None:
        """These have landed."""
        for move in moves:
            self._stored[move.partition] = self._next[move.partition] = move.next
