"""A collector as a process that is killed and comes back."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from churnguard_servers.processes import Log
from churnguard_servers.programs import Program

KEY = "sk_test"


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
    _started: list[Program] = field(default_factory=list)

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
        self._started.append(Program(process=process, log=Log(process.stderr)))
        self.port = self._started[-1].port

    def kill(self) -> None:
        self._started[-1].end()

    def stop(self) -> int:
        """Its exit code."""
        code = self._started[-1].stop()
        self._started[-1].log.to_the_end()
        return code
