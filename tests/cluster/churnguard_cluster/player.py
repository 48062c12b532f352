"""Plays the parts of scheduler and kubelet, which a cluster without a node lacks, when a test says so.

Nothing happens by itself: a pod stays as it is until the test decides its fate. What follows from that fate (a Job's
back-off, a Deployment's readiness, the addresses of a Service) is the work of the real controllers.
"""

from __future__ import annotations

import http.client
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from kubernetes.client import ApiException

from churnguard_cluster import pod_status
from churnguard_cluster.addresses import Addresses
from churnguard_cluster.errors import ClusterError
from churnguard_cluster.objects import Document, Objects, reference
from churnguard_cluster.waiting import wait_for

NODE: Final = "played"
JOB_LABEL: Final = "batch.kubernetes.io/job-name"
IMAGE_MISSING: Final = "Back-off pulling image: not found"
EVICTED: Final = "The node was low on resource: memory."

Fate = Callable[[Document], Document]


class Player:
    """Decides the fate of pods in one namespace. Every method first waits until the controllers have made them."""

    def __init__(self, *, kube: Any, namespace: str, addresses: Addresses) -> None:
        self.namespace = namespace
        self.addresses = addresses
        self._objects = Objects(kube)

    def run(self, *, job: str) -> list[Document]:
        """The Job's pods have started."""
        return self._play(self.pods_of_job(job), self._running)

    def succeed(self, *, job: str, message: str = "") -> list[Document]:
        """The Job's pods end well and leave this termination message."""
        return self._play(self.pods_of_job(job), _terminated(0, "Completed", message))

    def fail(self, *, job: str, message: str = "", exit_code: int = 1) -> list[Document]:
        """The Job's pods end with this exit code and leave this termination message."""
        return self._play(self.pods_of_job(job), _terminated(exit_code, "Error", message))

    def exhaust_memory(self, *, job: str) -> list[Document]:
        """The kernel kills the Job's pods, which had reached their limit of memory."""
        code = pod_status.OUT_OF_MEMORY_CODE
        return self._play(self.pods_of_job(job), _terminated(code, "OOMKilled", ""))

    def evict(self, *, job: str, message: str = EVICTED) -> list[Document]:
        """The node throws the Job's pods out."""
        return self._play(
            self.pods_of_job(job), lambda _: pod_status.evicted(message=message, now=timestamp())
        )

    def fail_to_pull(
        self, *, job: str | None = None, deployment: str | None = None, message: str = IMAGE_MISSING
    ) -> list[Document]:
        """The pods of the Job, or of the Deployment, wait for an image that cannot be had."""
        pods = self.pods_of_job(job) if job else self.pods_of_deployment(deployment or "")
        return self._play(
            pods,
            lambda pod: pod_status.waiting(pod, reason="ImagePullBackOff", message=message, now=timestamp()),
        )

    def make_ready(self, *, deployment: str, addresses: Sequence[str] = ()) -> list[Document]:
        """All pods of the Deployment run and are ready.

        Pods that are new get the ``addresses``, one each; without any, addresses at which nobody answers.
        """
        pods = self.pods_of_deployment(deployment)
        new = [pod for pod in pods if not pod["status"].get("podIP")]
        if addresses and len(addresses) != len(new):
            raise ClusterError(
                f"{len(addresses)} addresses for {len(new)} new pods of deployment {deployment}: give one each"
            )
        given = addresses or [self.addresses.silent() for _ in new]
        chosen = {pod["metadata"]["name"]: address for pod, address in zip(new, given, strict=True)}
        return self._play(pods, lambda pod: self._running(pod, address=chosen.get(pod["metadata"]["name"])))

    def make_unready(self, *, deployment: str) -> list[Document]:
        """All pods of the Deployment run, and their readiness probes fail."""
        return self._play(self.pods_of_deployment(deployment), lambda pod: self._running(pod, is_ready=False))

    def finish_deletions(self) -> list[str]:
        """Names of the pods that were being deleted and now are gone: a kubelet says when their containers ended."""
        ended = [
            pod["metadata"]["name"]
            for pod in self._objects.list("v1", "Pod", namespace=self.namespace)
            if "deletionTimestamp" in pod["metadata"] and pod["spec"].get("nodeName") == NODE
        ]
        for name in ended:
            try:
                self._objects.delete(
                    reference("v1", "Pod", name), namespace=self.namespace, gracePeriodSeconds="0"
                )
            except ApiException as error:
                # Whoever deleted it may have let it go at once.
                if error.status != http.client.NOT_FOUND:
                    raise
        return ended

    def undecided(self, *, selector: str = "") -> list[Document]:
        """The pods whose fate is open at this moment, oldest first; nothing is waited for."""
        pods = self._objects.list("v1", "Pod", namespace=self.namespace, labelSelector=selector)
        return sorted(filter(_is_undecided, pods), key=_age)

    def play(self, pods: Sequence[Document], fate: Fate) -> int:
        """How many of these pods have met this fate; others went meanwhile."""
        self._ensure_node()
        return sum(self._write_if_there(pod, fate(pod)) for pod in pods)

    def pods_of_job(self, job: str) -> list[Document]:
        """The Job's pods whose fate is open."""
        return self._wait_for_pods(
            what=f"a pod of job {job}", selector=f"{JOB_LABEL}={job}", are_all=lambda pods: bool(pods)
        )

    def pods_of_deployment(self, deployment: str) -> list[Document]:
        """The Deployment's pods whose fate is open, oldest first, once there are as many as its controller wants."""
        found = wait_for(
            lambda: self._objects.find(
                reference("apps/v1", "Deployment", deployment), namespace=self.namespace
            ),
            what=f"deployment {deployment} in {self.namespace}",
        )
        labels = found["spec"]["selector"]["matchLabels"]

        def are_all(pods: list[Document]) -> bool:
            current = self._objects.get(found, namespace=self.namespace)
            status = current.get("status", {})
            is_seen = status.get("observedGeneration") == current["metadata"]["generation"]
            return bool(pods) and is_seen and status.get("replicas", 0) == len(pods)

        return self._wait_for_pods(
            what=f"the pods of deployment {deployment}",
            selector=",".join(f"{key}={value}" for key, value in labels.items()),
            are_all=are_all,
        )

    def _wait_for_pods(
        self, *, what: str, selector: str, are_all: Callable[[list[Document]], bool]
    ) -> list[Document]:
        def look() -> list[Document]:
            pods = self.undecided(selector=selector)
            return pods if are_all(pods) else []

        return wait_for(
            look,
            what=f"{what} in {self.namespace}",
            seen=lambda: [pod["metadata"]["name"] for pod in self.undecided(selector=selector)],
        )

    def _play(self, pods: list[Document], fate: Fate) -> list[Document]:
        self._ensure_node()
        return [self._write(pod, fate(pod)) for pod in pods]

    def _write_if_there(self, pod: Document, status: Document) -> bool:
        try:
            self._write(pod, status)
        except ApiException as error:
            if error.status not in (http.client.NOT_FOUND, http.client.CONFLICT):
                raise
            return False
        return True

    def _write(self, pod: Document, status: Document) -> Document:
        name = pod["metadata"]["name"]
        if not pod["spec"].get("nodeName"):
            target = {"apiVersion": "v1", "kind": "Node", "name": NODE}
            self._objects.create_part(
                reference("v1", "Pod", name),
                part="binding",
                body={**reference("v1", "Binding", name), "target": target},
                namespace=self.namespace,
            )
        change = {**reference("v1", "Pod", name), "status": status}
        return self._objects.merge(change, namespace=self.namespace, part="status")

    def _running(self, pod: Document, *, address: str | None = None, is_ready: bool = True) -> Document:
        chosen = pod["status"].get("podIP") or address or self.addresses.silent()
        return pod_status.running(pod, address=chosen, ready=is_ready, now=timestamp())

    def _ensure_node(self) -> None:
        node = {**reference("v1", "Node", NODE), "status": {"conditions": _node_conditions()}}
        self._objects.ensure(node)


def _terminated(exit_code: int, reason: str, message: str) -> Fate:
    def fate(pod: Document) -> Document:
        return pod_status.terminated(
            pod,
            exit_code=exit_code,
            reason=reason,
            message=message,
            started=pod["status"].get("startTime"),
            now=timestamp(),
        )

    return fate


def _is_undecided(pod: Document) -> bool:
    return "deletionTimestamp" not in pod["metadata"] and pod["status"]["phase"] in ("Pending", "Running")


def _age(pod: Document) -> tuple[str, str]:
    return pod["metadata"]["creationTimestamp"], pod["metadata"]["name"]


def _node_conditions() -> list[Document]:
    return [{"type": "Ready", "status": "True", "reason": "Played", "lastHeartbeatTime": timestamp()}]


def timestamp() -> str:
    """Now, as Kubernetes writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
