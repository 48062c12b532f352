"""A server's life: it drains, it ends, it says what hinders it, and it leaves nothing behind."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb
from kserve.protocol.grpc.grpc_predict_v2_pb2_grpc import GRPCInferenceServiceStub

Server = Any
Start = Callable[..., Server]
PREDICT = "/v1/models/telco:predict"
ASKED = {"instances": [{"tenure": 1}]}


def test_a_draining_server_is_not_ready_at_once_and_goes_on_answering(start: Start) -> None:
    server = start("boosting", "--drain-seconds", "3600", grpc=True)
    kept = server.connect()
    kept.request("POST", PREDICT, json.dumps(ASKED))
    first = kept.getresponse()
    assert (first.status, first.getheader("connection")) == (200, None)
    first.read()

    server.process.send_signal(signal.SIGTERM)
    server.log.wait_for("draining")
    assert server.get("/v2/health/ready").status == 503
    assert server.get("/v2/models/telco/ready").status == 503
    assert server.get("/v1/models/telco").status == 503
    assert server.get("/v2/health/live").status == 200
    assert server.get("/").status == 200
    for path in (PREDICT, PREDICT.replace("predict", "explain")):
        answer = server.post(path, ASKED)
        assert (answer.status, answer.headers["connection"]) == (200, "close")
    assert server.post(PREDICT, b"{").headers["connection"] == "close"
    assert server.get("/metrics").headers["connection"] == "close"
    # A connection from before is answered once more, and then closed.
    kept.request("POST", PREDICT, json.dumps(ASKED))
    last = kept.getresponse()
    assert (last.status, last.getheader("connection")) == (200, "close")
    with grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel:
        stub = GRPCInferenceServiceStub(channel)
        assert not stub.ServerReady(pb.ServerReadyRequest(), timeout=10).ready
        tensor = {"name": "tenure", "shape": [1], "datatype": "INT64", "contents": {"int64_contents": [1]}}
        asked = pb.ModelInferRequest(model_name="telco", inputs=[tensor])
        assert stub.ModelInfer(asked, timeout=10).model_version == "golden-r1"
    assert server.stop(signal.SIGINT) == 0
    assert [json.loads(line)["message"] for line in server.log.to_the_end()] == [
        "ready",
        "draining",
        "stopped",
    ]


def test_a_request_under_way_is_answered_before_the_end(start: Start) -> None:
    server = start("boosting", "--drain-seconds", "0")
    body = json.dumps(ASKED).encode()
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as caller:
        head = f"POST {PREDICT} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
        caller.sendall(head.encode() + body[:5])
        # When what came later was answered, the head above has been read.
        assert [server.get("/v2/health/ready").status for _ in range(3)] == [200] * 3
        server.process.send_signal(signal.SIGTERM)
        server.log.wait_for("draining")
        caller.sendall(body[5:])
        answer = b"".join(iter(lambda: caller.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert b"connection: close" in answer
    assert server.process.wait(60) == 0


@pytest.mark.parametrize("requests", [0, 1])
def test_an_interrupt_ends_at_once(start: Start, requests: int) -> None:
    server = start("boosting", "--drain-seconds", "3600")
    kept = [server.connect() for _ in range(3)]
    assert server.port
    for connection in kept:
        for _ in range(requests):
            connection.request("GET", "/")
            connection.getresponse().read()
    assert server.stop(signal.SIGINT) == 0
    assert json.loads(server.log.to_the_end()[-1])["message"] == "stopped"
    for connection in kept:
        connection.close()


def test_an_interrupt_ends_a_drain(start: Start) -> None:
    server = start("boosting", "--drain-seconds", "3600")
    assert server.port
    server.process.send_signal(signal.SIGTERM)
    server.log.wait_for("draining")
    assert server.stop(signal.SIGINT) == 0


def test_a_second_interrupt_does_not_wait_for_requests_that_have_begun(start: Start) -> None:
    server = start("boosting", "--drain-seconds", "3600")
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as caller:
        caller.sendall(f"POST {PREDICT} HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{{".encode())
        assert [server.get("/v2/health/ready").status for _ in range(3)] == [200] * 3
        server.process.send_signal(signal.SIGINT)
        # The first one has arrived when no more connections are accepted.
        while _accepts(server.port):
            pass
        assert server.stop(signal.SIGINT) == 0


def _accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=10).close()
    except (ConnectionRefusedError, ConnectionResetError):
        return False
    return True


def test_a_port_that_is_taken_is_named(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for argument in ("--port", "--grpc-port"):
            server = start("boosting", argument, str(port))
            assert server.process.wait(60) == 2, server.log.to_the_end()
            line = json.loads(server.log.to_the_end()[-1])
            assert line["message"] == "refused"
            assert f"cannot listen on 127.0.0.1:{port}" in line["problem"]


@pytest.mark.parametrize("host", ["not-a-host.invalid", "203.0.113.7"])
def test_an_address_that_is_not_ours_is_named(host: str, start: Start) -> None:
    server = start("boosting", "--host", host)
    assert server.process.wait(60) == 2
    assert f"cannot listen on {host}:0" in json.loads(server.log.to_the_end()[-1])["problem"]


def test_ipv6_is_served_too(start: Start) -> None:
    if not socket.has_dualstack_ipv6():
        pytest.skip("this machine has no IPv6")
    server = start("boosting", "--host", "::1", grpc=True)
    with socket.create_connection(("::1", server.port), timeout=60) as caller:
        caller.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert caller.recv(100).startswith(b"HTTP/1.1 200 OK")


# The interpreter may lie where only root can read, so the user changes after the imports.
AS_NOBODY = """
import os, sys

arguments, sys.argv[1:] = sys.argv[1:], []
import churnguard_serving.program
from churnguard_serving.__main__ import main

os.setgroups([])
os.setgid(65534)
os.setuid(65534)
sys.argv[1:] = arguments
sys.exit(main())
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_another_user_serves_from_read_only_folders(
    start: Start, bundle_folder: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = tmp_path / "bundle"
    shutil.copytree(bundle_folder("logistic"), folder)
    for path in (*folder.iterdir(), folder):
        path.chmod(0o555 if path.is_dir() else 0o444)
    for parent in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        parent.chmod(0o755)
    server = start(folder, program=("-c", AS_NOBODY))
    assert server.post(PREDICT, ASKED).status == 200
    assert server.stop(signal.SIGINT) == 0


# Run by Python before the program: says what is opened for writing, made or removed.
WATCH = """
import os, sys

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
CHANGES = {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.symlink", "os.link", "os.truncate",
           "tempfile.mkstemp", "tempfile.mkdtemp", "shutil.copyfile", "shutil.move"}

def watch(event, arguments):
    if event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITING or event in CHANGES:
        os.write(2, f"written: {event} {arguments[0]}\\n".encode())

sys.addaudithook(watch)
os.write(2, b"watched\\n")
"""


def test_nothing_is_written_anywhere(start: Start, environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(WATCH)
    # Coverage, where it measures this process, writes what it saw.
    plain = {name: value for name, value in environment.items() if not name.startswith("COVERAGE_")}
    watched = {**plain, "PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    server = start("boosting", "--drain-seconds", "0", grpc=True, serving={}, env=watched, cwd=tmp_path)
    before = sorted(tmp_path.iterdir())
    assert server.post(PREDICT, {"instances": [{"x": "y" * 80}] * 2_000}).status == 200
    assert server.get("/metrics").status == 200
    assert server.get("/openapi.json").status == 200
    assert server.stop() == 0
    assert server.log.lines[0] == "watched"
    written = [line for line in server.log.to_the_end() if line.startswith("written:")]
    assert [line for line in written if "/dev/null" not in line] == []
    assert sorted(tmp_path.iterdir()) == before


def test_logs_are_json_and_hold_nothing_of_a_request(start: Start) -> None:
    server = start("boosting", "--log-level", "debug", grpc=True)
    secret = "Sesame-4711"
    for body in ({"instances": [{"contract": secret, secret: 1, "tenure": secret}]}, secret.encode()):
        assert server.post(PREDICT, body, Authorization=secret, Cookie=secret).status == 400
    assert server.post(f"/v1/models/{secret}:predict", {}).status == 404
    with grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel:
        stub = GRPCInferenceServiceStub(channel)
        tensor = {"name": secret, "shape": [9], "datatype": secret, "contents": {"int64_contents": [1]}}
        for given in (tensor, {**tensor, "datatype": "INT64"}):
            with pytest.raises(grpc.RpcError):
                stub.ModelInfer(pb.ModelInferRequest(model_name="telco", inputs=[given]), timeout=10)
    assert server.stop(signal.SIGINT) == 0
    lines = server.log.to_the_end()
    assert all({"time", "level", "logger", "message"} <= json.loads(line).keys() for line in lines)
    assert secret not in "".join(lines)
    assert server.process.stdout.read() == ""
