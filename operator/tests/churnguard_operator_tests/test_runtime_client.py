"""The client against a server that misbehaves on demand, as no real API server would."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import kopf
import pytest
from aiohttp import web

from churnguard_operator.cluster.client import ApiClient
from churnguard_operator.cluster.errors import ApiError, ConflictError, NotFoundError, UnreachableError
from churnguard_operator.cluster.protocol import Page
from churnguard_operator.cluster.requests import Request
from churnguard_operator.cluster.resources import CHURN_MODEL, JOB, LEASE, SCALED_OBJECT
from churnguard_operator.cluster.retrying import DELAYS, delay_before_retry
from churnguard_operator.observed import Document
from churnguard_operator.runtime.prober import agreed, score_of

Answer = Callable[[web.Request], Awaitable[web.Response]]
NAMED = {"namespace": "retention", "name": "telco"}
LEASE_DOCUMENT: Document = {"kind": "Lease", "metadata": NAMED}


class Counts:
    """Statuses of all requests, in order."""

    def __init__(self) -> None:
        self.statuses: list[int] = []

    def request_done(self, request: Request, *, status: int, seconds: float) -> None:
        self.statuses.append(status)


def ask(
    answer: Answer, work: Callable[[ApiClient], Awaitable[Any]], *, login: Callable[[], str] = str
) -> tuple[Any, list[int]]:
    """What the work returns with a client of a server that answers so, and the statuses that came."""

    async def run() -> tuple[Any, list[int]]:
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", answer)
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        server = f"http://127.0.0.1:{runner.addresses[0][1]}"
        counts = Counts()
        client = ApiClient(login=lambda: kopf.ConnectionInfo(server=server, token=login()), meter=counts)
        try:
            async with client:
                return await work(client), counts.statuses
        finally:
            await runner.cleanup()

    return asyncio.run(run())


def in_turn(*statuses: int, headers: dict[str, str] | None = None) -> Answer:
    left = list(statuses)

    async def answer(_: web.Request) -> web.Response:
        status = left.pop(0) if len(left) > 1 else left[0]
        said = {"kind": "Status", "reason": "Because", "message": "it is so"}
        return web.json_response(said if status >= 400 else {"kind": "Job"}, status=status, headers=headers)

    return answer


async def get(client: ApiClient) -> Document:
    return await client.get(JOB, **NAMED)


def test_a_server_that_is_busy_for_a_moment_is_asked_again() -> None:
    found, statuses = ask(in_turn(503, 429, 200), get)
    assert found == {"kind": "Job"}
    assert statuses == [503, 429, 200]


@pytest.mark.parametrize(
    ("status", "error"), [(404, NotFoundError), (409, ConflictError), (422, ApiError), (403, ApiError)]
)
def test_a_refusal_is_not_repeated_and_says_what_the_server_said(status: int, error: type[ApiError]) -> None:
    counted: list[int] = []

    async def work(client: ApiClient) -> None:
        with pytest.raises(error, match=r"GET /apis/batch/v1/namespaces/retention/jobs/telco.*it is so"):
            await get(client)

    _, counted = ask(in_turn(status), work)
    assert counted == [status]


def test_a_replacement_is_not_sent_twice_unless_the_server_has_not_looked_at_it() -> None:
    async def work(client: ApiClient) -> None:
        with pytest.raises(ApiError, match="500"):
            await client.replace(LEASE, LEASE_DOCUMENT)

    _, statuses = ask(in_turn(429, 500), work)
    assert statuses == [429, 500]


def test_nobody_who_answers_is_an_error_that_says_so() -> None:
    async def work() -> None:
        login = lambda: kopf.ConnectionInfo(server="http://127.0.0.1:9", token="t")  # noqa: E731
        async with ApiClient(login=login, meter=Counts()) as client:
            with pytest.raises(UnreachableError, match="PUT /apis/coordination"):
                await client.replace(LEASE, LEASE_DOCUMENT)

    asyncio.run(work())


def test_a_token_that_has_expired_is_read_anew_once() -> None:
    tokens = iter(["old", "new"])

    async def answer(request: web.Request) -> web.Response:
        is_known = request.headers["Authorization"] == "Bearer new"
        return web.json_response({}, status=200 if is_known else 401)

    _, statuses = ask(answer, get, login=lambda: next(tokens))
    assert statuses == [401, 200]


def test_a_list_goes_page_by_page_and_its_objects_say_what_they_are() -> None:
    first = {"metadata": {"continue": "two", "resourceVersion": "7"}, "items": [{"n": 1}]}
    pages = {"": first, "two": {"metadata": {"resourceVersion": "7"}, "items": [{"n": 2}]}}

    async def answer(request: web.Request) -> web.Response:
        assert request.query["labelSelector"] == "a=b"
        return web.json_response(pages[request.query.get("continue", "")])

    async def work(client: ApiClient) -> list[Page]:
        return [page async for page in client.pages(CHURN_MODEL, namespace=None, selector="a=b")]

    found, _ = ask(answer, work)
    identity = {"apiVersion": CHURN_MODEL.api_version, "kind": CHURN_MODEL.kind}
    assert found == [Page([{**identity, "n": 1}], "7"), Page([{**identity, "n": 2}], "7")]


def test_deleting_what_is_gone_or_another_by_now_is_no_error_and_names_the_uid() -> None:
    bodies = []

    async def answer(request: web.Request) -> web.Response:
        bodies.append(json.loads(await request.read()))
        return web.json_response({}, status=409)

    left, _ = ask(answer, lambda client: client.delete(JOB, **NAMED, uid="u-1"))
    assert left is None
    assert bodies[0]["preconditions"] == {"uid": "u-1"}


def test_what_is_deleted_is_gone_at_once_or_held_back_for_a_while() -> None:
    held = {"kind": "Job", "metadata": {"deletionTimestamp": "2025-03-03T12:00:00Z"}}
    for answer, expected in ((held, held), ({"kind": "Status", "status": "Success"}, None)):
        left, _ = ask(saying(answer), lambda client: client.delete(JOB, **NAMED, uid="u-1"))
        assert left == expected


def test_an_api_that_is_not_served_has_no_kinds() -> None:
    found, _ = ask(in_turn(404), lambda client: client.kinds_of(SCALED_OBJECT.api_version))
    assert found == frozenset()


def saying(found: Document) -> Answer:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response(found)

    return answer


def test_a_kind_whose_definition_is_being_removed_is_not_served() -> None:
    whole = {"kind": "HTTPRoute", "verbs": ["get", "list", "watch", "create", "patch", "delete"]}
    part = {"kind": "Gateway", "name": "gateways/status", "verbs": ["get", "patch"]}
    going = {"kind": "GRPCRoute", "verbs": ["get", "list", "watch", "delete"]}
    answer = saying({"kind": "APIResourceList", "resources": [whole, part, going]})
    found, _ = ask(answer, lambda client: client.kinds_of("gateway.networking.k8s.io/v1"))
    assert found == {"HTTPRoute"}


def test_the_groups_of_a_cluster_are_listed_with_all_their_versions() -> None:
    versions = [{"groupVersion": "keda.sh/v1"}, {"groupVersion": "keda.sh/v1alpha1"}]
    answer = saying({"groups": [{"name": "keda.sh", "versions": versions}]})
    found, _ = ask(answer, lambda client: client.api_versions())
    assert found == {"keda.sh/v1", "keda.sh/v1alpha1"}


GET = Request(verb="get", method="GET", path="/", resource="jobs")


@pytest.mark.parametrize(
    ("attempt", "status", "retry_after", "delay"),
    [
        (1, 503, None, DELAYS[0]),
        (1, None, None, DELAYS[0]),
        (1, 429, "3", 3.0),
        (1, 429, "3600", 10.0),
        (1, 429, "Wed, 21 Oct 2015 07:28:00 GMT", DELAYS[0]),
        (len(DELAYS) + 1, 503, None, None),
        (1, 404, None, None),
    ],
)
def test_the_wait_before_a_retry_is_the_servers_within_bounds(
    attempt: int, status: int | None, retry_after: str | None, delay: float | None
) -> None:
    found = delay_before_retry(GET, attempt=attempt, status=status, retry_after=retry_after)
    assert found == delay


@pytest.mark.parametrize(
    ("body", "score"),
    [
        (b'{"predictions":[{"risk_score":0.25}]}', 0.25),
        (b'{"predictions":[{"risk_score":1}]}', 1.0),
        (b'{"predictions":[]}', "an answer without a score"),
        (b"<html>", "an answer without a score"),
        (b'{"predictions":[{"risk_score":"0.25"}]}', "an answer whose score is no number"),
        (b'{"predictions":[{"risk_score":true}]}', "an answer whose score is no number"),
    ],
)
def test_a_score_is_a_number_in_its_place_or_the_answer_is_a_problem(body: bytes, score: object) -> None:
    assert score_of(body) == score


def test_pods_that_answer_differently_have_no_score() -> None:
    assert agreed("telco-r1-abcde", [0.25, 0.25]).score == 0.25
    assert "differently" in agreed("telco-r1-abcde", [0.25, 0.75]).problem
    assert agreed("telco-r1-abcde", [0.25, "10.0.0.1 answered 503"]).problem == "10.0.0.1 answered 503"
