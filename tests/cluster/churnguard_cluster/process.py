"""Processes that a rig starts, and how to find and end each of them, even after their starter was killed.

Nothing is written down when a process starts, because a starter killed between the two would leave a process that
nobody knows. Instead each process carries the folder of its rig in its environment, as all its descendants do unless
they drop it, and ``/proc`` is the record.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from churnguard_cluster.errors import PieceFailedError

MARK: Final = "CHURNGUARD_RIG"
START_SECONDS: Final = 60.0
STOP_SECONDS: Final = 10.0
POLL_SECONDS: Final = 0.05
LOG_LINES: Final = 30


@dataclass(frozen=True, kw_only=True)
class Identity:
    """A process for good: its number alone is another's one day."""

    pid: int
    started: str

    @classmethod
    def of(cls, pid: int) -> Identity | None:
        """The living process of this number; a zombie, which only waits to be reaped, does not live."""
        try:
            boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
            # The second field is the program's name in brackets and may hold anything, brackets and blanks too.
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return None
        state, ticks = fields[0], fields[19]
        return None if state in "ZX" else cls(pid=pid, started=f"{boot}/{ticks}")

    def is_alive(self) -> bool:
        return Identity.of(self.pid) == self


@dataclass(frozen=True, kw_only=True)
class Process:
    """A started program, the leader of a session and a process group of its own."""

    name: str
    identity: Identity
    log: Path
    popen: subprocess.Popen[bytes] = field(repr=False)

    def last_lines(self, *, count: int = LOG_LINES) -> str:
        """The end of what it has printed."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-count:])

    def wait_until(self, is_ready: Callable[[], bool], *, seconds: float = START_SECONDS) -> None:
        """Returns when ``is_ready``; PieceFailedError, with the end of the log, when it ends or takes too long."""
        deadline = time.monotonic() + seconds
        while not is_ready():
            with contextlib.suppress(subprocess.TimeoutExpired):
                code = self.popen.wait(timeout=POLL_SECONDS)
                raise PieceFailedError(f"{self.name} ended with exit code {code}; {self._log_ends()}")
            if time.monotonic() > deadline:
                raise PieceFailedError(f"{self.name} was not ready in {seconds:.0f} s; {self._log_ends()}")

    def stop(self, *, seconds: float = STOP_SECONDS) -> None:
        """Ends its process group: asks first, then kills. Nothing happens when it has ended already."""
        self.signal(signal.SIGTERM)
        try:
            self.popen.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """Ends its process group without asking."""
        self.signal(signal.SIGKILL)
        self.popen.wait()

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal to its process group, as long as it lives."""
        # Once waited for, the group's number may be another's.
        if self.popen.poll() is None:
            os.killpg(self.popen.pid, number)

    def _log_ends(self) -> str:
        return f"its log {self.log} ends:\n{self.last_lines()}"


def start(
    *,
    name: str,
    command: Sequence[str],
    folder: Path,
    log: Path,
    environment: Mapping[str, str],
    pass_fds: Sequence[int] = (),
) -> Process:
    """Starts a program with exactly this environment; both streams go to the log."""
    with log.open("ab") as output:
        popen = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=environment,
            pass_fds=pass_fds,
            start_new_session=True,
        )
    # A program that has ended at once is a zombie until it is waited for; `wait_until` reports it.
    identity = Identity.of(popen.pid) or Identity(pid=popen.pid, started="")
    return Process(name=name, identity=identity, log=log, popen=popen)


def bears_mark(pid: int, *, folder: Path) -> bool:
    """Whether a process belongs to the rig in this folder."""
    try:
        return f"{MARK}={folder}".encode() in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return False  # ended meanwhile, or another user's


def kill_all(is_meant: Callable[[int], bool]) -> None:
    """Kills every process of the machine that is meant, until there is none: one may start another as it dies."""
    while found := [pid for pid in _processes() if is_meant(pid)]:
        for pid in found:
            _kill(pid, is_meant=is_meant)
        time.sleep(POLL_SECONDS)  # between two looks


def _kill(pid: int, *, is_meant: Callable[[int], bool]) -> None:
    with contextlib.suppress(ProcessLookupError), contextlib.ExitStack() as stack:
        descriptor = os.pidfd_open(pid)
        stack.callback(os.close, descriptor)
        # The descriptor stays with its process, while the number may have become another's since the first look.
        if is_meant(pid):
            signal.pidfd_send_signal(descriptor, signal.SIGKILL)


def _processes() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
