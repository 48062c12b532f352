"""What landing costs: events from a real Kafka into a real Postgres, each once.

Both are started here. Measured is the processor time of the landing and of its process in the database, while it works
through a topic that is full. The whole run counts; its best window tells how much a shared machine has disturbed it.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Final
from uuid import uuid4

import asyncpg
import pytest
from confluent_kafka import Producer
from msgspec import Raw

from churnguard_core.events import topics
from churnguard_core.events.envelope import Envelope, encode_envelope
from churnguard_core.events.topics import record_headers, record_key
from churnguard_servers.fixtures import running_kafka, running_postgres
from churnguard_servers.kafka import Installation, KafkaCluster
from load import cpu_seconds
from rows import SMOKE, Row

EVENTS: Final = 8_000 if SMOKE else 600_000
WINDOW: Final = 4_000 if SMOKE else 40_000
"""Records of a window, at least."""
WARM: Final = 4_000 if SMOKE else 40_000
"""Landed before the measurement: the first batches compile statements and grow buffers."""
REPEATED_EVERY: Final = 50
REPEATED_AFTER: Final = 1_000 if SMOKE else 20_000
"""So many events later: another batch than the first time."""
PARTITIONS: Final = 3
REACH: Final = 25
SECONDS: Final = 600.0
LOOK_SECONDS: Final = 0.02
TOOLS: Final = Path(__file__).parents[1] / "tools" / "build"
BACKENDS: Final = "SELECT pid FROM pg_stat_activity WHERE application_name = 'churnguard-land'"
LANDED: Final = "SELECT coalesce(sum(next_offset), 0)::bigint FROM churnguard.kafka_offsets"


@dataclass(frozen=True, kw_only=True)
class Moment:
    """Where landing is: records that landed, seconds of the clock and of both processors."""

    landed: int
    clock: float
    program: float
    backend: float


@dataclass(frozen=True, kw_only=True)
class Window:
    """What landing took between two moments: microseconds of both processors per record, and records per second."""

    program: float
    backend: float
    rate: float

    @classmethod
    def between(cls, begin: Moment, end: Moment) -> Window:
        """From one moment to another."""
        landed = end.landed - begin.landed
        return cls(
            program=(end.program - begin.program) / landed * 1e6,
            backend=(end.backend - begin.backend) / landed * 1e6,
            rate=landed / (end.clock - begin.clock),
        )

    @property
    def cost(self) -> float:
        """Of both."""
        return self.program + self.backend


def landing_rows() -> Iterator[Row]:
    """The table of landing; empty where there is no Kafka or no Postgres, or a process's time cannot be read."""
    if not Path("/proc/self/schedstat").exists():
        print("  landing: skipped, processor time is read from /proc (Linux)")
        return
    try:
        installation = Installation(jars=_tool("--path", "kafka"), java=_tool("--toolchain", "java") / "java")
        with (
            tempfile.TemporaryDirectory(prefix="churnguard-bench-landing-") as folder,
            running_postgres() as postgres,
            running_kafka(installation, folder=Path(folder) / "kafka", brokers=1) as kafka,
        ):
            yield from _measured(kafka, url=postgres.new_database())
    except (RuntimeError, pytest.skip.Exception) as missing:
        print(f"  landing: skipped, {missing}")


def _tool(*arguments: str) -> Path:
    done = subprocess.run([sys.executable, TOOLS, *arguments], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip())
    return Path(done.stdout.strip())


def _measured(kafka: KafkaCluster, *, url: str) -> Iterator[Row]:
    kafka.create_topic(topics.EVENTS, partitions=PARTITIONS)
    kafka.create_topic(topics.BAD_EVENTS, partitions=1)
    size, written = _fill(kafka.bootstrap)
    command = [sys.executable, "-m", "churnguard_streaming.landing", "run", "--host", "127.0.0.1"]
    environment = {**os.environ, "DATABASE_URL": url, "KAFKA_BOOTSTRAP": kafka.bootstrap}
    process = subprocess.Popen([*command, "--port", "0"], env=environment, stderr=subprocess.DEVNULL)
    try:
        moments, kept = asyncio.run(_watch(process, url=url, records=written))
    finally:
        process.terminate()
        process.wait()
    assert kept == EVENTS, f"{kept} rows of {EVENTS} events"
    windows = [Window.between(*each) for each in pairwise(moments)]
    whole, best = Window.between(moments[0], moments[-1]), min(windows, key=lambda window: window.cost)
    what = f"landing, Kafka to Postgres, {size} bytes, 2 % repeated"
    rate = f"{whole.rate:,.0f} events/s"
    yield Row(what=what, value=whole.cost, unit="CPU us", reach=REACH, remark=rate)
    yield Row(what="  of that the program", value=whole.program, unit="CPU us")
    yield Row(what="  and its process in the database", value=whole.backend, unit="CPU us")
    yield Row(what=f"  the best window of {len(windows)}", value=best.cost, unit="CPU us")


def _fill(bootstrap: str) -> tuple[int, int]:
    """Write all events, some of them twice; returns the bytes of one and the number of records."""
    producer = Producer(
        {
            "bootstrap.servers": bootstrap,
            "acks": "all",
            "partitioner": "murmur2_random",
            "compression.type": "lz4",
            "linger.ms": 5,
            "queue.buffering.max.messages": 2 * EVENTS,
        }
    )
    now = datetime.now(UTC)
    written, size = 0, 0
    again: deque[Envelope] = deque()
    for number in range(EVENTS):
        event = _event(number, now=now)
        if number % REPEATED_EVERY == 0:
            again.append(event)
        late = [again.popleft()] if len(again) * REPEATED_EVERY > REPEATED_AFTER else []
        for each in (event, *late):
            value = encode_envelope(each)
            key = record_key(workspace="demo", subject=each.subject)
            headers: list[tuple[str, str | bytes | None]] = [*record_headers(each)]
            producer.produce(topics.EVENTS, value, key=key, headers=headers)
            written, size = written + 1, len(value)
        producer.poll(0)
    assert producer.flush(SECONDS) == 0
    return size, written


def _event(number: int, *, now: datetime) -> Envelope:
    happened = now - timedelta(milliseconds=EVENTS - number)
    return Envelope(
        version=1,
        workspace="demo",
        message_id=str(uuid4()),
        type="track",
        subject=f"k1_{number * 2654435761 % 20_011:032x}",
        name="Product Added",
        properties=Raw(
            b'{"cart_id":"c-4711","product_id":"p-815","category":"shoes","price":59.9,"quantity":1}'
        ),
        context=Raw(b'{"library":{"name":"analytics.js","version":"2.1.0"},"locale":"de-DE"}'),
        original_timestamp=happened,
        timestamp=happened + timedelta(milliseconds=3),
        received_at=happened + timedelta(milliseconds=40),
        source="web",
    )


async def _watch(process: subprocess.Popen[bytes], *, url: str, records: int) -> tuple[list[Moment], int]:
    """The moments when it is warm, after each window and when all has landed, and the rows that are kept then."""
    connection = await asyncpg.connect(url)
    try:
        moments = [await _when(connection, process, landed=WARM)]
        while (landed := moments[-1].landed) < records:
            # No window is shorter than the others: the last one takes the rest.
            goal = landed + WINDOW if landed + 2 * WINDOW <= records else records
            moments.append(await _when(connection, process, landed=goal))
        return moments, await connection.fetchval("SELECT count(*) FROM churnguard.events")
    finally:
        await connection.close()


async def _when(connection: asyncpg.Connection, process: subprocess.Popen[bytes], *, landed: int) -> Moment:
    deadline = time.monotonic() + SECONDS
    while (found := await connection.fetchval(LANDED)) < landed:
        assert process.poll() is None, "the landing has ended"
        assert time.monotonic() < deadline, f"{found} of {landed} landed"
        await asyncio.sleep(LOOK_SECONDS)  # between two looks
    backends = [row["pid"] for row in await connection.fetch(BACKENDS)]
    return Moment(
        landed=found,
        clock=time.monotonic(),
        program=cpu_seconds(process.pid),
        backend=sum(cpu_seconds(pid) for pid in backends),
    )


if __name__ == "__main__":
    for row in landing_rows():
        print(row)
