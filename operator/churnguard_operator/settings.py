"""The operator's own settings, the same for every model."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from churnguard_core.churnmodel.types import Store


@dataclass(frozen=True, kw_only=True)
class PodResources:
    """Resources of a pod where the ChurnModel names none, measured on the samples. There is no CPU limit."""

    cpu: str
    memory: str
    memory_limit: str


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the one who installs the operator decides.

    ``store`` is where bundles go when a ChurnModel names no store. ``prometheus_address`` is asked by KEDA for requests
    per second.
    """

    training_image: str
    serving_image: str
    store: Store | None = None
    prometheus_address: str | None = None
    image_pull_secrets: tuple[str, ...] = ()
    training_resources: PodResources = PodResources(cpu="1", memory="1Gi", memory_limit="2Gi")
    serving_resources: PodResources = PodResources(cpu="100m", memory="300Mi", memory_limit="600Mi")

    server_drain: timedelta = timedelta(seconds=10)
    """How long a server goes on answering after SIGTERM."""
    drain: timedelta = timedelta(seconds=30)
    """How long the old InferenceService stays after the Service has moved."""
    rollout_deadline: timedelta = timedelta(minutes=10)
    """When a candidate that is not up counts as failed; it goes on trying."""
    probe_interval: timedelta = timedelta(seconds=2)
    """How soon to look again at a candidate whose pods are up and do not answer as they must yet."""

    first_backoff: timedelta = timedelta(seconds=30)
    longest_backoff: timedelta = timedelta(hours=1)
    result_grace: timedelta = timedelta(seconds=10)
    """How long a finished Job may lack its pod's result: the pod's event may come after the Job's."""
    finished_jobs: int = 3
    """How many finished training Jobs stay for people to read."""
    prune_deadline: timedelta = timedelta(minutes=10)
