from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest

from churnguard_training.errors import Refused
from churnguard_training.sources.postgres import read_query

pytestmark = pytest.mark.servers

SECRETS = ("pass%20word", "pass word", "postgresql://", "wrong-secret")


def refusal(uri: str, query: str, **options: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        read_query(uri, query, **options)
    assert caught.value.reason == "SourceUnreadable"
    assert not [secret for secret in SECRETS if secret in caught.value.message]
    return caught.value


def test_every_supported_type_arrives_with_its_values_and_nulls(postgres: Any, customers: str) -> None:
    table = read_query(postgres.uri(), f"SELECT * FROM {customers} ORDER BY tenure")
    noon = dt.datetime(2026, 1, 31, 12)
    assert table.slice(0, 1).to_pylist() == [
        {
            "id": "00000000-0000-0000-0000-000000000001",
            "name": "ada",
            "plan": "plus",
            "code": "ab",
            "charges": 1.25,
            "score": 0.5,
            "tenure": 1,
            "active": False,
            "joined": noon.date(),
            "seen": noon,
            "logged_in": noon.replace(hour=10, tzinfo=dt.UTC),
        }
    ]
    assert set(table.slice(3, 1).to_pylist()[0].values()) == {None}
    assert table.schema.field("charges").type == pa.float64()
    assert table.schema.metadata is None
    assert table.num_rows == 4


def test_numeric_that_no_number_holds_becomes_its_float(postgres: Any) -> None:
    table = read_query(
        postgres.uri(),
        "SELECT 'NaN'::numeric AS a, 'Infinity'::numeric AS b, 12345678901234567890::numeric AS c",
    )
    values = table.to_pylist()[0]
    assert math.isnan(values["a"])
    assert values["b"] == math.inf
    assert values["c"] == 12345678901234567890.0


def test_no_rows_are_a_table_without_rows(postgres: Any, customers: str) -> None:
    table = read_query(postgres.uri(), f"SELECT id, charges FROM {customers} WHERE false")
    assert table.schema == pa.schema([("id", pa.string()), ("charges", pa.float64())])
    assert table.num_rows == 0


@pytest.mark.parametrize(
    "query",
    [
        "SELECT 1 AS a;",
        "SELECT 1 AS a ;\n\n",
        "-- why\nSELECT 1 AS a -- because",
        "WITH x AS (SELECT 1 AS a) TABLE x",
        "VALUES (1)",
    ],
)
def test_one_select_may_be_written_in_many_ways(postgres: Any, query: str) -> None:
    assert read_query(postgres.uri(), query).to_pydict().popitem()[1] == [1]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("SELECT nope FROM customers", ['column "nope" does not exist', "line 1, column 8"]),
        ("SELECT id,\n  nam FROM customers", ["line 2, column 3", "customers.name"]),
        ("SELECT * FROM nowhere", ['relation "nowhere" does not exist', "line 1, column 15"]),
        ("SELEC 1", ['syntax error at or near "SELEC"', "line 1, column 1"]),
        ("SELECT id FROM customers; DROP TABLE customers", ["multiple commands"]),
        ("SELECT 1; -- note", ['syntax error at or near ";"', "line 1, column 9"]),
        ("SHOW work_mem", ['syntax error at or near "SHOW"', "line 1, column 1 "]),
        ("SELECT name::int FROM customers", ['invalid input syntax for type integer: "…"']),
        ("SELECT 'ada'::text::int FROM customers", ['invalid input syntax for type integer: "…"']),
        ("SELECT 1 / (tenure - 2) FROM customers", ["division by zero"]),
        ("", ["the query is empty"]),
        (" ;\n", ["the query is empty"]),
        ("SELECT '\0'", ["NUL"]),
        ("-- nothing", ["no columns"]),
    ],
)
def test_what_the_server_finds_wrong_is_told_with_its_place(
    postgres: Any, customers: str, query: str, words: list[str]
) -> None:
    message = refusal(postgres.uri(), query).message
    assert not [word for word in words if word not in message], message
    assert "ada" not in message.replace("data", "")


@pytest.mark.parametrize(
    "query",
    [
        "INSERT INTO customers (name) VALUES ('eve')",
        "INSERT INTO customers (name) VALUES ('eve') RETURNING id",
        "WITH x AS (INSERT INTO customers (name) VALUES ('eve') RETURNING id) SELECT * FROM x",
        "DELETE FROM customers",
        "SELECT * INTO copied FROM customers",
        "SELECT id FROM customers FOR UPDATE",
        "DO $$ BEGIN DELETE FROM customers; END $$",
        "COPY customers TO PROGRAM 'cat'",
        "SET default_transaction_read_only = off",
        "SELECT set_config('transaction_read_only', 'off', false)",
    ],
)
def test_nothing_but_reading_is_possible(postgres: Any, customers: str, query: str) -> None:
    message = refusal(postgres.uri(), query).message
    assert "read-only" in message or "read-write" in message or "must be one SELECT" in message
    assert postgres.count(customers) == 4


def test_the_address_cannot_switch_writing_on(postgres: Any, customers: str) -> None:
    uri = postgres.uri() + "?options=-c%20default_transaction_read_only%3Doff%20-c%20work_mem%3D8MB"
    assert "read-only" in refusal(uri, f"DELETE FROM {customers} RETURNING tenure").message
    shown = read_query(
        uri, "SELECT current_setting('work_mem') AS a, current_setting('client_encoding') AS b"
    )
    assert shown.to_pylist() == [{"a": "8MB", "b": "UTF8"}]


def test_a_query_that_takes_too_long_is_ended_by_the_server(postgres: Any) -> None:
    refused = refusal(postgres.uri(), "SELECT pg_sleep(600)::text AS a", timeout_seconds=1)
    assert "statement timeout" in refused.message


def test_more_rows_than_allowed_are_refused_not_read(postgres: Any) -> None:
    query = "SELECT n FROM generate_series(1, 100) AS n"
    assert read_query(postgres.uri(), query, max_rows=100).num_rows == 100
    assert "more than 99 rows" in refusal(postgres.uri(), query, max_rows=99).message


def test_all_columns_that_cannot_be_used_are_named_at_once(postgres: Any) -> None:
    refused = refusal(
        postgres.uri(),
        "SELECT '1 day'::interval AS span, '{1}'::int[] AS list, '{}'::jsonb AS doc, 5::money AS fee, "
        "'a'::bytea AS raw, '10.0.0.1'::inet AS ip, row(1, 2) AS pair, '12:00'::time AS at, 1 AS good",
    )
    expected = {
        "span": "interval", "list": "_int4", "doc": "jsonb", "fee": "money", "raw": "bytea", "ip": "inet",
        "pair": "record", "at": "time",
    }  # fmt: skip
    assert len(refused.problems) == len(expected)
    for (column, sql_type), problem in zip(expected.items(), refused.problems, strict=True):
        assert f"'{column}' has the type {sql_type}," in problem
    assert "cast" in refused.hint


def test_columns_of_one_name_are_refused(postgres: Any) -> None:
    refused = refusal(postgres.uri(), "SELECT 1 AS a, 2 AS b, 3 AS a")
    assert refused.problems == ("the query returns 2 columns named 'a'",)


def test_text_that_is_not_utf_8_is_refused_with_its_column(postgres: Any) -> None:
    postgres.execute(
        "CREATE DATABASE bytes ENCODING 'SQL_ASCII' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'",
        database="postgres",
    )
    refused = refusal(
        postgres.uri(database="bytes"), "SELECT convert_from('\\xe9'::bytea, 'SQL_ASCII') AS city"
    )
    assert "UTF-8" in refused.message or "UTF8" in refused.message


def test_a_wrong_password_names_host_and_database(postgres: Any) -> None:
    message = refusal(postgres.uri(password="wrong-secret"), "SELECT 1").message
    assert f"database 'shop' at 127.0.0.1:{postgres.port}" in message
    assert 'password authentication failed for user "postgres"' in message


def test_an_unknown_database_is_named(postgres: Any) -> None:
    assert (
        'database "nowhere" does not exist' in refusal(postgres.uri(database="nowhere"), "SELECT 1").message
    )


def test_a_server_that_is_down_is_named(postgres: Any, free_port: Callable[[], int]) -> None:
    port = free_port()
    message = refusal(postgres.uri(port=port), "SELECT 1").message
    assert f"127.0.0.1:{port}: the connection was refused" in message


def test_a_host_without_an_address_is_named() -> None:
    message = refusal("postgresql://u:wrong-secret@no-such-host.invalid/shop", "SELECT 1").message
    assert "no-such-host.invalid: the host's name is unknown" in message


def test_a_server_that_goes_away_while_it_answers_is_told(postgres: Any) -> None:
    refused = refusal(
        postgres.uri(),
        "SELECT n, pg_terminate_backend(pg_backend_pid()) AS gone FROM generate_series(1, 3) AS n",
    )
    assert "terminating connection" in refused.message or "ended the connection" in refused.message
