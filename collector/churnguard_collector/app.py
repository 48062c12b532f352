"""The application: what operators and people ask by FastAPI, what brings events in front of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse

from churnguard_collector.http.route import HotRoutes
from churnguard_collector.service import Service
from churnguard_web.asgi import Application

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, kw_only=True)
class Health:
    """Whether all is well, and if not, what is wrong."""

    status: str
    problem: str | None = None


def application(service: Service, *, version: str) -> Application:
    """The whole application around a service."""
    app = FastAPI(
        title="ChurnGuard collector",
        version=version,
        description="Events come by POST /v1/{track,identify,page,screen,group,alias,batch,b} and GET /v1/px.gif.",
        redoc_url=None,
    )

    @app.get("/healthz", summary="Is the process alive?")
    async def healthz() -> Health:
        return Health(status="ok")

    @app.get("/readyz", summary="May events come?", responses={503: {"model": Health}})
    async def readyz() -> JSONResponse:
        problem = service.problem()
        health = Health(status="ok" if problem is None else "not ready", problem=problem)
        return JSONResponse(asdict(health), status_code=200 if problem is None else 503)

    @app.get("/metrics", summary="Metrics for Prometheus", response_class=Response)
    async def metrics() -> Response:
        return Response(service.metrics.page(), media_type=METRICS_TYPE)

    return HotRoutes(service, app)
