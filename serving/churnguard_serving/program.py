"""One run of the server: load, verify, listen, serve."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import socket
import sys
import time
import warnings
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

import uvloop
from prometheus_client import REGISTRY, Gauge, disable_created_metrics

from churnguard_core.bundle import InvalidBundle
from churnguard_core.logs import configure_logging
from churnguard_scoring.bundle import LoadedBundle, load_bundle
from churnguard_serving.grpc import CannotListen
from churnguard_serving.metrics import PredictorMetrics
from churnguard_serving.options import Options
from churnguard_serving.reload import nothing_to_follow, settings_file
from churnguard_serving.server import PredictorServer
from churnguard_serving.service import Service
from churnguard_serving.settings import InvalidSettings, Settings
from churnguard_storage import StorageError, read_bundle, read_credentials
from churnguard_web.listening import listen, readiness

log = logging.getLogger("churnguard.serving")

STOPPED: Final = 0
REFUSED: Final = 2
SWITCH_SECONDS: Final = 0.001
"""How long a thread with a large request keeps the interpreter from the event loop, at most."""
YOUNG_OBJECTS: Final = 50_000
"""Requests are trees without cycles: looking at each large one a hundred times finds nothing."""


def run(options: Options) -> int:
    """Serve until a signal; the process's exit code."""
    configure_logging(level=options.log_level)
    started = time.monotonic()
    disable_created_metrics()  # type: ignore[no-untyped-call]
    # KServe's own use of it, in every answer about its models.
    warnings.filterwarnings("ignore", message="ORJSONResponse is deprecated")
    try:
        service = _load(options)
        listener = listen(host=options.host, port=options.port)
    except (InvalidBundle, InvalidSettings, StorageError, OSError) as error:
        return _refused(error, options)
    sys.setswitchinterval(SWITCH_SECONDS)
    # What was loaded stays for life: the collector need not look at it again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS)
    ready = partial(_say_ready, service, listener, started=started)
    with contextlib.closing(listener), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            runner.run(_serve(service, listener, options=options, ready=ready))
        except CannotListen as error:
            return _refused(error, options)
    log.info("stopped")
    return STOPPED


def _refused(error: Exception, options: Options) -> int:
    log.error("refused", extra={"problem": str(error), "bundle": options.bundle})
    return REFUSED


async def _serve(
    service: Service, listener: socket.socket, *, options: Options, ready: Callable[[], None]
) -> None:
    server = PredictorServer(
        service,
        listener=listener,
        grpc_port=options.grpc_port,
        drain_seconds=options.drain_seconds,
    )
    path = options.serving
    beside: Callable[[], Awaitable[None]] = (
        nothing_to_follow
        if path is None
        else partial(settings_file(path).follow, current=service.settings, apply=service.apply)
    )
    await server.serve(beside=beside, ready=ready)


def _load(options: Options) -> Service:
    begun = time.monotonic()
    settings = Settings() if options.serving is None else settings_file(options.serving).read()
    credentials = read_credentials(role="store", environ=os.environ)
    files = read_bundle(options.bundle, credentials=credentials, environ=os.environ)
    counted: list[PredictorMetrics] = []
    bundle = load_bundle(files, digest=options.digest, on_unseen=lambda name: counted[0].unseen(name))
    bundle.scorer.prepare_reasons()
    origin = bundle.manifest.origin
    metrics = PredictorMetrics(model=options.name, revision=origin.revision, features=bundle.scorer.features)
    REGISTRY.register(metrics)
    counted.append(metrics)
    _expose_load(bundle, name=options.name, seconds=time.monotonic() - begun)
    return Service(bundle, name=options.name, settings=settings, metrics=metrics)


def _expose_load(bundle: LoadedBundle, *, name: str, seconds: float) -> None:
    labels = {"model": name, "revision": bundle.manifest.origin.revision}
    loaded = Gauge(
        "churnguard_predictor_model_loaded_timestamp_seconds", "When the bundle was loaded.", list(labels)
    )
    loaded.labels(**labels).set_to_current_time()
    duration = Gauge(
        "churnguard_predictor_model_load_duration_seconds", "How long loading the bundle took.", ["model"]
    )
    duration.labels(name).set(seconds)


def _say_ready(service: Service, listener: socket.socket, *, started: float) -> None:
    served = {"model": service.name, "revision": service.revision}
    log.info("ready", extra={**served, **readiness(listener, started=started)})
