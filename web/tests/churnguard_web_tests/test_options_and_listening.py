from __future__ import annotations

import argparse
import resource
import socket
import time
from contextlib import closing

import pytest

from churnguard_web.connections import FILES_FOR_OTHERS, MOST_CONNECTIONS, most_connections
from churnguard_web.listening import listen, readiness
from churnguard_web.options import add_address, add_drain


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser()
    add_address(made, port=8080)
    add_drain(made)
    return made


def test_all_have_defaults() -> None:
    found = parser().parse_args([])
    assert (found.host, found.port, found.drain_seconds) == ("0.0.0.0", 8080, 10.0)


def test_bounds_belong_to_their_ranges() -> None:
    found = parser().parse_args(["--port", "65535", "--drain-seconds", "3600"])
    assert (found.port, found.drain_seconds) == (65535, 3600.0)


@pytest.mark.parametrize(
    ("option", "problem"),
    [
        (("--port", "65536"), "--port: 65536 is not between 0 and 65535"),
        (("--drain-seconds", "3601"), "--drain-seconds: 3601 is not between 0 and 3600"),
        (("--drain-seconds", "-0.5"), "-0.5 is not between 0 and 3600"),
    ],
)
def test_what_is_out_of_range_is_a_usage_error(
    option: tuple[str, str], problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        parser().parse_args(option)
    assert caught.value.code == 2
    assert problem in capsys.readouterr().err


def test_a_listening_socket_says_where_it_is() -> None:
    with closing(listen(host="127.0.0.1", port=0)) as listener:
        found = readiness(listener, started=time.monotonic() - 2)
        assert found["host"] == "127.0.0.1"
        assert found["port"] == listener.getsockname()[1] > 0
        assert float(found["seconds"]) >= 2
        with socket.create_connection(("127.0.0.1", int(found["port"]))):
            pass


def test_an_address_in_use_is_named() -> None:
    with closing(listen(host="127.0.0.1", port=0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(OSError, match=f"cannot listen on 127.0.0.1:{port}: Address already in use"):
            listen(host="127.0.0.1", port=port)


@pytest.mark.parametrize(
    ("limits", "taken", "connections_allowed"),
    [
        ((1024, 2048), 2048, 2048 - FILES_FOR_OTHERS),
        ((1024, 1_000_000), MOST_CONNECTIONS + FILES_FOR_OTHERS, MOST_CONNECTIONS),
        ((1024, resource.RLIM_INFINITY), MOST_CONNECTIONS + FILES_FOR_OTHERS, MOST_CONNECTIONS),
        ((1_000_000, 1_000_000), None, MOST_CONNECTIONS),
        ((resource.RLIM_INFINITY, resource.RLIM_INFINITY), None, MOST_CONNECTIONS),
        ((100, 100), 100, 1),
    ],
)
def test_as_many_connections_are_kept_as_files_allow(
    limits: tuple[int, int],
    taken: int | None,
    connections_allowed: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: limits)
    monkeypatch.setattr(resource, "setrlimit", lambda _, both: asked.append(both))
    assert most_connections() == connections_allowed
    assert asked == ([] if taken is None else [(taken, limits[1])])
