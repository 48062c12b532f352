"""Networks of rigs: a namespace keeps addresses to itself, the host gives out free ports."""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import subprocess
from collections.abc import Iterator

import pytest

from churnguard_cluster import process
from churnguard_cluster.doors import open_door
from churnguard_cluster.errors import ClusterError, UnsupportedError
from churnguard_cluster.namespace import FORWARDING, RIG_ADDRESS, HostNetwork, NetworkNamespace, run
from churnguard_cluster.process import Identity
from churnguard_cluster.rig import Rig
from churnguard_cluster.state import State

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root")
PORT = 6443


@pytest.fixture
def networks() -> Iterator[tuple[NetworkNamespace, NetworkNamespace]]:
    """Two namespaces side by side."""
    first, second = (NetworkNamespace(name=f"churnguard-test-{secrets.token_hex(4)}") for _ in range(2))
    for each in (first, second):
        each.create()
    yield first, second
    for each in (first, second):
        each.delete()


def interfaces() -> str:
    return run("ip", "-brief", "address") + run("ip", "route")


@needs_root
def test_two_namespaces_use_the_same_address_and_port_and_the_host_sees_neither(
    networks: tuple[NetworkNamespace, NetworkNamespace],
) -> None:
    listeners = [each.listen(RIG_ADDRESS, PORT) for each in networks]
    try:
        for network, listener in zip(networks, listeners, strict=True):
            with network.connect(RIG_ADDRESS, PORT, seconds=5) as caller:
                accepted, address = listener.accept()
                accepted.close()
                assert address == caller.getsockname()
        assert RIG_ADDRESS not in interfaces()
    finally:
        for each in listeners:
            each.close()


@needs_root
def test_the_host_is_as_before_when_a_namespace_is_deleted() -> None:
    before = interfaces()
    network = NetworkNamespace(name=f"churnguard-test-{secrets.token_hex(4)}")
    network.create()
    network.add_address("10.250.1.1")
    assert interfaces() == before
    network.delete()
    network.delete()
    assert interfaces() == before
    assert network.name not in run("ip", "netns", "list")


@needs_root
def test_a_call_into_a_namespace_leaves_this_thread_where_it_was(
    networks: tuple[NetworkNamespace, NetworkNamespace],
) -> None:
    before = os.readlink("/proc/thread-self/ns/net")
    inside = networks[0].call(lambda: os.readlink("/proc/thread-self/ns/net"))
    assert inside != before
    assert os.readlink("/proc/thread-self/ns/net") == before


@needs_root
def test_a_namespace_forwards_for_pods(networks: tuple[NetworkNamespace, NetworkNamespace]) -> None:
    assert networks[0].call(FORWARDING.read_text).strip() == "1"


@needs_root
def test_an_error_inside_a_namespace_comes_out(
    networks: tuple[NetworkNamespace, NetworkNamespace],
) -> None:
    with pytest.raises(ConnectionRefusedError):
        networks[0].connect(RIG_ADDRESS, 1, seconds=5)


@needs_root
def test_a_process_is_found_by_the_namespace_that_it_is_in(
    networks: tuple[NetworkNamespace, NetworkNamespace],
) -> None:
    first, second = networks
    sleeper = subprocess.Popen(first.command(["sleep", "600"]))
    try:
        while not first.holds(sleeper.pid) and sleeper.poll() is None:
            pass  # until it has entered
        assert not second.holds(sleeper.pid)
        assert not first.holds(os.getpid())
        process.kill_all(first.holds)
        assert Identity.of(sleeper.pid) is None
    finally:
        sleeper.kill()
        sleeper.wait()


@needs_root
def test_a_door_leads_from_the_host_to_an_address_of_the_rig(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHURNGUARD_STATE", str(tmp_path_factory.mktemp("state")))
    rig = Rig.create(State.of_user().create("doors"))
    try:
        with rig.network.listen(RIG_ADDRESS, PORT) as listener:
            door = open_door(rig, address=RIG_ADDRESS, port=PORT)
            with socket.create_connection((door.address, door.port), timeout=10) as caller:
                caller.sendall(b"question")
                caller.shutdown(socket.SHUT_WR)
                listener.settimeout(10)
                accepted, _ = listener.accept()
                with accepted:
                    # The forwarder passes on the end of the question, while the answer is still to come.
                    assert accepted.makefile("rb").read() == b"question"
                    accepted.sendall(b"answer")
                assert caller.makefile("rb").read() == b"answer"
        # Nobody listens any more: the end comes as such, or as a reset.
        with (
            socket.create_connection((door.address, door.port), timeout=10) as caller,
            contextlib.suppress(ConnectionResetError),
        ):
            assert caller.recv(1) == b""
    finally:
        rig.kill_processes()
        rig.network.delete()  # type: ignore[attr-defined]


def test_the_host_gives_each_port_once() -> None:
    network = HostNetwork()
    ports = [network.port(6443) for _ in range(50)]
    assert len(set(ports)) == 50


def test_the_host_takes_no_address_and_says_what_would() -> None:
    with pytest.raises(UnsupportedError, match="run the tests as root"):
        HostNetwork().add_address("10.250.1.1")


def test_a_command_that_fails_is_told_with_its_message() -> None:
    with pytest.raises(ClusterError, match=r"ls /nowhere/at/all: .*No such file"):
        run("ls", "/nowhere/at/all")


def test_a_command_that_is_not_installed_is_told_with_its_packages() -> None:
    with pytest.raises(ClusterError, match="no-such-program is not installed"):
        run("no-such-program")
