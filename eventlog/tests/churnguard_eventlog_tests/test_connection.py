"""How Kafka is reached, from the environment and mounted files."""

from __future__ import annotations

from pathlib import Path

import pytest

from churnguard_eventlog.connection import Connection, InvalidConnection, Login, connection_from
from churnguard_eventlog.topics import EventTopics, topics_from


@pytest.fixture
def credentials(tmp_path: Path) -> Path:
    """As the Secrets of a user and of a cluster's authority are mounted."""
    (tmp_path / "password").write_text("Sesame4711\n")
    (tmp_path / "ca.crt").write_text("PEM")
    return tmp_path


def test_an_address_is_enough_where_nobody_asks_who_comes() -> None:
    found = connection_from({"KAFKA_BOOTSTRAP": "a:9092, b:9092"})
    assert found == Connection(bootstrap="a:9092,b:9092", protocol="PLAINTEXT")


def test_an_option_takes_the_place_of_the_variable() -> None:
    assert connection_from({"KAFKA_BOOTSTRAP": "a:1"}, bootstrap="[::1]:2").bootstrap == "[::1]:2"


def test_a_user_comes_encrypted_with_a_password_from_a_file(credentials: Path) -> None:
    environ = {"KAFKA_BOOTSTRAP": "a:9093", "KAFKA_USER": "collector", "KAFKA_CREDENTIALS": str(credentials)}
    found = connection_from(environ)
    assert found.protocol == "SASL_SSL"
    assert found.login == Login(user="collector", password="Sesame4711")
    assert found.authority == credentials / "ca.crt"
    assert "Sesame4711" not in repr(found)


@pytest.mark.parametrize("file", ["password", "ca.crt"])
def test_with_another_password_or_authority_it_is_another_connection(file: str, credentials: Path) -> None:
    environ = {"KAFKA_BOOTSTRAP": "a:9093", "KAFKA_USER": "u", "KAFKA_CREDENTIALS": str(credentials)}
    before = connection_from(environ)
    assert connection_from(environ) == before
    (credentials / file).write_text("another")
    assert connection_from(environ) != before


def test_without_a_certificate_of_its_own_the_systems_authorities_are_trusted(credentials: Path) -> None:
    (credentials / "ca.crt").unlink()
    environ = {"KAFKA_BOOTSTRAP": "a:9093", "KAFKA_USER": "u", "KAFKA_CREDENTIALS": str(credentials)}
    assert connection_from(environ).authority is None
    encrypted = {"KAFKA_BOOTSTRAP": "a:9093", "KAFKA_SECURITY_PROTOCOL": "SSL"}
    assert connection_from(encrypted) == Connection(bootstrap="a:9093", protocol="SSL")


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, "KAFKA_BOOTSTRAP must be HOST:PORT"),
        ({"KAFKA_BOOTSTRAP": "a"}, "KAFKA_BOOTSTRAP must be HOST:PORT"),
        ({"KAFKA_BOOTSTRAP": "kafka://a:1"}, "KAFKA_BOOTSTRAP must be HOST:PORT"),
        ({"KAFKA_BOOTSTRAP": "a:1,"}, "KAFKA_BOOTSTRAP must be HOST:PORT"),
        ({"KAFKA_SECURITY_PROTOCOL": "TLS"}, "must be one of PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL"),
        ({"KAFKA_SECURITY_PROTOCOL": "SASL_SSL"}, "is SASL_SSL, which needs KAFKA_USER"),
        ({"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_USER": "u"}, "KAFKA_USER would not be used"),
        ({"KAFKA_USER": "u"}, "KAFKA_USER needs KAFKA_CREDENTIALS"),
        ({"KAFKA_USER": "u", "KAFKA_CREDENTIALS": "/nowhere"}, "/nowhere/password cannot be read"),
    ],
)
def test_what_does_not_say_how_is_refused(environ: dict[str, str], expected: str) -> None:
    with pytest.raises(InvalidConnection, match=expected):
        connection_from({"KAFKA_BOOTSTRAP": "a:1", **environ} if environ else {})


def test_an_empty_password_is_refused(credentials: Path) -> None:
    (credentials / "password").write_text("\n")
    environ = {"KAFKA_BOOTSTRAP": "a:1", "KAFKA_USER": "u", "KAFKA_CREDENTIALS": str(credentials)}
    with pytest.raises(InvalidConnection, match="password is empty"):
        connection_from(environ)


def test_topics_may_stand_behind_a_prefix() -> None:
    assert topics_from({}) == EventTopics()
    found = topics_from({"KAFKA_TOPIC_PREFIX": "staging-"})
    assert found.events == "staging-churnguard.events.v1"
    assert found.bad_events == "staging-churnguard.events.bad.v1"
    assert found.erasures == "staging-churnguard.erasures.v1"
