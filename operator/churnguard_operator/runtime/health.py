"""Is this process worth keeping? Told over HTTP, with the metrics beside it.

/healthz    200 while it works or could; 500 names what is stuck: restart it
/readyz     200 once all objects have been listed and watches are set up
/metrics    for Prometheus; of models only where this process works, so that no model is counted twice
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from churnguard_operator.runtime.metrics import Metrics
from churnguard_operator.runtime.model_metrics import ModelMetrics
from churnguard_operator.runtime.queue import Queue
from churnguard_operator.runtime.store import ModelKey
from churnguard_operator.runtime.watermarks import Watermarks

STUCK_SECONDS: Final = 300.0
"""How long a model may wait for a look, or one look may take."""


@dataclass(kw_only=True)
class Health:
    """What is looked at to tell."""

    queue: Queue[ModelKey]
    watermarks: Watermarks
    is_leader: bool = False
    is_ready: bool = False

    def problems(self) -> list[str]:
        """What is stuck; empty when all is well."""
        found = [
            f"the watch of {stream.kind} in {stream.namespace or 'all namespaces'} tells nothing"
            for stream in self.watermarks.silent()
        ]
        if self.queue.longest_work > STUCK_SECONDS:
            found.append(f"a look has taken {self.queue.longest_work:.0f} s")
        # On standby nobody takes keys.
        if self.is_leader and self.queue.oldest_age > STUCK_SECONDS:
            found.append(f"a model has waited {self.queue.oldest_age:.0f} s for a look")
        return found


async def metrics_text(health: Health, *, metrics: Metrics, models: ModelMetrics) -> bytes:
    """What Prometheus is told: of models only by the one process that works."""
    return metrics.page() + (await models.page() if health.is_leader else b"")


@asynccontextmanager
async def health_server(
    health: Health, *, metrics: Metrics, models: ModelMetrics, host: str, port: int
) -> AsyncIterator[None]:
    """Answers at this port inside the block."""

    async def healthz(_: web.Request) -> web.Response:
        problems = health.problems()
        return web.Response(status=500 if problems else 200, text="\n".join(problems) or "ok")

    async def readyz(_: web.Request) -> web.Response:
        return web.Response(
            status=200 if health.is_ready else 503, text="ok" if health.is_ready else "not yet"
        )

    async def page(_: web.Request) -> web.Response:
        body = await metrics_text(health, metrics=metrics, models=models)
        return web.Response(body=body, headers={"Content-Type": "text/plain; version=0.0.4"})

    application = web.Application()
    application.add_routes(
        [web.get("/healthz", healthz), web.get("/readyz", readyz), web.get("/metrics", page)]
    )
    runner = web.AppRunner(application, access_log=None, handle_signals=False, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        yield
    finally:
        await runner.cleanup()
