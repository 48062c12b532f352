"""On a real broker, the users of manifests/kafka can do what their programs do, and nothing else."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from confluent_kafka import KafkaError, KafkaException, Producer, TopicCollection
from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ConfigResource,
    ResourcePatternType,
    ResourceType,
)

from churnguard_core.events import topics
from churnguard_eventlog.connection import connection_from
from churnguard_eventlog.settings import connection_settings, producer_settings
from churnguard_servers.clients import Answer, connect, exchange
from churnguard_servers.kafka import QUIET, KafkaCluster
from churnguard_servers.kafka_security import User
from churnguard_servers.processes import PATIENCE, Log, until

pytestmark = [pytest.mark.servers, pytest.mark.slow]

FOLDER: Final = Path(__file__).resolve().parents[2] / "manifests" / "kafka"
COLLECTOR, LANDING = "churnguard-collector", "churnguard-landing"
KEY: Final = "sk_rights"
OPERATIONS: Final = {
    "Read": AclOperation.READ,
    "Write": AclOperation.WRITE,
    "Describe": AclOperation.DESCRIBE,
}
KINDS: Final = {"topic": ResourceType.TOPIC, "group": ResourceType.GROUP}
PATTERNS: Final = {"literal": ResourcePatternType.LITERAL, "prefix": ResourcePatternType.PREFIXED}


def documents(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((FOLDER / name).read_text()))


@pytest.fixture(scope="module")
def prefix(kafka: KafkaCluster) -> str:
    """The topics of the manifests behind a prefix, on one broker."""
    found = kafka.new_prefix()
    for each in documents("topics.yaml"):
        settings = {name: str(value) for name, value in each["spec"]["config"].items()}
        partitions = each["spec"]["partitions"]
        kafka.create_topic(
            # One broker has one copy.
            found + each["metadata"]["name"],
            partitions=partitions,
            **settings | {"min.insync.replicas": "1"},
        )
    return found


@pytest.fixture(scope="module")
def users(kafka: KafkaCluster, prefix: str) -> Mapping[str, User]:
    """The users of the manifests, with their rights behind the prefix."""
    made = {}
    for each in documents("users.yaml"):
        name = each["metadata"]["name"]
        made[name] = kafka.create_user(f"{prefix}{name}", password=f"Sesame-{name}")
        granted = [
            AclBinding(
                KINDS[acl["resource"]["type"]],
                prefix + acl["resource"]["name"],
                PATTERNS[acl["resource"]["patternType"]],
                f"User:{prefix}{name}",
                "*",
                OPERATIONS[operation],
                AclPermissionType.ALLOW,
            )
            for acl in each["spec"]["authorization"]["acls"]
            for operation in acl["operations"]
        ]
        for done in kafka.admin.create_acls(granted).values():
            done.result(PATIENCE)
    return made


@pytest.fixture
def settings(kafka: KafkaCluster, prefix: str, users: Mapping[str, User]) -> Callable[[str], dict[str, str]]:
    """``settings(user)``: the environment of a program."""

    def of(name: str) -> dict[str, str]:
        return {
            "KAFKA_BOOTSTRAP": kafka.secure_bootstrap,
            "KAFKA_USER": users[name].name,
            "KAFKA_CREDENTIALS": str(users[name].folder),
            "KAFKA_TOPIC_PREFIX": prefix,
        }

    return of


def ask(port: int, *request: Any) -> Answer:
    with contextlib.closing(connect(port)) as connection:
        return exchange(connection, *request)


@contextlib.contextmanager
def running(*command: str, environment: Mapping[str, str]) -> Iterator[int]:
    """One of our programs; the port on which it says that it is ready."""
    process = subprocess.Popen(
        [sys.executable, "-m", *command, "--host=127.0.0.1", "--port=0", "--drain-seconds=5"],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    log = Log(process.stderr)
    try:
        port: int = log.wait_for("ready")["port"]
        until(lambda: ask(port, "GET", "/readyz").status == 200)
        yield port
        process.terminate()
        assert process.wait(PATIENCE) == 0, log.to_the_end()
    finally:
        process.kill()
        process.wait()
        log.to_the_end()


def test_the_topics_are_as_a_broker_understands_them(kafka: KafkaCluster, prefix: str) -> None:
    asked = ConfigResource(ConfigResource.Type.TOPIC, prefix + topics.EVENTS)
    (answer,) = kafka.admin.describe_configs([asked]).values()
    known = {name: entry.value for name, entry in answer.result(PATIENCE).items()}
    (events,) = [each for each in documents("topics.yaml") if each["metadata"]["name"] == topics.EVENTS]
    wanted = {name: str(value) for name, value in events["spec"]["config"].items()}
    assert {name: known[name] for name in wanted} == wanted | {"min.insync.replicas": "1"}


def test_an_event_comes_through_with_the_rights_that_there_are(
    settings: Callable[[str], dict[str, str]],
    environment: dict[str, str],
    database: Callable[[], str],
    rows: Callable[..., list[dict[str, Any]]],
    tmp_path: Path,
) -> None:
    keys = tmp_path / "keys.json"
    secret = base64.b64encode(bytes(32)).decode()
    entry = {"id": "server", "kind": "server", "workspace": "demo"}
    workspaces = {"demo": {"subjectKey": {"version": 1, "secret": secret}}}
    digest = hashlib.sha256(KEY.encode()).hexdigest()
    keys.write_text(json.dumps({"workspaces": workspaces, "keys": [{**entry, "sha256": digest}]}))
    url = database()
    landing = {**environment, **settings(LANDING), "DATABASE_URL": url}
    collecting = ("churnguard_collector", "serve", f"--keys={keys}")
    with (
        running("churnguard_streaming.landing", "run", environment=landing),
        running(*collecting, environment={**environment, **settings(COLLECTOR)}) as port,
    ):
        credentials = base64.b64encode(f"{KEY}:".encode()).decode()
        body = {"batch": [{"type": "track", "userId": "u", "event": "x"}, {"type": "track", "userId": "u"}]}
        answer = ask(port, "POST", "/v1/batch", body, {"Authorization": f"Basic {credentials}"})
        assert [each.get("reason", each["result"]) for each in answer.json["results"]] == ["ok", "schema"]
        until(lambda: len(rows(url)) == 1)


def allowed(environ: Mapping[str, str], names: Sequence[str]) -> dict[str, set[str]]:
    """What a user may do with each topic, as the broker says; nothing when it may not even know of it."""
    admin = AdminClient(connection_settings(connection_from(environ), client="test") | QUIET)
    asked = admin.describe_topics(TopicCollection(list(names)), include_authorized_operations=True)
    found = {}
    for name, answer in asked.items():
        try:
            operations = answer.result(PATIENCE).authorized_operations
        except KafkaException as refused:
            if refused.args[0].code() != KafkaError.TOPIC_AUTHORIZATION_FAILED:
                raise
            operations = []
        found[name] = {each.name for each in operations}
    return found


@pytest.mark.parametrize(
    ("name", "events", "bad"),
    [
        (COLLECTOR, {"DESCRIBE", "WRITE"}, {"DESCRIBE", "WRITE"}),
        (LANDING, {"DESCRIBE", "READ"}, {"DESCRIBE", "WRITE"}),
    ],
)
def test_a_broker_allows_a_user_what_its_program_does_and_nothing_else(
    name: str, events: set[str], bad: set[str], settings: Callable[[str], dict[str, str]], prefix: str
) -> None:
    wanted = {
        prefix + topics.EVENTS: events,
        prefix + topics.BAD_EVENTS: bad,
        prefix + topics.ERASURES: set(),
    }
    assert allowed(settings(name), list(wanted)) == wanted


@pytest.mark.parametrize(("name", "topic"), [(COLLECTOR, topics.ERASURES), (LANDING, topics.EVENTS)])
def test_what_it_may_not_write_is_refused(
    name: str, topic: str, settings: Callable[[str], dict[str, str]], prefix: str
) -> None:
    connection = connection_from(settings(name))
    queue = {"queue_records": 10, "queue_kibibytes": 10}
    producer = Producer(producer_settings(connection, client="test", **queue) | QUIET)
    refused: list[KafkaError | None] = []
    producer.produce(prefix + topic, b"{}", on_delivery=lambda error, _: refused.append(error))
    producer.flush(PATIENCE)
    assert [each and each.code() for each in refused] == [KafkaError.TOPIC_AUTHORIZATION_FAILED]


@pytest.mark.parametrize(("name", "group"), [(COLLECTOR, LANDING), (LANDING, "another")])
def test_a_group_that_is_not_its_own_is_refused(
    name: str, group: str, settings: Callable[[str], dict[str, str]], prefix: str
) -> None:
    admin = AdminClient(connection_settings(connection_from(settings(name)), client="test") | QUIET)
    (answer,) = admin.describe_consumer_groups([prefix + group]).values()
    with pytest.raises(KafkaException) as refused:
        answer.result(PATIENCE)
    assert refused.value.args[0].code() == KafkaError.GROUP_AUTHORIZATION_FAILED
