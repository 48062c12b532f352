"""A landing as a process."""

from __future__ import annotations

import json
import os
import signal
from contextlib import closing
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

from churnguard_servers.clients import exchange
from churnguard_servers.processes import until
from churnguard_servers.programs import Program


@dataclass(frozen=True, kw_only=True)
class Landing(Program):
    """A landing that runs, or ran."""

    def get(self, path: str) -> tuple[int, bytes]:
        """Status and body."""
        with closing(self.connect()) as connection:
            answer = exchange(connection, "GET", path)
        return answer.status, answer.body

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

    def freeze(self) -> None:
        """It goes on when ``thaw`` is called, and knows nothing of the time between."""
        os.kill(self.process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self.process.pid, signal.SIGCONT)
