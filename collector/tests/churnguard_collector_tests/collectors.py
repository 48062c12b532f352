"""A collector as a process, and the plainest of clients."""

from __future__ import annotations

import http.client
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from churnguard_collector_tests.write_keys import SERVER
from churnguard_servers import clients
from churnguard_servers.clients import basic
from churnguard_servers.programs import Program


@dataclass(frozen=True, kw_only=True)
class Answer(clients.Answer):
    """An answer about events."""

    @property
    def results(self) -> list[str]:
        """What became of each event: ``ok``, or the reason why not."""
        return [each.get("reason", each["result"]) for each in self.json["results"]]


@dataclass(frozen=True, kw_only=True)
class Collector(Program):
    """A collector that runs, or ran."""

    keys: Path

    def ask(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """One request on a connection of its own; objects are sent as JSON."""
        connection = self.connect()
        try:
            return exchange(connection, method, path, body, headers or {})
        finally:
            connection.close()

    def send(self, path: str, body: Any, *, key: str | None = SERVER, **headers: str) -> Answer:
        """POST with a key; underscores in the names of headers stand for hyphens."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.ask("POST", path, body, {**(basic(key) if key else {}), **named})

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, headers=headers)

    def metric(self, name: str, **labels: str) -> float:
        """A sample of /metrics; 0 when it is not there."""
        families = text_string_to_metric_families(self.get("/metrics").body.decode())
        samples = [sample for family in families for sample in family.samples]
        return sum(each.value for each in samples if each.name == name and each.labels == labels)


def exchange(
    connection: http.client.HTTPConnection, method: str, path: str, body: Any, headers: Mapping[str, str]
) -> Answer:
    found = clients.exchange(connection, method, path, body, headers)
    return Answer(status=found.status, headers=found.headers, body=found.body)
