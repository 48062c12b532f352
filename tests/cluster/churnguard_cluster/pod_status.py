"""What a kubelet would write into a pod's status: pure documents, one function per fate of a pod."""

from __future__ import annotations

from typing import Final

from churnguard_cluster.objects import Document

OUT_OF_MEMORY_CODE: Final = 137
"""128 and the number of SIGKILL."""


def running(pod: Document, *, address: str, ready: bool, now: str) -> Document:
    """All containers run; ``ready`` is what their probes say."""
    return {
        "phase": "Running",
        "startTime": now,
        "hostIP": address,
        "podIP": address,
        "podIPs": [{"ip": address}],
        "conditions": _conditions(ready=ready, initialized=True, now=now),
        "containerStatuses": [
            _container(each, {"running": {"startedAt": now}}, ready=ready) for each in _containers(pod)
        ],
    }


def terminated(
    pod: Document, *, exit_code: int, reason: str, message: str, now: str, started: str | None = None
) -> Document:
    """The first container ended so, and with it the pod; others ended well."""
    first, *others = _containers(pod)
    end = {"startedAt": started or now, "finishedAt": now}
    states = [
        _container(
            first, {"terminated": {"exitCode": exit_code, "reason": reason, "message": message, **end}}
        ),
        *(_container(each, {"terminated": {"exitCode": 0, "reason": "Completed", **end}}) for each in others),
    ]
    return {
        "phase": "Succeeded" if exit_code == 0 else "Failed",
        "startTime": started or now,
        "conditions": _conditions(ready=False, initialized=True, now=now, reason="PodCompleted"),
        "containerStatuses": states,
    }


def evicted(*, message: str, now: str) -> Document:
    """The node threw the pod out; nothing is said of its containers."""
    return {
        "phase": "Failed",
        "reason": "Evicted",
        "message": message,
        "startTime": now,
        "conditions": [
            _condition("DisruptionTarget", is_true=True, now=now, reason="TerminationByKubelet"),
        ],
    }


def waiting(pod: Document, *, reason: str, message: str, now: str) -> Document:
    """No container has started yet, for this reason: ``ImagePullBackOff``, ``CreateContainerConfigError``."""
    state = {"waiting": {"reason": reason, "message": message}}
    return {
        "phase": "Pending",
        "startTime": now,
        "conditions": _conditions(ready=False, initialized=True, now=now, reason="ContainersNotReady"),
        "containerStatuses": [_container(each, state) for each in _containers(pod)],
    }


def _containers(pod: Document) -> list[Document]:
    containers: list[Document] = pod["spec"]["containers"]
    return containers


def _container(container: Document, state: Document, *, ready: bool = False) -> Document:
    return {
        "name": container["name"],
        "image": container["image"],
        "imageID": "",
        "ready": ready,
        "started": "running" in state,
        "restartCount": 0,
        "state": state,
    }


def _conditions(*, ready: bool, initialized: bool, now: str, reason: str | None = None) -> list[Document]:
    because = None if ready else reason or "ContainersNotReady"
    return [
        _condition("PodScheduled", is_true=True, now=now),
        _condition("Initialized", is_true=initialized, now=now),
        _condition("ContainersReady", is_true=ready, now=now, reason=because),
        _condition("Ready", is_true=ready, now=now, reason=because),
    ]


def _condition(kind: str, *, is_true: bool, now: str, reason: str | None = None) -> Document:
    because = {"reason": reason} if reason else {}
    return {"type": kind, "status": str(is_true), "lastTransitionTime": now, **because}
