"""The manifests of the collector on a real node.

Those with Kafka and a landing can reach neither Kafka nor a database here; the collector alone has a real Postgres.
"""

from __future__ import annotations

import asyncio
import base64
import functools
import hashlib
import json
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest
import trustme
import yaml
from kubernetes import client

from churnguard_cluster.forward import copy
from churnguard_cluster.namespace import run
from churnguard_cluster.node.images.image import Image
from churnguard_cluster.objects import Document, Objects
from churnguard_cluster.tools import tool
from churnguard_cluster.waiting import wait_for
from churnguard_servers.clients import Answer, basic, connect, exchange
from churnguard_servers.postgres import PostgresServer, execute

pytestmark = [pytest.mark.cluster, pytest.mark.restricted, pytest.mark.timeout(600)]

MANIFESTS: Final = Path(__file__).parents[2] / "manifests"
SECONDS: Final = 180.0
KEY: Final = "sk_node"
DATABASE: Final = "node"
PORT: Final = 5432
"""The only one of databases that the manifests let programs reach."""


@pytest.fixture
def install(objects: Objects, namespace: str, images: dict[str, Image]) -> Callable[..., str]:
    """``install(folder, **secrets)``: everything of it with our images, after its Secrets; its namespace."""

    def it(folder: str, **secrets: dict[str, str]) -> str:
        for name, data in {"write-keys": write_keys(), **secrets}.items():
            named = {"name": f"churnguard-{name.replace('_', '-')}"}
            document = {"apiVersion": "v1", "kind": "Secret", "metadata": named, "stringData": data}
            objects.create(document, namespace=namespace)
        text = run(str(tool("kubectl")), "kustomize", str(MANIFESTS / folder))
        for component in ("collector", "streaming"):
            text = text.replace(f"image: churnguard-{component}\n", f"image: {images[component].name}\n")
        for document in yaml.safe_load_all(text):
            document["metadata"].pop("namespace")
            objects.create(document, namespace=namespace)
        return namespace

    return it


@pytest.fixture
def installed(install: Callable[..., str]) -> str:
    """The namespace of the collector and the landing, which reach nothing."""
    return install(
        "collector",
        database={"url": "postgresql://churnguard:Sesame4711@127.0.0.1:1/events"},
        cluster_ca_cert={"ca.crt": trustme.CA().cert_pem.bytes().decode()},
        collector={"password": "Sesame4712"},
        landing={"password": "Sesame4713"},
    )


@pytest.fixture
def address_of_database(cluster: Any, postgres: PostgresServer) -> Iterator[str]:
    """Where pods reach an empty database; it belongs to a user who may do nothing elsewhere."""
    execute(postgres.url("postgres"), "CREATE ROLE node LOGIN", f"CREATE DATABASE {DATABASE} OWNER node")
    address = cluster.rig.network.address
    relay = Relay(cluster.rig.network.listen(address, PORT), to=postgres.folder / ".s.PGSQL.5432")
    relay.start()
    yield f"postgresql://node:Sesame4714@{address}:{PORT}/{DATABASE}"
    relay.stop()


class Relay:
    """Forwards connections to a socket of the file system: the tests' Postgres listens nowhere else."""

    def __init__(self, listener: socket.socket, *, to: Path) -> None:
        self._listener = listener
        self._to = to
        self._loop = asyncio.new_event_loop()
        self._ends = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="relay")

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End all connections."""
        self._loop.call_soon_threadsafe(self._ends.set)
        self._thread.join()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._forward, sock=self._listener)
        await self._ends.wait()
        server.close()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_unix_connection(self._to)
        try:
            await asyncio.gather(copy(reader, far_writer), copy(far_reader, writer))
        except asyncio.CancelledError:
            pass  # the relay ends
        finally:
            far_writer.close()
            writer.close()


def write_keys() -> dict[str, str]:
    subject_key = {"version": 1, "secret": base64.b64encode(bytes(32)).decode()}
    digest = hashlib.sha256(KEY.encode()).hexdigest()
    key = {"id": "node", "kind": "server", "workspace": "demo", "sha256": digest}
    keys = {"workspaces": {"demo": {"subjectKey": subject_key}}, "keys": [key]}
    return {"keys.json": json.dumps(keys)}


def pods(objects: Objects, name: str, *, namespace: str) -> list[Document]:
    return objects.list("v1", "Pod", namespace=namespace, labelSelector=f"app.kubernetes.io/name={name}")


def states(pod: Document, part: str) -> list[Document]:
    """What the container of a pod is like, and was like before; none when it has not begun."""
    found = [
        state for each in pod["status"].get(part, []) for state in (each["state"], each.get("lastState", {}))
    ]
    return [state for state in found if state]


def listens(log: Callable[[], str]) -> bool:
    return '"message":"ready"' in log()


def test_the_collector_runs_and_says_that_it_is_not_ready(
    objects: Objects, kube: Any, installed: str
) -> None:
    def running() -> list[str]:
        found = pods(objects, "churnguard-collector", namespace=installed)
        names = [
            each["metadata"]["name"]
            for each in found
            if any("running" in state for state in states(each, "containerStatuses"))
        ]
        return names if len(names) == 2 else []

    names = wait_for(
        running,
        what="two collectors to run",
        seconds=SECONDS,
        seen=lambda: pods(objects, "churnguard-collector", namespace=installed),
    )
    for name in names:
        log = functools.partial(client.CoreV1Api(kube).read_namespaced_pod_log, name, installed)
        wait_for(functools.partial(listens, log), what="it to listen", seconds=SECONDS, seen=log)
        assert "Sesame" not in log()
    # A node asks it, and it says no: there is no broker.
    for pod in pods(objects, "churnguard-collector", namespace=installed):
        (status,) = pod["status"]["containerStatuses"]
        assert (status["ready"], status["restartCount"]) == (False, 0)


def test_the_landing_waits_for_its_tables(objects: Objects, kube: Any, installed: str) -> None:
    def refused() -> list[str]:
        return [
            pod["metadata"]["name"]
            for pod in pods(objects, "churnguard-landing", namespace=installed)
            if any(
                state["terminated"]["exitCode"] == 2
                for state in states(pod, "initContainerStatuses")
                if "terminated" in state
            )
        ]

    names = wait_for(
        refused,
        what="the migration to be refused",
        seconds=SECONDS,
        seen=lambda: pods(objects, "churnguard-landing", namespace=installed),
    )
    said: str = client.CoreV1Api(kube).read_namespaced_pod_log(names[0], installed, container="migrate")
    assert "the database cannot be reached" in said
    assert "Sesame" not in said


def test_the_collector_alone_keeps_an_event_once_in_postgres(
    objects: Objects,
    kube: Any,
    install: Callable[..., str],
    address_of_database: str,
    open_service: Callable[[str], str],
    postgres: PostgresServer,
    rows: Callable[..., list[dict[str, Any]]],
) -> None:
    installed = install("collector-postgres", database={"url": address_of_database})

    def ready() -> list[Document]:
        found = [
            pod
            for pod in pods(objects, "churnguard-collector", namespace=installed)
            if any(each["ready"] for each in pod["status"].get("containerStatuses", []))
        ]
        return found if len(found) == 2 else []

    running = wait_for(
        ready,
        what="two collectors to be ready",
        seconds=SECONDS,
        seen=lambda: pods(objects, "churnguard-collector", namespace=installed),
    )
    assert pods(objects, "churnguard-landing", namespace=installed) == []
    url = open_service("churnguard-collector")
    event = {
        "userId": "u_42",
        "event": "Product Added",
        "messageId": "m-1",
        "timestamp": datetime.now(UTC).isoformat(),
    }
    for _ in range(4):
        answer = send(event, port=int(url.rpartition(":")[2]))
        assert (answer.status, answer.json["results"]) == (200, [{"messageId": "m-1", "result": "ok"}])
    (row,) = rows(postgres.url(DATABASE))
    assert (row["workspace"], row["message_id"], row["name"]) == ("demo", "m-1", "Product Added")
    for pod in running:
        # One migrated and the other found it done; neither was refused.
        for part in ("initContainerStatuses", "containerStatuses"):
            assert [each["restartCount"] for each in pod["status"][part]] == [0]
        log = client.CoreV1Api(kube).read_namespaced_pod_log(pod["metadata"]["name"], installed)
        assert "Sesame" not in log


def send(event: Document, *, port: int) -> Answer:
    connection = connect(port)
    try:
        return exchange(connection, "POST", "/v1/track", event, basic(KEY))
    finally:
        connection.close()
