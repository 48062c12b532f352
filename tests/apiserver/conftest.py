"""A real Kubernetes API server (etcd and kube-apiserver) on loopback, for one test session.

Needs neither root nor a network namespace. No controllers, no node: what the API server alone decides
(schema, CEL, defaults, tables, field ownership) is real, nothing is ever scheduled or collected.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import secrets
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from kubernetes import client

from churnguard_core.names import GROUP, PLURAL, VERSION

REPOSITORY: Final = Path(__file__).parents[2]
BUILD: Final = REPOSITORY / "tests" / "tools" / "build"
CRD_FILE: Final = REPOSITORY / "manifests" / "crds" / f"{GROUP}_{PLURAL}.yaml"
CRDS: Final = {"group": "apiextensions.k8s.io", "version": "v1", "plural": "customresourcedefinitions"}
MODELS: Final = {"group": GROUP, "version": VERSION, "plural": PLURAL, "namespace": "default"}
HOST: Final = "127.0.0.1"
START_SECONDS: Final = 60.0
STOP_SECONDS: Final = 10.0
REQUEST_SECONDS: Final = 5.0
LOG_LINES: Final = 30

# The server refuses to advertise a loopback address. This one is reserved for documentation and belongs to
# nobody; with the endpoint reconciler off, nothing ever uses it.
ADVERTISED_ADDRESS: Final = "192.0.2.1"


@dataclass(frozen=True, kw_only=True)
class ApiServer:
    """Where a started API server answers, and the administrator's way in."""

    url: str
    token: str = field(repr=False)
    certificate: Path


@dataclass(frozen=True, kw_only=True)
class Server:
    """A started process, the leader of its own process group."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def last_lines(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-LOG_LINES:])


@contextlib.contextmanager
def running(*, name: str, command: list[str], folder: Path) -> Iterator[Server]:
    """The command as a process whose group, and nothing else, is stopped at the end."""
    log = folder / f"{name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output, process_group=0
        )
    try:
        yield Server(name=name, process=process, log=log)
    finally:
        _signal_group(process, signal.SIGTERM)
        try:
            process.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            _signal_group(process, signal.SIGKILL)
            process.wait()


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    # Once waited for, the group's number may be another's.
    if process.poll() is None:
        os.killpg(process.pid, number)


def wait_until_ready(*, server: Server, is_ready: Callable[[], bool]) -> None:
    """Returns when ``is_ready``; fails, with the end of the log, when the process ends or takes too long."""
    deadline = time.monotonic() + START_SECONDS
    while not is_ready():
        with contextlib.suppress(subprocess.TimeoutExpired):
            code = server.process.wait(timeout=0.05)
            pytest.fail(f"{server.name} ended with exit code {code}; its log ends:\n{server.last_lines()}")
        if time.monotonic() > deadline:
            pytest.fail(
                f"{server.name} was not ready in {START_SECONDS:.0f} s; its log ends:\n{server.last_lines()}"
            )


def answers(*, connection: http.client.HTTPConnection, path: str, token: str = "") -> bool:
    """Whether a GET gives 200; every failure to connect means: not yet."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    with contextlib.closing(connection):
        try:
            connection.request("GET", path, headers=headers)
            return connection.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False


def free_ports(*, count: int) -> list[int]:
    """Ports that are free now; all are held while choosing, so they differ."""
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind((HOST, 0))
        return [int(each.getsockname()[1]) for each in sockets]


def binary(name: str) -> str:
    """Path of a built tool; skips, with the command that builds it, when there is none."""
    found = subprocess.run([sys.executable, str(BUILD), "--path", name], capture_output=True, text=True)
    if found.returncode != 0:
        pytest.skip(found.stderr.strip())
    return found.stdout.strip()


@contextlib.contextmanager
def etcd(*, program: str, folder: Path) -> Iterator[str]:
    """A started etcd; yields its URL. Without fsync: nothing of it outlives the session."""
    folder.mkdir()
    url, peer_url = (f"http://{HOST}:{port}" for port in free_ports(count=2))
    command = [
        program,
        f"--data-dir={folder / 'data'}",
        f"--listen-client-urls={url}",
        f"--advertise-client-urls={url}",
        f"--listen-peer-urls={peer_url}",
        f"--initial-advertise-peer-urls={peer_url}",
        f"--initial-cluster=default={peer_url}",
        "--unsafe-no-fsync",
        "--log-level=warn",
    ]
    with running(name="etcd", command=command, folder=folder) as server:
        address = url.removeprefix("http://")
        wait_until_ready(
            server=server,
            is_ready=lambda: answers(
                connection=http.client.HTTPConnection(address, timeout=REQUEST_SECONDS), path="/readyz"
            ),
        )
        yield url


@contextlib.contextmanager
def kube_apiserver(*, program: str, etcd_url: str, folder: Path) -> Iterator[ApiServer]:
    """A started API server with one user, an administrator, known by a token of this session."""
    folder.mkdir()
    (port,) = free_ports(count=1)
    token = secrets.token_hex(32)
    tokens = folder / "tokens.csv"
    tokens.touch(mode=0o600)
    tokens.write_text(f"{token},admin,admin,system:masters\n")
    # The server writes a self-signed pair here before it reads the service-account key, so that one pair
    # serves both and no certificate tool is needed.
    certificates = folder / "certificates"
    certificate, key = certificates / "apiserver.crt", certificates / "apiserver.key"
    command = [
        program,
        f"--etcd-servers={etcd_url}",
        f"--bind-address={HOST}",
        f"--secure-port={port}",
        f"--advertise-address={ADVERTISED_ADDRESS}",
        "--endpoint-reconciler-type=none",
        "--service-cluster-ip-range=10.96.0.0/24",
        f"--cert-dir={certificates}",
        f"--service-account-signing-key-file={key}",
        f"--service-account-key-file={key}",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--token-auth-file={tokens}",
        "--authorization-mode=RBAC",
        "--profiling=false",
    ]

    def is_ready() -> bool:
        if not certificate.exists():
            return False
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        # A file that is still being written cannot be loaded, and then no certificate is trusted yet.
        with contextlib.suppress(ssl.SSLError):
            context.load_verify_locations(certificate)
        connection = http.client.HTTPSConnection(HOST, port, timeout=REQUEST_SECONDS, context=context)
        return answers(connection=connection, path="/readyz", token=token)

    with running(name="kube-apiserver", command=command, folder=folder) as server:
        wait_until_ready(server=server, is_ready=is_ready)
        yield ApiServer(url=f"https://{HOST}:{port}", token=token, certificate=certificate)


@pytest.fixture(scope="session")
def api_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """A real API server, empty but for what it makes itself."""
    etcd_program, api_server_program = binary("etcd"), binary("kube-apiserver")
    folder = tmp_path_factory.mktemp("api-server")
    with (
        etcd(program=etcd_program, folder=folder / "etcd") as etcd_url,
        kube_apiserver(
            program=api_server_program, etcd_url=etcd_url, folder=folder / "kube-apiserver"
        ) as started,
    ):
        yield started


@pytest.fixture(scope="session")
def api_client(api_server: ApiServer) -> Iterator[Any]:
    """The official client (``kubernetes.client.ApiClient``), logged in as administrator."""
    configuration = client.Configuration(
        host=api_server.url,
        api_key={"authorization": api_server.token},
        api_key_prefix={"authorization": "Bearer"},
    )
    configuration.ssl_ca_cert = str(api_server.certificate)
    configuration.proxy = None  # it takes the machine's proxy from the environment, even for loopback
    with client.ApiClient(configuration) as logged_in:
        yield logged_in


class ChurnModels:
    """ChurnModels on the API server, in the namespace ``default``."""

    def __init__(self, *, api: Any) -> None:
        self.api = api

    def judge(self, document: dict[str, Any]) -> dict[str, Any]:
        """The object as it would be stored, defaults filled in; ApiException when it is rejected."""
        answer: dict[str, Any] = self.api.create_namespaced_custom_object(
            **MODELS, body=document, dry_run="All", field_validation="Strict"
        )
        return answer

    def rejection(self, document: dict[str, Any]) -> str:
        """Why the object would be rejected, in the API server's words; empty when it would be accepted."""
        try:
            self.judge(document)
        except client.ApiException as error:
            if error.status not in (http.client.BAD_REQUEST, http.client.UNPROCESSABLE_ENTITY):
                raise
            return str(json.loads(error.body)["message"])
        return ""

    def answer(self) -> bool:
        """Whether the API server serves the kind, which it does a moment after it says so."""
        try:
            self.api.list_namespaced_custom_object(**MODELS)
        except client.ApiException as error:
            if error.status != http.client.NOT_FOUND:
                raise
            return False
        return True


def conditions(crd: dict[str, Any]) -> dict[str, str]:
    # Null until the server has looked at it.
    found = crd.get("status", {}).get("conditions") or []
    return {each["type"]: each["status"] for each in found}


@pytest.fixture(scope="session")
def crd(api_client: Any) -> dict[str, Any]:
    """Our CustomResourceDefinition, as the API server holds it once it is established."""
    api = client.CustomObjectsApi(api_client)
    wanted = yaml.safe_load(CRD_FILE.read_text())
    current = api.create_cluster_custom_object(**CRDS, body=wanted, field_validation="Strict")
    deadline = time.monotonic() + START_SECONDS
    while not (conditions(current).get("Established") == "True" and ChurnModels(api=api).answer()):
        if time.monotonic() > deadline:
            pytest.fail(f"the CRD is not established: {current.get('status')}")
        time.sleep(0.05)
        current = api.get_cluster_custom_object(**CRDS, name=wanted["metadata"]["name"])
    established: dict[str, Any] = current
    return established


@pytest.fixture(scope="session")
def churn_models(api_client: Any, crd: dict[str, Any]) -> ChurnModels:
    """ChurnModels on a server that knows our CRD."""
    return ChurnModels(api=client.CustomObjectsApi(api_client))
