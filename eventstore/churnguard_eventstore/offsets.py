"""How far the partitions of a topic have landed: kept beside the events, in the same transactions.

A partition's offset moves only from where its mover believes it to be. So of two who both believe that a partition is
theirs, one moves it, and the other one learns that it was wrong before it has kept anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import asyncpg


@dataclass(frozen=True, kw_only=True)
class Topic:
    """A topic: its name, and the id that no other topic has, in this cluster or another one."""

    name: str
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A partition's offset: what it is believed to be, and what it shall be."""

    partition: int
    was: int
    next: int


_BEGIN: Final = """
INSERT INTO churnguard.kafka_offsets (topic_id, topic, partition, next_offset)
SELECT $1, $2, unnest($3::int[]), 0
ON CONFLICT DO NOTHING
"""
_READ: Final = """
SELECT partition, next_offset FROM churnguard.kafka_offsets
WHERE topic_id = $1 AND partition = ANY($2::int[])
"""
_MOVE: Final = """
UPDATE churnguard.kafka_offsets AS kept SET next_offset = move.next_offset, moved_at = now()
FROM unnest($2::int[], $3::bigint[], $4::bigint[]) AS move (partition, was, next_offset)
WHERE kept.topic_id = $1 AND kept.partition = move.partition AND kept.next_offset = move.was
RETURNING kept.partition
"""


async def read_offsets(
    connection: asyncpg.Connection, topic: Topic, partitions: Iterable[int]
) -> Mapping[int, int]:
    """The offset of the next record of each partition; 0 where nothing has landed yet."""
    wanted = list(partitions)
    await connection.execute(_BEGIN, topic.id, topic.name, wanted)
    found = await connection.fetch(_READ, topic.id, wanted)
    return {row["partition"]: row["next_offset"] for row in found}


async def move_offsets(connection: asyncpg.Connection, topic: Topic, moves: Iterable[Move]) -> set[int]:
    """The partitions that were where they were believed to be, and have moved.

    Until the transaction ends nobody else can move those.
    """
    columns = zip(*((move.partition, move.was, move.next) for move in moves), strict=True)
    moved = await connection.fetch(_MOVE, topic.id, *(list(column) for column in columns))
    return {row["partition"] for row in moved}
