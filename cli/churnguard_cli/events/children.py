"""Programs that run beside this one until they are told to stop."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from typing import Final

from churnguard_cli.events.errors import CannotTakeEvents
from churnguard_cli.exits import how_it_ended
from churnguard_cli.server_log import Entry, read_entry

MOST_LINE_BYTES: Final = 64 * 1024
PROBE_SECONDS: Final = 10.0


@dataclass(kw_only=True)
class Child:
    """A program in a process group of its own, so that Ctrl-C at the terminal reaches it only through this one.

    Args:
        name: What it is called on the screen.
        process: The program, begun.
        stop_signal: What asks it to end.
        kill_signal: What ends it at once.
        stop_seconds: How long it may take when it is asked.
    """

    name: str
    process: subprocess.Popen[bytes]
    stop_signal: signal.Signals
    kill_signal: signal.Signals = signal.SIGKILL
    stop_seconds: float
    ended_by_itself: bool = False
    _is_stopping: bool = False
    _threads: list[threading.Thread] = field(default_factory=list)

    def watch(self, on_end: Callable[[], None]) -> None:
        """From now on, notice when it ends without being asked, and call this then, in a thread."""
        self._in_thread(lambda: self._wait(on_end))

    def stop(self) -> int:
        """Ask it to end, and wait for that, with a bound; its exit code."""
        self._is_stopping = True
        self.process.send_signal(self.stop_signal)
        try:
            self.process.wait(self.stop_seconds)
        except subprocess.TimeoutExpired:
            self.kill()
        for thread in self._threads:
            thread.join()
        return self.process.wait()

    def kill(self) -> None:
        """End it at once."""
        self.process.send_signal(self.kill_signal)

    def how_it_ended(self) -> str:
        """In words; it has ended."""
        return how_it_ended(self.process.wait())

    def _in_thread(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, name=f"watch {self.name}", daemon=True)
        thread.start()
        self._threads.append(thread)

    def _wait(self, on_end: Callable[[], None]) -> None:
        self.process.wait()
        if not self._is_stopping:
            self.ended_by_itself = True
            on_end()


@dataclass(kw_only=True)
class LoggedChild(Child):
    """One of our own programs: its log is read, shown where it is worth it, and says when it is ready."""

    on_entry: Callable[[Entry], None]
    problem: str = ""
    """What its log said last of a problem."""
    _port: int | None = None
    _known: threading.Event = field(default_factory=threading.Event)

    def read_log(self) -> None:
        """From now on, read its log."""
        self._in_thread(self._read)

    def wait_until_ready(self, *, host: str) -> int:
        """The port on which it listens at this address, when it says that it is ready.

        It may wait for something, and says so in its log.

        Raises:
            CannotTakeEvents: It ended before.
        """
        self._known.wait()
        while self._port is not None and self.process.poll() is None:
            if _is_ready(host, self._port):
                return self._port
            time.sleep(0.05)  # between two questions
        because = f": {self.problem}" if self.problem else ""
        raise CannotTakeEvents(f"{self.name} did not start ({self.how_it_ended()}){because}")

    def _read(self) -> None:
        assert self.process.stderr is not None  # noqa: S101 - for the type checker
        with self.process.stderr as log:
            while line := log.readline(MOST_LINE_BYTES):
                entry = read_entry(line)
                if (port := entry.ready_port) is not None:
                    self._port = port
                    self._known.set()
                elif entry.worth_showing:
                    self.problem = entry.problem or self.problem
                    self.on_entry(entry)
        self._known.set()


def begin(command: Sequence[str], *, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start one of our own programs, with a log to read."""
    return subprocess.Popen(
        command,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        process_group=0,  # see Child
    )


def _is_ready(host: str, port: int) -> bool:
    connection = HTTPConnection(host, port, timeout=PROBE_SECONDS)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
