"""A landing as a process."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from churnguard_servers.processes import PATIENCE, Log, until


@dataclass(kw_only=True)
class Landing:
    """A landing that runs, or ran."""

    process: subprocess.Popen[str]
    log: Log
    _ready: list[dict[str, Any]] = field(default_factory=list)

    @property
    def port(self) -> int:
        if not self._ready:
            self._ready.append(self.log.wait_for("ready"))
        port: int = self._ready[0]["port"]
        return port

    def get(self, path: str) -> tuple[int, bytes]:
        """Status and body."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)) as connection:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read()

    def problem(self) -> str | None:
        """Why it is not ready."""
        _, body = self.get("/readyz")
        problem: str | None = json.loads(body).get("problem")
        return problem

    def wait_until_it_lands(self) -> None:
        until(lambda: self.problem() is None)

    def metric(self, name: str, **labels: str) -> float:
        """Sum of a metric's samples with these labels; 0 when there are none."""
        families = text_string_to_metric_families(self.get("/metrics")[1].decode())
        samples = [sample for family in families for sample in family.samples]
        wanted = f"churnguard_landing_{name}"
        return sum(
            each.value for each in samples if each.name == wanted and labels.items() <= each.labels.items()
        )

    def partitions(self) -> list[int]:
        """The partitions that it has now, by its log."""
        said = self.log.find("partitions")
        found: list[int] = said[-1]["partitions"] if said else []
        return found

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Signal it, and wait for its exit code."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    def freeze(self) -> None:
        """It goes on when ``thaw`` is called, and knows nothing of the time between."""
        os.kill(self.process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self.process.pid, signal.SIGCONT)
