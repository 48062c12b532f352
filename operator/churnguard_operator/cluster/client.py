"""The API server over aiohttp: one session, time limits, a bounded number of tries."""

from __future__ import annotations

import asyncio
import http
import logging
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Any, Final, Protocol

import aiohttp
import kopf
import msgspec

from churnguard_operator.cluster import requests
from churnguard_operator.cluster.errors import (
    ApiError,
    ConflictError,
    NotFoundError,
    UnreachableError,
    error_of,
)
from churnguard_operator.cluster.protocol import Change, Page
from churnguard_operator.cluster.requests import Request
from churnguard_operator.cluster.resources import RESOURCES, Resource
from churnguard_operator.cluster.retrying import delay_before_retry
from churnguard_operator.observed import Document

logger = logging.getLogger("churnguard.operator.client")

TIMEOUT: Final = aiohttp.ClientTimeout(total=30, connect=5)
WATCH_TIMEOUT: Final = aiohttp.ClientTimeout(sock_connect=5, sock_read=75)
"""A watch in which nothing happens brings a bookmark every minute."""
WATCH_SECONDS: Final = (300, 600)
"""How long a watch is asked for, at random between these: all of them would come back at once."""
FIRST_ERROR: Final = 400

Login = Callable[[], kopf.ConnectionInfo]


class Meter(Protocol):
    """Who counts requests."""

    def request_done(self, request: Request, *, status: int, seconds: float) -> None:
        """An answer came, or none did: then the status is 0."""


class ApiClient:
    """A Cluster (see protocol.py) behind an API server; an asynchronous context manager.

    Args:
        login: How to reach it and log in. Asked again when the API server does not know us any more: a pod's token
            is another every hour.
        meter: Who counts requests.
        timeout: Of one try.
    """

    def __init__(self, *, login: Login, meter: Meter, timeout: aiohttp.ClientTimeout = TIMEOUT) -> None:
        self._login = login
        self._meter = meter
        self._timeout = timeout
        self._server = ""
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> ApiClient:
        self._open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def get(self, resource: Resource, *, namespace: str, name: str) -> Document:
        """See Cluster."""
        return await self._send(requests.get(resource, namespace=namespace, name=name))

    async def pages(
        self, resource: Resource, *, namespace: str | None, selector: str = ""
    ) -> AsyncIterator[Page]:
        """See Cluster."""
        following = ""
        while True:
            page = await self._send(
                requests.list_page(resource, namespace=namespace, selector=selector, following=following)
            )
            identity = {"apiVersion": resource.api_version, "kind": resource.kind}
            metadata = page.get("metadata", {})
            # Objects in a list do not say what they are.
            documents = [{**identity, **item} for item in page.get("items") or ()]
            yield Page(documents, metadata.get("resourceVersion") or "")
            following = metadata.get("continue") or ""
            if not following:
                return

    async def changes(
        self, resource: Resource, *, namespace: str | None, selector: str, since: str
    ) -> AsyncIterator[Change]:
        """See Cluster."""
        seconds = random.randint(*WATCH_SECONDS)  # noqa: S311 - spreads load, hides nothing
        request = requests.watch(
            resource, namespace=namespace, selector=selector, since=since, seconds=seconds
        )
        session = self._session
        try:
            async with self._request(request, timeout=WATCH_TIMEOUT) as answer:
                if answer.status >= FIRST_ERROR:
                    if answer.status == http.HTTPStatus.UNAUTHORIZED:
                        await self._log_in_again(session)
                    raise error_of(status=answer.status, body=await answer.read(), request=str(request))
                async for line in _lines(answer.content):
                    yield _change_of(line, request=request)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise UnreachableError(f"{request}: broke off: {type(error).__name__} {error}") from error

    async def apply(self, document: Document) -> Document:
        """See Cluster."""
        return await self._send(requests.apply(RESOURCES[document["kind"]], document))

    async def apply_status(self, document: Document) -> Document:
        """See Cluster."""
        return await self._send(requests.apply_status(RESOURCES[document["kind"]], document))

    async def create(self, resource: Resource, document: Document) -> Document:
        """See Cluster."""
        return await self._send(requests.create(resource, document))

    async def replace(self, resource: Resource, document: Document) -> Document:
        """See Cluster."""
        return await self._send(requests.replace(resource, document))

    async def delete(self, resource: Resource, *, namespace: str, name: str, uid: str) -> Document | None:
        """See Cluster."""
        try:
            left = await self._send(requests.delete(resource, namespace=namespace, name=name, uid=uid))
        except (NotFoundError, ConflictError):
            # It is gone, and what bears its name now is another.
            return None
        # What is gone at once is answered with a Status.
        return left if left.get("kind") == resource.kind else None

    async def api_versions(self) -> frozenset[str]:
        """See Cluster."""
        found = await self._send(requests.get_path("/apis"))
        return frozenset(
            version["groupVersion"] for group in found.get("groups", ()) for version in group["versions"]
        )

    async def kinds_of(self, api_version: str) -> frozenset[str]:
        """See Cluster."""
        try:
            found = await self._send(requests.get_path(f"/apis/{api_version}"))
        except NotFoundError:
            return frozenset()
        # What only may be deleted any more has a definition that is being removed.
        return frozenset(
            each["kind"] for each in found.get("resources", ()) if "create" in each.get("verbs", ())
        )

    async def _send(self, request: Request) -> Document:
        attempt = 0
        while True:
            attempt += 1
            session = self._session
            status, retry_after, body = await self._try(request)
            if status == http.HTTPStatus.UNAUTHORIZED and attempt == 1:
                await self._log_in_again(session)
                continue
            if status is not None and status < FIRST_ERROR:
                found: Document = msgspec.json.decode(body)
                return found
            delay = delay_before_retry(request, attempt=attempt, status=status, retry_after=retry_after)
            if delay is None:
                raise _failure(request, status=status, body=body)
            logger.debug("%s: again in %.1f s", request, delay)
            await asyncio.sleep(delay)

    async def _try(self, request: Request) -> tuple[int | None, str | None, bytes]:
        """Status, ``Retry-After`` and body of the answer; without a status the body says why there is none."""
        started = time.perf_counter()
        status = 0
        try:
            async with self._request(request, timeout=self._timeout) as answer:
                body = await answer.read()
                status = answer.status
                return status, answer.headers.get("Retry-After"), body
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return None, None, f"{type(error).__name__} {error}".encode()
        finally:
            self._meter.request_done(request, status=status, seconds=time.perf_counter() - started)

    def _request(
        self, request: Request, *, timeout: aiohttp.ClientTimeout
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        if self._session is None:
            raise UnreachableError(f"{request}: the client is not open")
        return self._session.request(
            request.method,
            self._server + request.path,
            params=request.query,
            data=None if request.body is None else msgspec.json.encode(request.body),
            headers={"Accept": requests.JSON, "Content-Type": request.content_type},
            timeout=timeout,
        )

    async def _log_in_again(self, session: aiohttp.ClientSession | None) -> None:
        if self._session is not session:
            # Another request has done so.
            return
        self._open()
        if session is not None:
            await session.close()

    def _open(self) -> None:
        info = self._login()
        self._server = info.server.rstrip("/")
        # Without a limit: there are as many at once as workers and watches.
        connector = aiohttp.TCPConnector(limit=0, ssl=info.as_ssl_context())
        self._session = aiohttp.ClientSession(connector=connector, headers=info.as_http_headers())


async def _lines(content: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    """Whole lines, however long: the reader's own have a limit that objects exceed."""
    rest = b""
    async for chunk in content.iter_any():
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line


def _change_of(line: bytes, *, request: Request) -> Change:
    told = msgspec.json.decode(line)
    document: Document = told["object"]
    if told["type"] == "ERROR":
        raise error_of(
            status=document.get("code", 0), body=msgspec.json.encode(document), request=str(request)
        )
    return Change(told["type"], document)


def _failure(request: Request, *, status: int | None, body: bytes) -> ApiError | UnreachableError:
    if status is None:
        return UnreachableError(f"{request}: no answer: {body.decode(errors='replace')}")
    return error_of(status=status, body=body, request=str(request))


def log_in(**_: Any) -> kopf.ConnectionInfo:
    """The way in, as the pod's ServiceAccount, else by kubeconfig; LoginError when there is neither."""
    settings = kopf.OperatorSettings()
    try:
        found = kopf.login_with_service_account(settings=settings)
        found = found or kopf.login_with_kubeconfig(settings=settings)
    except (OSError, KeyError) as error:
        raise kopf.LoginError(f"no way in: the kubeconfig cannot be used: {error!r}") from error
    if found is None:
        text = "no way in: neither a ServiceAccount's token nor a kubeconfig (KUBECONFIG) is there"
        raise kopf.LoginError(text)
    return found
