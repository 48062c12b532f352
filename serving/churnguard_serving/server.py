"""The server: KServe's, with our route in front, honest readiness and a drain."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Final

import kserve.model_server
import uvicorn
from grpc import aio
from kserve import ModelServer
from kserve.errors import InvalidInput, ModelNotFound, ModelNotReady, ServerNotReady
from kserve.logging import logger as kserve_log
from kserve.protocol.rest.server import RESTServer

from churnguard_serving.grpc import grpc_server
from churnguard_serving.http.protocol import ShortCutProtocol
from churnguard_serving.http.route import Application, HotRoute
from churnguard_serving.kserve_model import ChurnPredictor, ClosedRepository, HonestDataPlane
from churnguard_serving.large import LargeRequests
from churnguard_serving.logs import WithoutCallersErrors
from churnguard_serving.service import Service

log = logging.getLogger("churnguard.serving")

GRACE_SECONDS: Final = 30
"""How long requests that have begun may take after the drain."""
KEEP_ALIVE_SECONDS: Final = 75
"""Longer than the usual 60 s of load balancers: the one who sends should be the first to hang up."""


class PredictorServer(ModelServer):
    """KServe's model server around one service.

    Args:
        service: What answers.
        listener: A bound socket.
        grpc_port: Port of gRPC, None for none.
        drain_seconds: How long to go on answering after SIGTERM.
    """

    def __init__(
        self,
        service: Service,
        *,
        listener: socket.socket,
        grpc_port: int | None,
        drain_seconds: float,
    ) -> None:
        super().__init__(
            http_port=listener.getsockname()[1],
            workers=1,
            enable_grpc=grpc_port is not None,
            enable_latency_logging=False,
        )
        self._service = service
        self._listener = listener
        self._port_of_grpc = grpc_port
        self._drain_seconds = drain_seconds
        kserve_log.addFilter(WithoutCallersErrors(InvalidInput, ModelNotFound, ServerNotReady, ModelNotReady))
        self.dataplane = HonestDataPlane(model_registry=self.registered_models)
        self.model_repository_extension = ClosedRepository(model_registry=self.registered_models)
        self._large = LargeRequests()
        self.register_model(ChurnPredictor(service, large=self._large))

    async def serve(self, *, beside: Callable[[], Awaitable[None]], ready: Callable[[], None]) -> None:
        """Answer until a signal says to stop, then drain and finish.

        Args:
            beside: Runs along with the server.
            ready: Called when the first request can come.
        """
        route = HotRoute(self._service, self._kserve_application(), large=self._large)
        http = _HttpServer(_configuration(route), on_started=ready)
        grpc = await self._start_grpc()
        companion = asyncio.ensure_future(beside())
        self._stop_on_signals(http)
        try:
            await http.serve(sockets=[self._listener])
        finally:
            companion.cancel()
            if grpc is not None:
                await grpc.stop(GRACE_SECONDS)
            self._large.close()

    def _kserve_application(self) -> Application:
        rest = RESTServer(
            "kserve.model_server:app", self.dataplane, self.model_repository_extension, self.http_port
        )
        rest.create_application()
        application: Application = kserve.model_server.app
        return application

    async def _start_grpc(self) -> aio.Server | None:
        if self._port_of_grpc is None:
            return None
        server = grpc_server(
            self.dataplane,
            self.model_repository_extension,
            host=self._listener.getsockname()[0],
            port=self._port_of_grpc,
            most_bytes=self._service.limits.max_body_bytes,
        )
        await server.start()
        return server

    def _stop_on_signals(self, http: _HttpServer) -> None:
        loop = asyncio.get_running_loop()

        def drain() -> None:
            if self._service.draining:
                return
            self._service.drain()
            log.info("draining", extra={"seconds": self._drain_seconds})
            loop.call_later(self._drain_seconds, stop)

        def stop() -> None:
            self._service.drain()
            # A second signal does not wait for requests that have begun.
            http.force_exit = http.should_exit
            http.should_exit = True

        loop.add_signal_handler(signal.SIGTERM, drain)
        loop.add_signal_handler(signal.SIGINT, stop)


class _HttpServer(uvicorn.Server):
    """uvicorn, without its signal handlers: SIGTERM begins a drain here."""

    def __init__(self, config: uvicorn.Config, *, on_started: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_started = on_started

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self._on_started()


def _configuration(application: Any) -> uvicorn.Config:
    return uvicorn.Config(
        application,
        http=ShortCutProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        # Nobody here asks for the caller's address.
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
