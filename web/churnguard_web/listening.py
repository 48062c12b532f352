"""The socket that a server listens on."""

from __future__ import annotations

import socket
import time


def listen(*, host: str, port: int) -> socket.socket:
    """A socket that listens; OSError, which names the address, when it cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise OSError(f"cannot listen on {host}:{port}: {error.strerror}") from None


def readiness(listener: socket.socket, *, started: float) -> dict[str, str | int | float]:
    """What a server adds to its log line ``ready``: where it listens, and how long it took to get there.

    Args:
        listener: Its socket.
        started: When the program was, by the monotonic clock.
    """
    host, port = listener.getsockname()[:2]
    return {"host": host, "port": port, "seconds": round(time.monotonic() - started, 3)}
