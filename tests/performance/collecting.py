"""What an acknowledged event costs the collector's processor and its peer's, with the same real Kafka behind both.

Processor time per request hardly depends on what else a machine does; all threads of the server are in it, those of
Kafka's client too. The broker and the load have the other cores.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from prometheus_client.parser import text_string_to_metric_families

from churnguard_core.events.topics import EVENTS
from churnguard_servers.kafka import Installation, KafkaCluster
from collecting_floors import plain_uvicorn, producer_microseconds
from load import measure, resident_mebibytes
from pinned import Pinned, free_port, pinned
from rows import SMOKE, Row

HERE: Final = Path(__file__).parent
BUILD: Final = HERE.parent / "tools" / "build"
SECONDS: Final = 0.5
WINDOWS: Final = 2 if SMOKE else 30
CALLERS: Final = 256
BATCHES: Final = 32
"""At a time: one event each from many callers, or many events each from fewer."""
QUEUED: Final = 100_000
BATCH: Final = 50
LARGE_BATCH: Final = 500
MOST_SECONDS: Final = 60.0
PLAIN, PRIVATE = "sk_plain", "sk_private"


def collector_rows() -> Iterator[Row]:
    """The table of the collector; empty where there is no Kafka, or a process's time cannot be read."""
    if not Path("/proc/self/stat").exists():
        print("  the collector: skipped, its processor time is read from /proc (Linux)")
        return
    installation = _installation()
    if installation is None:
        return
    with tempfile.TemporaryDirectory(prefix="churnguard-bench-kafka-") as folder:
        cluster = KafkaCluster(installation=installation, folder=Path(folder))
        try:
            cluster.make()
            cluster.start()
            prefix = cluster.new_event_topics(partitions=12)
            yield from _cost_rows(cluster, prefix=prefix, folder=Path(folder))
            yield from _memory_rows(cluster, prefix=prefix, folder=Path(folder))
        finally:
            cluster.stop()


def _cost_rows(cluster: KafkaCluster, *, prefix: str, folder: Path) -> Iterator[Row]:
    with _collector(cluster, prefix=prefix, folder=folder) as server:
        ours = _costs(server)
    with _peer(cluster, topic=prefix + EVENTS) as server:
        peer = _costs(server)
    with plain_uvicorn() as server:
        constant = _best(server, _request("/v1/track", _event(0), key=PLAIN), connections=CALLERS)
    produced = producer_microseconds(
        json.dumps(_event(0)).encode(),
        bootstrap=cluster.bootstrap,
        topic=prefix + EVENTS,
        batch=BATCH,
        batches=40 if SMOKE else 2_000,
    )
    names = ("one event, acknowledged by Kafka", f"batch of {BATCH}, privacy on, acknowledged")
    floors = ("a constant from plain uvicorn, same request", f"librdkafka alone, {BATCH} records")
    for what, cost, peers, reach, floor, least in zip(
        names, ours, peer, (60, 300), floors, (constant, produced), strict=True
    ):
        yield Row(what=f"collector: {what}", value=cost, unit="us", reach=reach)
        yield Row(what="  peer: FastAPI, pydantic, aiokafka", value=peers, unit="us")
        yield Row(what="  as a multiple of ours", value=peers / cost, unit="x", least=4)
        yield Row(what=f"  floor: {floor}", value=least, unit="us")


def _memory_rows(cluster: KafkaCluster, *, prefix: str, folder: Path) -> Iterator[Row]:
    with _collector(cluster, prefix=prefix, folder=folder) as server:
        yield Row(what="  resident memory, idle", value=resident_mebibytes(server.pid), unit="MB", reach=100)
        # Without its broker, the producer keeps what comes for some seconds.
        cluster.kill()
        request = _request("/v1/batch", _batch(LARGE_BATCH), key=PLAIN)
        with contextlib.ExitStack() as connections:
            for _ in range(QUEUED // LARGE_BATCH):
                address = ("127.0.0.1", server.port)
                connections.enter_context(socket.create_connection(address)).sendall(request)
            queued, most = _queued(server)
        yield Row(what=f"  with {queued:,} events queued", value=most, unit="MB", reach=280)


def _queued(server: Pinned) -> tuple[int, float]:
    """The most events that waited, and the memory at that time."""
    deadline, queued, most = time.monotonic() + MOST_SECONDS, 0, 0.0
    while queued < QUEUED and time.monotonic() < deadline:
        waiting = _backlog(server)
        if waiting < queued:
            break
        queued, most = waiting, max(most, resident_mebibytes(server.pid))
        time.sleep(0.05)  # between two looks
    return queued, most


def _backlog(server: Pinned) -> int:
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/metrics", timeout=60) as page:
        families = text_string_to_metric_families(page.read().decode())
    samples = [sample for family in families for sample in family.samples]
    return sum(int(each.value) for each in samples if each.name == "churnguard_collector_buffer_events")


def _costs(server: Pinned) -> tuple[float, float]:
    """Microseconds of the best window: for one event, and for a batch with privacy."""
    requests = (
        (_request("/v1/track", _event(0), key=PLAIN), CALLERS),
        (_request("/v1/batch", _batch(BATCH), key=PRIVATE), BATCHES),
    )
    one, many = (_best(server, request, connections=connections) for request, connections in requests)
    return one, many


def _best(server: Pinned, request: bytes, *, connections: int) -> float:
    loads = measure(
        port=server.port,
        pid=server.pid,
        request=request,
        connections=connections,
        seconds=SECONDS,
        windows=WINDOWS,
    )
    return min(load.cpu_microseconds for load in loads)


@contextlib.contextmanager
def _collector(cluster: KafkaCluster, *, prefix: str, folder: Path) -> Iterator[Pinned]:
    keys = folder / "keys.json"
    keys.write_text(json.dumps(_keys()))
    port = free_port()
    command = [sys.executable, "-m", "churnguard_collector", "serve", "--keys", str(keys), "--sink", "kafka"]
    command += ["--host", "127.0.0.1", "--port", str(port), "--drain-seconds", "0"]
    with _pinned(command, cluster, port=port, KAFKA_TOPIC_PREFIX=prefix) as server:
        yield server


@contextlib.contextmanager
def _peer(cluster: KafkaCluster, *, topic: str) -> Iterator[Pinned]:
    port = free_port()
    command = [sys.executable, str(HERE / "collecting_peer.py"), str(port), topic]
    with _pinned(command, cluster, port=port) as server:
        yield server


@contextlib.contextmanager
def _pinned(command: Sequence[str], cluster: KafkaCluster, *, port: int, **more: str) -> Iterator[Pinned]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("KAFKA_")}
    environment = {**inherited, "KAFKA_BOOTSTRAP": cluster.bootstrap, **more}
    with pinned(command, port=port, ready="/readyz", environment=environment) as server:
        yield server


def _installation() -> Installation | None:
    found = []
    for question in (("--path", "kafka"), ("--toolchain", "java")):
        done = subprocess.run([sys.executable, str(BUILD), *question], capture_output=True, text=True)
        if done.returncode:
            print(f"  the collector: skipped, no Kafka: {done.stderr.strip()}")
            return None
        found.append(Path(done.stdout.strip()))
    return Installation(jars=found[0], java=found[1] / "java")


def _request(path: str, body: Any, *, key: str) -> bytes:
    encoded = json.dumps(body, separators=(",", ":")).encode()
    credentials = base64.b64encode(f"{key}:".encode()).decode()
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    head += f"Authorization: Basic {credentials}\r\nContent-Length: {len(encoded)}\r\n\r\n"
    return head.encode() + encoded


def _batch(size: int) -> dict[str, Any]:
    return {"batch": [_event(number) for number in range(size)], "sentAt": datetime.now(UTC).isoformat()}


def _event(number: int) -> dict[str, Any]:
    """About 550 bytes, as a shop's page sends it."""
    return {
        "type": "track",
        "event": "Product Added",
        "userId": f"customer-{number % 97:06}",
        "anonymousId": f"8f3c1a52-0f3b-4c6e-9d53-{number:012}",
        "messageId": f"ajs-next-1772366400000-{number:012}",
        "timestamp": datetime.now(UTC).isoformat(),
        "properties": {
            "cart_id": f"cart-{number:08}",
            "product_id": "sku-4711",
            "category": "Shoes",
            "price": 79.9,
            "quantity": 1,
            "currency": "EUR",
        },
        "context": {
            "ip": "203.0.113.77",
            "locale": "de-DE",
            "page": {"path": "/shoes/4711", "referrer": "https://shop.example/shoes", "title": "Shoes"},
            "consent": {"categoryPreferences": {"Analytics": True, "Advertising": False}},
        },
    }


def _keys() -> dict[str, Any]:
    secret = {"version": 1, "secret": base64.b64encode(b"0123456789abcdef" * 2).decode()}
    privacy = {"ip": "truncate", "consent": "Analytics", "doNotTrack": True}
    return {
        "workspaces": {
            "plain": {"subjectKey": secret},
            "private": {"subjectKey": secret, "privacy": privacy},
        },
        "keys": [
            {
                "id": workspace,
                "sha256": hashlib.sha256(key.encode()).hexdigest(),
                "kind": "server",
                "workspace": workspace,
            }
            for key, workspace in ((PLAIN, "plain"), (PRIVATE, "private"))
        ],
    }


if __name__ == "__main__":
    for row in collector_rows():
        print(row, flush=True)
