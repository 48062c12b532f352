"""Signals on their way to a program that this one started.

The program has a process group of its own, so that Ctrl-C at the terminal reaches it once, through this process. The
first signal asks it to end, the second kills it; where there is a bound, so does the passing of time.
"""

from __future__ import annotations

import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

STOPPING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopping:
    """What has come, and who is told; ``signum`` is the signal that this process received last.

    Args:
        sent: What asks the program to end.
        seconds: How long it may take; None for as long as it likes.
    """

    def __init__(self, *, sent: signal.Signals, seconds: float | None) -> None:
        self.signum: int | None = None
        self._sent = sent
        self._seconds = seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._bound: threading.Timer | None = None

    def attach(self, process: subprocess.Popen[bytes]) -> None:
        """Name the receiver; a signal that came before it was there is passed on now."""
        self._process = process
        if self.signum is not None:
            self._ask(process)

    def receive(self, signum: int, _frame: FrameType | None) -> None:
        """Pass a signal on."""
        again, self.signum = self.signum is not None, signum
        if self._process is None:
            return
        if again:
            self._process.kill()
        else:
            self._ask(self._process)

    def release(self) -> None:
        """The program has ended."""
        if self._bound is not None:
            self._bound.cancel()

    def _ask(self, process: subprocess.Popen[bytes]) -> None:
        process.send_signal(self._sent)
        if self._seconds is not None:
            self._bound = threading.Timer(self._seconds, process.kill)
            self._bound.daemon = True
            self._bound.start()


@contextmanager
def forwarded_signals(*, sent: signal.Signals, seconds: float | None = None) -> Iterator[Stopping]:
    """Pass SIGINT, SIGTERM and the end of the terminal on, as described above."""
    stopping = Stopping(sent=sent, seconds=seconds)
    before = {
        signum: signal.signal(signum, stopping.receive)
        for signum in STOPPING
        if not _without_terminal(signum)
    }
    try:
        yield stopping
    finally:
        stopping.release()
        for signum, handler in before.items():
            signal.signal(signum, handler)


def _without_terminal(signum: signal.Signals) -> bool:
    """Whether nohup has said that the end of the terminal is not the end of this."""
    return signum == signal.SIGHUP and signal.getsignal(signum) == signal.SIG_IGN


class Interrupted(BaseException):
    """A signal came; like KeyboardInterrupt, no handler of errors may take it."""

    def __init__(self, signum: int) -> None:
        super().__init__(signum)
        self.signum = signum


class Interruption:
    """Breaks off what this process does at the first signal; later ones only hurry what is being cleared away."""

    def __init__(self) -> None:
        self._on_signal: Callable[[int], None] = self._break_off
        self._kept_back: int | None = None

    def receive(self, signum: int, _frame: FrameType | None) -> None:
        """Handle a signal."""
        self._on_signal(signum)

    def hold(self, hurry: Callable[[], None]) -> None:
        """From now on, a signal calls this and breaks nothing off."""
        self._on_signal = lambda _signum: hurry()

    @contextmanager
    def kept_back(self) -> Iterator[None]:
        """Let a signal wait for the end of this block, in which something begins that must be ended."""
        self._on_signal = self._keep_back
        try:
            yield
        finally:
            self._on_signal = self._break_off
            if self._kept_back is not None:
                self._break_off(self._kept_back)

    def _keep_back(self, signum: int) -> None:
        self._kept_back = signum

    def _break_off(self, signum: int) -> None:
        # The next one must not break off what the first one begins.
        self._on_signal = _ignore
        raise Interrupted(signum)


@contextmanager
def interrupting_signals() -> Iterator[Interruption]:
    """Let SIGINT, SIGTERM and the end of the terminal raise Interrupted in the main thread."""
    interruption = Interruption()
    before = {
        signum: signal.signal(signum, interruption.receive)
        for signum in STOPPING
        if not _without_terminal(signum)
    }
    try:
        yield interruption
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)


def _ignore(_signum: int) -> None:
    pass
