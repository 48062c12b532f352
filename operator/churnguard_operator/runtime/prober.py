"""Asks the pods of an InferenceService for the score of the empty record, each by its own address."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from typing import Any, Final

import aiohttp

from churnguard_operator.children.inferenceservice import HTTP_PORT
from churnguard_operator.cluster.protocol import Cluster
from churnguard_operator.cluster.resources import ENDPOINT_SLICE
from churnguard_operator.names import predictor_name
from churnguard_operator.observed import Document, Probe
from churnguard_operator.policy.readiness import SCORE_TOLERANCE
from churnguard_operator.views.serving import ready_addresses

TIMEOUT: Final = aiohttp.ClientTimeout(total=3, connect=2)
MOST_PODS: Final = 10
MOST_BYTES: Final = 65_536
QUESTION: Final[Document] = {"instances": [{}]}


class Prober:
    """Probes over HTTP.

    Args:
        cluster: Where addresses are looked up.
        session: What asks. It must know no proxy: addresses of pods are the cluster's own.
    """

    def __init__(self, *, cluster: Cluster, session: aiohttp.ClientSession) -> None:
        self._cluster = cluster
        self._session = session

    async def probe(self, inference_service: str, *, namespace: str, model: str) -> Probe:
        """What the ready pods answer: one score, or what is wrong."""
        slices: list[Document] = []
        selector = f"kubernetes.io/service-name={predictor_name(inference_service)}"
        async for page in self._cluster.pages(ENDPOINT_SLICE, namespace=namespace, selector=selector):
            slices += page.documents
        addresses = ready_addresses(slices)[:MOST_PODS]
        if not addresses:
            return Probe(inference_service=inference_service, problem="no pod behind its Service is ready")
        answers = await asyncio.gather(*(self._ask(address, model=model) for address in addresses))
        return agreed(inference_service, answers)

    async def _ask(self, address: str, *, model: str) -> float | str:
        host = f"[{address}]" if ":" in address else address
        url = f"http://{host}:{HTTP_PORT}/v1/models/{model}:predict"
        try:
            async with self._session.post(url, json=QUESTION, timeout=TIMEOUT) as answer:
                body = await answer.content.read(MOST_BYTES)
                return score_of(body) if answer.status == 200 else f"{address} answered {answer.status}"
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return f"{address} did not answer: {type(error).__name__} {error}".strip()


def agreed(inference_service: str, answers: Iterable[float | str]) -> Probe:
    """One outcome of all pods' answers, each a score or a problem."""
    scores = []
    for answer in answers:
        if isinstance(answer, str):
            return Probe(inference_service=inference_service, problem=answer)
        scores.append(answer)
    if max(scores) - min(scores) > SCORE_TOLERANCE:
        text = f"its pods answer differently, from {min(scores):.6f} to {max(scores):.6f}"
        return Probe(inference_service=inference_service, problem=text)
    return Probe(inference_service=inference_service, score=scores[0])


def score_of(body: bytes) -> float | str:
    """The score in an answer, or that there is none."""
    try:
        found: Any = json.loads(body)["predictions"][0]["risk_score"]
    except (ValueError, KeyError, IndexError, TypeError):
        return "an answer without a score"
    return float(found) if type(found) in (int, float) else "an answer whose score is no number"
