"""A kind that is gone when an object of it is applied is no failure, and watches are known by their paths."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from churnguard_core.names import API_VERSION, KIND
from churnguard_operator.cluster.errors import ApiError, ForbiddenError, NotFoundError
from churnguard_operator.cluster.resources import CHURN_MODEL, HTTP_ROUTE
from churnguard_operator.plan import Plan
from churnguard_operator.runtime.happenings import Happenings
from churnguard_operator.runtime.metrics import Metrics
from churnguard_operator.runtime.observer import Observer
from churnguard_operator.runtime.prober import Prober
from churnguard_operator.runtime.reconciler import Reconciler
from churnguard_operator.runtime.served import ServedKinds
from churnguard_operator.runtime.store import ModelKey, Store
from churnguard_operator.runtime.teller import Teller
from churnguard_operator.runtime.watermarks import Stream
from churnguard_operator.sessions import stream_of
from churnguard_operator.settings import Settings
from churnguard_operator_tests.lacking_cluster import Cluster, a_document

TELCO = ModelKey("retention", "telco")


class NoProbes(Prober):
    def __init__(self) -> None:
        """Asks nobody."""


def a_reconciler(cluster: Cluster, store: Store, kinds: ServedKinds) -> Reconciler:
    settings = Settings(training_image="t", serving_image="s")

    def clock() -> datetime:
        return datetime(2025, 3, 3, 12, tzinfo=UTC)

    return Reconciler(
        cluster=cluster,
        store=store,
        observer=Observer(store=store, prober=NoProbes(), kinds=kinds, settings=settings),
        teller=Teller(cluster=cluster, instance="one", clock=clock),
        meter=Happenings(),
        settings=settings,
        clock=clock,
    )


@pytest.mark.parametrize("still_served", [False, True])
@pytest.mark.parametrize(
    "refusal",
    [
        NotFoundError(status=404, reason="", message="404 page not found", request="PATCH"),
        ForbiddenError(status=403, reason="Forbidden", message="definition is terminating", request="PATCH"),
    ],
    ids=["gone", "going"],
)
def test_what_cannot_be_applied_because_its_kind_is_gone_is_looked_at_again_and_no_failure(
    monkeypatch: pytest.MonkeyPatch, still_served: bool, refusal: ApiError
) -> None:
    route = a_document(HTTP_ROUTE, version=1)
    monkeypatch.setattr(
        "churnguard_operator.runtime.reconciler.decide", lambda *_, **__: Plan(apply=(route,))
    )

    async def run() -> None:
        cluster = Cluster(served={"HTTPRoute"})
        kinds, store = ServedKinds(cluster=cluster), Store()
        await kinds.look()
        store.put({**a_document(CHURN_MODEL, version=1), "apiVersion": API_VERSION, "kind": KIND})
        reconciler = a_reconciler(cluster, store, kinds)
        cluster.refusal = refusal
        if still_served:
            # It has another reason: its namespace is going, a policy says no.
            with pytest.raises(ApiError):
                await reconciler.reconcile(TELCO)
            assert [each["reason"] for each in cluster.events] == ["ApplyFailed"]
            return
        cluster.served = set()
        assert await reconciler.reconcile(TELCO) == timedelta(0)
        assert kinds.now == frozenset()
        assert cluster.events == []

    asyncio.run(run())


@pytest.mark.parametrize(
    ("path", "watch", "stream"),
    [
        ("/apis/batch/v1/namespaces/retention/jobs", "true", Stream("Job", "retention")),
        ("/api/v1/pods", "true", Stream("Pod", None)),
        ("/proxied/apis/batch/v1/jobs", "true", Stream("Job", None)),
        ("/apis/batch/v1/namespaces/retention/jobs", "", None),
        ("/apis/batch/v1/cronjobs", "true", None),
        ("/apis", "true", None),
    ],
)
def test_a_watch_is_known_by_its_path(path: str, watch: str, stream: Stream | None) -> None:
    assert stream_of(path, query={"watch": watch}) == stream


def test_a_watch_that_is_opened_again_has_restarted() -> None:
    metrics = Metrics(version="1")
    for namespace in ("retention", "retention", "sales", "retention"):
        metrics.watch_opened(Stream("Job", namespace))
    metrics.watch_opened(Stream("Pod", None))
    page = metrics.page().decode()
    assert 'churnguard_operator_watch_restarts_total{kind="Job"} 2.0' in page
    assert 'churnguard_operator_watch_restarts_total{kind="Pod"} 0.0' in page
