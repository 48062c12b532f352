"""A collector as a process, and clients that send to it as SDKs do: the same batch again when no answer comes."""

from __future__ import annotations

import base64
import hashlib
import http.client
import itertools
import json
import subprocess
import sys
import threading
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from churnguard_servers.processes import PATIENCE, Log

KEY = "sk_test"
PEOPLE = 97
BATCH = 50
CLIENTS = 2
ATTEMPTS = 200
PAUSE = 0.1
"""Seconds before a batch is sent again."""


def key_file() -> dict[str, Any]:
    """One workspace, and a key of a server."""
    secret = base64.b64encode(b"0123456789abcdef" * 2).decode()
    key = {"id": "server", "kind": "server", "workspace": "demo"}
    return {
        "workspaces": {"demo": {"subjectKey": {"version": 1, "secret": secret}}},
        "keys": [{**key, "sha256": hashlib.sha256(KEY.encode()).hexdigest()}],
    }


@dataclass(kw_only=True)
class Collector:
    """A collector that can be killed, and comes back at the same port."""

    keys: Path
    environment: dict[str, str]
    port: int = 0
    _processes: list[subprocess.Popen[str]] = field(default_factory=list)
    _logs: list[Log] = field(default_factory=list)

    def start(self) -> None:
        self.keys.write_text(json.dumps(key_file()))
        command = [sys.executable, "-m", "churnguard_collector", "serve", "--keys", str(self.keys)]
        command += ["--host", "127.0.0.1", "--port", str(self.port), "--keep-days", "10"]
        process = subprocess.Popen(
            [*command, "--drain-seconds", "0"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            cwd="/",
            env=self.environment,
        )
        self._processes.append(process)
        self._logs.append(Log(process.stderr))
        self.port = self._logs[-1].wait_for("ready")["port"]

    def kill(self) -> None:
        self._processes[-1].kill()
        self._processes[-1].wait()
        self._logs[-1].to_the_end()

    def stop(self) -> int:
        """Its exit code."""
        self._processes[-1].terminate()
        code = self._processes[-1].wait(PATIENCE)
        self._logs[-1].to_the_end()
        return code


class HttpLoad:
    """Batches sent to a collector until it is left."""

    def __init__(self, collector: Collector) -> None:
        self.sent: set[str] = set()
        self.acknowledged: set[str] = set()
        self.repeated = 0
        self._port = collector.port
        self._news = threading.Condition()
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._send, args=(each,), daemon=True) for each in range(CLIENTS)
        ]

    def __enter__(self) -> HttpLoad:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()

    def wait_for(self, more: int) -> None:
        """Until so many more events are answered ok than now."""
        with self._news:
            wanted = len(self.acknowledged) + more
            while (seen := len(self.acknowledged)) < wanted:
                assert self._news.wait_for(lambda: len(self.acknowledged) > seen, PATIENCE), "nothing goes on"

    def _send(self, client: int) -> None:
        for number in itertools.count():
            if self._stop.is_set():
                return
            batch = [_event(f"m-{client}-{number}-{place}") for place in range(BATCH)]
            with self._news:
                self.sent |= {each["messageId"] for each in batch}
            for attempt in range(ATTEMPTS):
                self.repeated += attempt > 0
                if self._is_answered(batch):
                    break
                self._stop.wait(PAUSE)

    def _is_answered(self, batch: list[dict[str, Any]]) -> bool:
        credentials = base64.b64encode(f"{KEY}:".encode()).decode()
        try:
            with closing(http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE)) as connection:
                body = json.dumps({"batch": batch})
                connection.request("POST", "/v1/batch", body, {"Authorization": f"Basic {credentials}"})
                answer = connection.getresponse()
                results = json.loads(answer.read()).get("results", [])
        except (OSError, http.client.HTTPException, ValueError):
            return False
        with self._news:
            self.acknowledged |= {each["messageId"] for each in results if each["result"] == "ok"}
            self._news.notify_all()
        return answer.status == 200


def _event(name: str) -> dict[str, Any]:
    return {
        "type": "track",
        "userId": f"u-{hash(name) % PEOPLE}",
        "event": "Product Added",
        "messageId": name,
        "timestamp": datetime.now(UTC).isoformat(),
        "properties": {"cart_id": "c1", "value": 30},
    }
