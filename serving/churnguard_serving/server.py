"""The server: KServe's, with our route in front, honest readiness and a drain."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

import kserve.model_server
from grpc import aio
from kserve import ModelServer
from kserve.errors import InvalidInput, ModelNotFound, ModelNotReady, ServerNotReady
from kserve.logging import logger as kserve_log
from kserve.protocol.rest.server import RESTServer

from churnguard_serving.grpc import grpc_server
from churnguard_serving.http.protocol import PredictionProtocol
from churnguard_serving.http.route import HotRoute
from churnguard_serving.kserve_model import ChurnPredictor, ClosedRepository, HonestDataPlane
from churnguard_serving.large import LargeRequests
from churnguard_serving.logs import WithoutCallersErrors
from churnguard_serving.service import Service
from churnguard_web.asgi import Application
from churnguard_web.server import GRACE_SECONDS, Server


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
        http = Server(route, listener=self._listener, protocol=PredictionProtocol)
        grpc = await self._start_grpc()
        companion = asyncio.ensure_future(beside())
        http.drain_on_signals(seconds=self._drain_seconds, on_drain=self._service.drain)
        try:
            await http.serve(on_ready=ready)
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
