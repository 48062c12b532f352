"""Doors: ports on the host's loopback that lead to an address inside a rig's network."""

from __future__ import annotations

import socket
import sys
from dataclasses import dataclass

from churnguard_cluster.rig import Rig

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, kw_only=True)
class Door:
    """Where on the host an address of the rig is reached."""

    address: str
    port: int


def open_door(rig: Rig, *, address: str, port: int) -> Door:
    """A door to ``address:port``, which lasts as long as the rig; without a network of its own, that itself."""
    if not rig.network.is_own:
        return Door(address=address, port=port)
    # Opened here, outside, and handed over: the port is known at once, and callers wait until somebody accepts.
    with socket.create_server((LOOPBACK, 0), backlog=128) as listener:
        own_port = int(listener.getsockname()[1])
        descriptor = listener.fileno()
        rig.start(
            name=f"door-{own_port}",
            command=[
                *(sys.executable, "-m", "churnguard_cluster.forward"),
                *(f"--descriptor={descriptor}", f"--address={address}", f"--port={port}"),
            ],
            pass_fds=[descriptor],
        )
    return Door(address=LOOPBACK, port=own_port)
