"""Where the processes of a rig have their addresses and ports: in a network namespace of their own, or on the host.

In a namespace every port is free and no address is taken, so two rigs never meet, and deleting it takes its addresses,
bridges and firewall rules along. It needs root. Without root a rig lives on the host's loopback, on free ports.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol, TypeVar

from churnguard_cluster.errors import ClusterError, UnsupportedError

CLONE_NEWNET: Final = 0x40000000
RUN_FOLDER: Final = Path("/run/netns")
# What this shows is the setting of the namespace that the reading thread is in.
FORWARDING: Final = Path("/proc/sys/net/ipv4/ip_forward")
# An address that is not loopback, as what the API server advertises must be. On `lo`, because not every kernel has
# dummy devices; in a namespace of its own it cannot collide with the machine's.
RIG_ADDRESS: Final = "10.250.0.1"
# The host has no address that the API server may advertise and that is sure to be there. This one is reserved for
# documentation, and nothing uses it, because the endpoint reconciler is off.
DOCUMENTATION_ADDRESS: Final = "192.0.2.1"

Result = TypeVar("Result")


class Network(Protocol):
    """The addresses and ports of a rig."""

    @property
    def address(self) -> str:
        """Address at which the rig's processes reach each other."""

    @property
    def advertised(self) -> str:
        """Address that the API server gives for itself inside the cluster."""

    @property
    def is_own(self) -> bool:
        """Whether the addresses belong to the rig alone."""

    def command(self, arguments: Sequence[str]) -> list[str]:
        """The command that runs ``arguments`` in this network."""

    def port(self, usual: int) -> int:
        """A free port: the usual one where nobody else can have it."""

    def add_address(self, address: str) -> None:
        """Makes an address the rig's own; UnsupportedError on the host."""

    def listen(self, address: str, port: int) -> socket.socket:
        """A listening socket in this network, for use by this process."""

    def connect(self, address: str, port: int, *, seconds: float) -> socket.socket:
        """A connected socket in this network, for use by this process."""


@dataclass(frozen=True, kw_only=True)
class HostNetwork:
    """The host's loopback, shared with everything that runs on the machine."""

    given: set[int] = field(default_factory=set)
    address: str = "127.0.0.1"
    advertised: str = DOCUMENTATION_ADDRESS
    is_own: bool = False

    def command(self, arguments: Sequence[str]) -> list[str]:
        return list(arguments)

    def port(self, usual: int) -> int:
        # The kernel may give a port again as long as nothing listens there.
        while True:
            with socket.create_server((self.address, 0)) as probe:
                port = int(probe.getsockname()[1])
            if port not in self.given:
                self.given.add(port)
                return port

    def add_address(self, address: str) -> None:
        raise UnsupportedError(
            f"the rig shares the host's network and cannot take the address {address}: run the tests as root"
        )

    def listen(self, address: str, port: int) -> socket.socket:
        return socket.create_server((address, port))

    def connect(self, address: str, port: int, *, seconds: float) -> socket.socket:
        return socket.create_connection((address, port), timeout=seconds)


@dataclass(frozen=True, kw_only=True)
class NetworkNamespace:
    """A named network namespace (``ip netns``) that belongs to one rig."""

    name: str
    address: str = RIG_ADDRESS
    advertised: str = RIG_ADDRESS
    is_own: bool = True

    @property
    def path(self) -> Path:
        return RUN_FOLDER / self.name

    def create(self) -> None:
        """Makes the namespace, with loopback up, the rig's address on it, and forwarding for pods."""
        run("ip", "netns", "add", self.name)
        run(*self.command(["ip", "link", "set", "lo", "up"]))
        self.add_address(self.address)
        self.call(lambda: FORWARDING.write_text("1"))

    def command(self, arguments: Sequence[str]) -> list[str]:
        # Not `ip netns exec`: it mounts /sys anew, and the cgroups are gone. nsenter replaces itself by the program,
        # so the process that was started is the program itself.
        return ["nsenter", f"--net={self.path}", "--", *arguments]

    def port(self, usual: int) -> int:
        return usual

    def add_address(self, address: str) -> None:
        run(*self.command(["ip", "address", "replace", f"{address}/32", "dev", "lo"]))

    def listen(self, address: str, port: int) -> socket.socket:
        return self.call(lambda: socket.create_server((address, port)))

    def connect(self, address: str, port: int, *, seconds: float) -> socket.socket:
        return self.call(lambda: socket.create_connection((address, port), timeout=seconds))

    def call(self, function: Callable[[], Result]) -> Result:
        """What ``function`` returns inside the namespace; its sockets stay there when it has returned."""
        results: list[Result] = []
        errors: list[BaseException] = []

        def enter_and_call() -> None:
            try:
                enter(self.path)
                results.append(function())
            except BaseException as error:
                errors.append(error)

        # A namespace is entered by a thread, not by a process, and this one ends with the call.
        thread = threading.Thread(target=enter_and_call, name=f"in {self.name}")
        thread.start()
        thread.join()
        for error in errors:
            raise error
        return results[0]

    def holds(self, pid: int) -> bool:
        """Whether a process is in the namespace, whoever started it."""
        try:
            return Path(f"/proc/{pid}/ns/net").stat().st_ino == self.path.stat().st_ino
        except OSError:
            return False  # ended meanwhile, or there is no namespace

    def delete(self) -> None:
        """Removes the namespace with all that is in it but processes; nothing happens when there is none."""
        if self.path.exists():
            run("ip", "netns", "delete", self.name)


def enter(path: Path) -> None:
    """Moves this thread into a network namespace."""
    # os.setns is there from Python 3.12 on.
    library = ctypes.CDLL(None, use_errno=True)
    with _opened(path) as descriptor:
        if library.setns(descriptor, CLONE_NEWNET) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(path))


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def run(*command: str) -> str:
    """What a command of the system prints; ClusterError with its message when it fails or is not installed."""
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError:
        raise ClusterError(
            f"{command[0]} is not installed: a network namespace needs iproute2 and util-linux"
        ) from None
    if done.returncode != 0:
        raise ClusterError(f"{' '.join(command)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout
