from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from churnguard_training.errors import Refused
from churnguard_training.sources.postgres_uri import parse_connection


@pytest.mark.parametrize(
    ("uri", "hosts", "database"),
    [
        ("postgresql://u:p@db.example.com:5433/shop", "db.example.com:5433", "shop"),
        ("postgres://db/shop?sslmode=require", "db", "shop"),
        ("postgresql://u:p?q#r@db/shop", "db", "shop"),
        ("postgresql://u@[::1]:5432/my%20shop", "[::1]:5432", "my shop"),
        ("postgresql://u:p@one:5432,two:5433/shop", "one:5432,two:5433", "shop"),
        ("postgresql:///shop?host=/run/postgresql", "/run/postgresql", "shop"),
        ("postgresql://", "the default host", "the default database"),
    ],
)
def test_addresses_as_libpq_knows_them_are_taken(uri: str, hosts: str, database: str) -> None:
    connection = parse_connection(uri, timeout_seconds=5)
    assert (connection.hosts, connection.database) == (hosts, database)
    assert connection.uri.startswith(uri.partition("?sslmode")[0].partition("?host")[0] + "?")


def test_the_session_is_read_only_bounded_and_in_utf_8() -> None:
    uri = "postgresql://u:p@db/shop?sslmode=require&options=-c%20work_mem%3D8MB&client_encoding=LATIN1"
    parameters = parse_qs(urlsplit(parse_connection(uri, timeout_seconds=5).uri).query)
    assert parameters == {
        "sslmode": ["require"],
        "client_encoding": ["UTF8"],
        "connect_timeout": ["10"],
        "application_name": ["churnguard-train"],
        "options": ["-c work_mem=8MB -c default_transaction_read_only=on -c statement_timeout=5000"],
    }


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "hunter2",
        "mysql://u:hunter2@db/shop",
        "postgresql+psycopg://u:hunter2@db/shop",
        "postgresql://u:hun@ter2@db/shop",
        "postgresql://u:hun/ter2@db/shop",
        "postgresql://u:hunter2@db:port/shop",
        "postgresql://u:hunter2@db:99999/shop",
        "postgresql://db:hunter2",
        "postgresql://u:p@db/shop?password=hun@ter2",
        "host=db password=hunter2",
    ],
)
def test_what_libpq_could_misread_is_refused_without_showing_it(uri: str) -> None:
    with pytest.raises(Refused) as caught:
        parse_connection(uri, timeout_seconds=5)
    assert caught.value.reason == "SourceUnreadable"
    assert "postgresql://user:password@host" in caught.value.hint
    assert "hun" not in caught.value.message


@given(st.text(alphabet="abcS3CRET:@/?#%&=[] ", max_size=30))
def test_no_part_of_a_password_is_shown(password: str) -> None:
    secret = f"S3CRET{password}S3CRET"
    shown = ""
    try:
        shown = repr(parse_connection(f"postgresql://u:{secret}@db/shop", timeout_seconds=5))
    except Refused as refused:
        shown = refused.message
    assert "S3CRET" not in shown
    assert "hosts='db', database='shop'" in shown or set(secret) & set("@/")
