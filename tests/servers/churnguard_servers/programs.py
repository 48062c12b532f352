"""A program of ours that listens, as a process."""

from __future__ import annotations

import http.client
import signal
import subprocess
from dataclasses import dataclass, field
from typing import Any

from churnguard_servers import clients
from churnguard_servers.processes import PATIENCE, Log


@dataclass(frozen=True, kw_only=True)
class Program:
    """A program that runs, or ran."""

    process: subprocess.Popen[str]
    log: Log
    _ready: list[dict[str, Any]] = field(default_factory=list)

    @property
    def port(self) -> int:
        """Where it listens, once it says that it is ready."""
        if not self._ready:
            self._ready.append(self.log.wait_for("ready"))
        port: int = self._ready[0]["port"]
        return port

    def connect(self) -> http.client.HTTPConnection:
        return clients.connect(self.port)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Signal it, and wait for its exit code."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    def kill(self) -> None:
        """SIGKILL; it is gone when this returns."""
        self.process.kill()
        self.process.wait()

    def end(self) -> None:
        """Nothing of it is left, whatever it does."""
        self.kill()
        self.log.to_the_end()
