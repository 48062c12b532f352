"""Requests that nobody would write: none is a fault of the collector, and what is answered ok is kept."""

from __future__ import annotations

import contextlib
import gzip
import http.client
import itertools
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import schemathesis
from backports import zstd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from churnguard_collector_tests.collectors import Answer, Collector, exchange
from churnguard_collector_tests.write_keys import SERVER
from churnguard_core.events.messages import MESSAGE_TYPES
from churnguard_servers.clients import basic

pytestmark = [pytest.mark.servers, pytest.mark.slow]

CONTROL = ("/healthz", "/readyz", "/metrics")
HOT = (*(f"/v1/{kind}" for kind in MESSAGE_TYPES), "/v1/batch", "/v1/b")
FUZZ = settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
PACK: dict[str, Callable[[bytes], bytes]] = {"": bytes, "gzip": gzip.compress, "zstd": zstd.compress}
NUMBERS = itertools.count()


@pytest.fixture(scope="module")
def acknowledged() -> set[str]:
    """Ids of all events that were answered ok by any test here."""
    return set()


@pytest.fixture(scope="module")
def connection(collector: Collector) -> Iterator[http.client.HTTPConnection]:
    with contextlib.closing(collector.connect()) as kept:
        yield kept


@pytest.mark.parametrize("path", CONTROL)
def test_control_routes_do_what_their_description_says(path: str, collector: Collector) -> None:
    schema = schemathesis.openapi.from_dict(collector.get("/openapi.json").json)
    schema.config.update(base_url=f"http://127.0.0.1:{collector.port}")

    @FUZZ
    @given(case=schema[path]["GET"].as_strategy())
    def ask(case: Any) -> None:
        case.call_and_validate()

    ask()


@FUZZ
@given(
    method=st.sampled_from(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PURGE"]),
    path=st.sampled_from([*CONTROL, *HOT, "/v1/px.gif", "/openapi.json", "/docs"]).flatmap(
        lambda path: st.sampled_from(
            [path, path + "/", "/" + path, path + "%00", path[:-1], path + "?d=W10&k=x"]
        )
    ),
    body=st.binary(max_size=100),
    headers=st.dictionaries(
        st.sampled_from(
            ["Authorization", "Origin", "Content-Encoding", "Content-Type", "DNT", "Accept", "Expect"]
        ),
        st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=30),
    ),
)
def test_no_method_path_or_header_is_a_fault(
    method: str, path: str, body: bytes, headers: dict[str, str], collector: Collector
) -> None:
    # A connection each: some are refused in a way that ends theirs.
    answer = collector.ask(method, path, body, headers)
    assert answer.status < 500


def events() -> st.SearchStrategy[dict[str, Any]]:
    """Events that are good as long as nobody changes them; each has an id of its own."""
    texts = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=20)
    numbers = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
    values = st.recursive(
        st.none() | st.booleans() | numbers | texts,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
        max_leaves=8,
    )
    objects = st.dictionaries(texts, values, max_size=4)
    return st.fixed_dictionaries(
        {
            "type": st.sampled_from(MESSAGE_TYPES),
            "userId": st.sampled_from(["u", "v", "ü 😀"]),
            "messageId": st.builds(lambda: f"m-{next(NUMBERS)}"),
            "event": texts,
            "name": texts,
            "groupId": texts,
            "previousId": texts,
        },
        optional={
            "anonymousId": texts,
            "timestamp": st.sampled_from([0, 0, 1, 100]).map(_days_ago),
            "properties": objects,
            "traits": objects,
            "context": objects,
        },
    )


def _days_ago(days: int) -> str:
    return (datetime.now(UTC) - timedelta(days=days)).isoformat()


def mutated(body: bytes, changes: list[tuple[str, float, bytes]]) -> bytes:
    """The body with bytes taken out, put in, exchanged or repeated at places from 0 to 1."""
    for what, where, content in changes:
        at = int(where * len(body))
        end = at + len(content)
        if what == "insert":
            body = body[:at] + content + body[at:]
        elif what == "remove":
            body = body[:at] + body[end:]
        elif what == "replace":
            body = body[:at] + content + body[end:]
        else:
            body = body[:end] + body[at:]
    return body


CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["insert", "remove", "replace", "repeat"]),
        st.floats(0, 1),
        st.binary(max_size=6)
        | st.sampled_from([b'"', b"\\", b"{", b"}", b",", b"null", b"1e999", b"\x00", rb"\ud83d", b"NaN"]),
    ),
    min_size=1,
    max_size=4,
)
JUNK: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, 7, -1.5, "", "\x00", "\ud83d", "x" * 40_000, [], {}, [[]], {"": {}}]
)


@FUZZ
@given(
    batch=st.lists(events(), min_size=1, max_size=5),
    changed=st.sampled_from(["nothing", "a field", "the body", "the packed body"]),
    field=st.sampled_from(
        ["type", "userId", "messageId", "timestamp", "event", "properties", "context", "x"]
    ),
    junk=JUNK,
    changes=CHANGES,
    route=st.sampled_from(HOT),
    encoding=st.sampled_from(sorted(PACK)),
)
def test_no_body_is_a_fault(
    batch: list[dict[str, Any]],
    changed: str,
    field: str,
    junk: Any,
    changes: list[tuple[str, float, bytes]],
    route: str,
    encoding: str,
    connection: http.client.HTTPConnection,
    acknowledged: set[str],
) -> None:
    if changed == "a field":
        batch[0][field] = junk
    takes_many = route in ("/v1/batch", "/v1/b")
    if not takes_many and changed != "a field":
        batch[0]["type"] = route.removeprefix("/v1/")
    body = json.dumps({"batch": batch} if takes_many else batch[0]).encode()
    if changed == "the body":
        body = mutated(body, changes)
    body = PACK[encoding](body)
    if changed == "the packed body":
        body = mutated(body, changes)
    headers = {**basic(SERVER), **({"Content-Encoding": encoding} if encoding else {})}
    answer = exchange(connection, "POST", route, body, headers)
    assert answer.status in (200, 400)
    if takes_many and changed == "nothing":
        assert len(answer.results) == len(batch)
    acknowledged |= answered_ok(answer)


def answered_ok(answer: Answer) -> set[str]:
    """Ids of the events that an answer says are kept."""
    return {each["messageId"] for each in answer.json.get("results", ()) if each["result"] == "ok"}


def test_after_all_that_the_collector_is_well_and_has_kept_what_it_said(
    collector: Collector,
    acknowledged: set[str],
    shared_database: str,
    rows: Callable[..., list[dict[str, Any]]],
) -> None:
    assert collector.get("/readyz").status == 200
    assert collector.send("/v1/track", {"userId": "u", "event": "x", "messageId": "last"}).results == ["ok"]
    kept = {row["message_id"] for row in rows(shared_database, "SELECT message_id FROM churnguard.events")}
    print(f"{len(acknowledged)} events answered ok")
    assert len(acknowledged) > 20, "most were refused: that proves little"
    assert kept == acknowledged | {"last"}
    assert [json.loads(line)["message"] for line in collector.log.lines] == ["ready"]
