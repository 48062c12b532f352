"""Servers that ours is compared with: ``peer_server.py KIND PORT [BUNDLE]``, all on loopback and one process each."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

KIND, PORT, BUNDLE = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
# KServe parses the command line when it is imported.
sys.argv[1:] = []


def service() -> Any:
    """Our scoring, as our own server has it."""
    from churnguard_scoring.bundle import load_bundle
    from churnguard_serving.metrics import PredictorMetrics
    from churnguard_serving.service import Service
    from churnguard_serving.settings import Settings

    folder = Path(BUNDLE[0])
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.*")}
    bundle = load_bundle(files)
    bundle.scorer.prepare_reasons()
    metrics = PredictorMetrics(model="telco", revision="telco-r1", features=bundle.scorer.features)
    return Service(bundle, name="telco", settings=Settings(), metrics=metrics)


def run_kserve(model: Any) -> None:
    """KServe's server with its default settings, but for the addresses."""
    import uvicorn
    from kserve import ModelServer
    from kserve.protocol.rest import server

    class OnLoopback(uvicorn.Config):
        def __init__(self, *arguments: Any, **settings: Any) -> None:
            super().__init__(*arguments, **{**settings, "host": "127.0.0.1"})

    server.uvicorn.Config = OnLoopback
    # gRPC on any free port.
    ModelServer(http_port=PORT, grpc_port=0).start([model])


def bare() -> None:
    """KServe's server around a model that does nothing."""
    from kserve import Model

    class Nothing(Model):
        def predict(self, payload: Any, headers: Any = None, response_headers: Any = None) -> Any:
            return payload

    model = Nothing("telco")
    model.load()
    run_kserve(model)


def kserve_with_our_scoring() -> None:
    """Our scoring behind KServe's own handlers."""
    from churnguard_serving.kserve_model import ChurnPredictor
    from churnguard_serving.large import LargeRequests

    model = ChurnPredictor(service(), large=LargeRequests())
    model.ready = True
    run_kserve(model)


def kserve_with_a_pipeline() -> None:
    """What examples lead to: a scikit-learn pipeline around XGBoost, asked with a DataFrame."""
    import pandas as pd
    from kserve import Model

    from peers import NUMBERS, LibraryPipeline

    pipeline = LibraryPipeline.fit(rows=7043, depth=4, rounds=200).pipeline

    class PipelineModel(Model):
        def predict(self, payload: Any, headers: Any = None, response_headers: Any = None) -> Any:
            frame = pd.DataFrame(payload["instances"])
            frame[NUMBERS] = frame[NUMBERS].astype(float)
            return {"predictions": pipeline.predict_proba(frame)[:, 1].tolist()}

    model = PipelineModel("telco")
    model.load()
    run_kserve(model)


def fastapi_with_our_scoring() -> None:
    """Our scoring behind FastAPI, without its access log."""
    import msgspec
    import uvicorn
    from fastapi import FastAPI

    application, ours = FastAPI(), service()

    @application.post("/v1/models/telco:predict")
    async def predict(body: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = {"predictions": msgspec.to_builtins(ours.predict(body["instances"]))}
        return answer

    @application.get("/v2/health/ready")
    async def ready() -> dict[str, bool]:
        return {"ready": True}

    uvicorn.run(application, host="127.0.0.1", port=PORT, access_log=False, log_level="warning")


def floor() -> None:
    """A constant answer from uvicorn, without any framework: what a request costs before anybody looks at it."""
    import uvicorn

    body = b'{"ready": true}'
    length = (b"content-length", b"%d" % len(body))

    async def constant(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": [length]})
        await send({"type": "http.response.body", "body": body})

    uvicorn.run(
        constant,
        host="127.0.0.1",
        port=PORT,
        access_log=False,
        log_level="warning",
        lifespan="off",
        proxy_headers=False,
    )


if __name__ == "__main__":
    {
        "floor": floor,
        "bare": bare,
        "kserve": kserve_with_our_scoring,
        "pipeline": kserve_with_a_pipeline,
        "fastapi": fastapi_with_our_scoring,
    }[KIND]()
