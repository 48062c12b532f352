"""Addresses to listen on: whether they are free, and how a caller reaches them."""

from __future__ import annotations

import errno
import socket
from typing import Final

_EVERYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - what others gave
_LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")


def problem_with(host: str, port: int) -> str | None:
    """Why nothing can listen on an address; None when something can. It is free again when this returns."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return f"port {port} of {host or 'this machine'} is taken: another program listens there"
        return f"cannot listen on port {port} of {host}: {error.strerror or error}"
    return None


def reachable(host: str) -> str:
    """The address by which this machine reaches a server that listens on ``host``."""
    return _EVERYWHERE.get(host, host)


def typed_url(host: str, port: int) -> str:
    """The server's address as people type it on this machine."""
    name = reachable(host)
    if name in _LOOPBACK:
        name = "localhost"
    return f"{f'[{name}]' if ':' in name else name}:{port}"
