"""What a cluster looked like when a test failed: objects of its namespace, events, and the ends of logs."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml
from kubernetes import client

from churnguard_cluster.objects import DISCOVERY, Document, group_path, request

# Secrets stay secret, and each of the others comes in two versions of itself.
LEFT_OUT: Final = frozenset({"secrets", "events"})
LOG_LINES: Final = 200
SHOWN_LINES: Final = 15
SHOWN_WIDTH: Final = 300


def dump(kube: Any, *, namespace: str, folder: Path, logs: Path | None) -> str:
    """Writes all of it to the folder; returns the part that fits a test report."""
    folder.mkdir(parents=True, exist_ok=True)
    found = {name: items for name, items in objects(kube, namespace=namespace) if items}
    for name, items in found.items():
        (folder / f"{name}.yaml").write_text(yaml.safe_dump_all(items, sort_keys=False))
    happened = events(kube, namespace=namespace)
    (folder / "events.txt").write_text("\n".join(happened) + "\n")
    for name, text in pod_logs(kube, pods=found.get("pods", [])):
        (folder / f"{name}.log").write_text(text)
    shown = [f"all of it is in {folder}", "", f"objects of namespace {namespace}:"]
    shown += [f"  {line}" for items in found.values() for line in map(summary, items)]
    shown += ["", "events:", *(f"  {line}" for line in happened)]
    for log in sorted(logs.glob("*.log")) if logs else []:
        lines = log.read_text(errors="replace").splitlines()[-LOG_LINES:]
        (folder / log.name).write_text("\n".join(lines) + "\n")
        if lines:
            shown += ["", f"{log.name} ends:", *(f"  {line[:SHOWN_WIDTH]}" for line in lines[-SHOWN_LINES:])]
    return "\n".join(shown)


def objects(kube: Any, *, namespace: str) -> Iterator[tuple[str, list[Document]]]:
    """All objects of a namespace, by the plural name of their kind."""
    for path, plural in namespaced_kinds(kube):
        # A kind may go meanwhile, or belong to an API server that is down.
        with contextlib.suppress(client.ApiException):
            answer = request(kube, "GET", f"{path}/namespaces/{namespace}/{plural}")
            common = {key: answer[key] for key in ("apiVersion",)} | {
                "kind": answer["kind"].removesuffix("List")
            }
            yield plural, [common | without_managers(each) for each in answer["items"]]


def namespaced_kinds(kube: Any) -> Iterator[tuple[str, str]]:
    """Path and plural name of each kind that lives in namespaces and can be listed."""
    for root in ("/api", "/apis"):
        for group in request(kube, "GET", root, accept=DISCOVERY)["items"]:
            version, *_ = group["versions"]  # the preferred one comes first
            name = group["metadata"].get("name")
            path = group_path(f"{name}/{version['version']}" if name else version["version"])
            for resource in version.get("resources", []):  # none while who serves them is not available
                plural, is_namespaced = resource["resource"], resource["scope"] == "Namespaced"
                if is_namespaced and "list" in resource["verbs"] and plural not in LEFT_OUT:
                    yield path, plural


def without_managers(document: Document) -> Document:
    """The object without its record of who wrote which field, which is longer than itself."""
    metadata = {key: value for key, value in document["metadata"].items() if key != "managedFields"}
    return {**document, "metadata": metadata}


def summary(document: Document) -> str:
    """One line on an object: what it is and what its status says of it."""
    status = document.get("status") or {}
    conditions = [
        f"{each['type']}={each['status']}" + (f" ({each['reason']})" if each.get("reason") else "")
        for each in status.get("conditions") or []
    ]
    parts = [
        f"{document['kind']} {document['metadata']['name']}",
        *filter(None, [status.get("phase")]),
        *conditions,
    ]
    return ", ".join(parts)


def events(kube: Any, *, namespace: str) -> list[str]:
    """One line for each event, oldest first."""
    found = request(kube, "GET", f"/api/v1/namespaces/{namespace}/events")["items"]
    found.sort(key=_time)
    return [
        f"{_time(each)} {each.get('type')} {each['involvedObject'].get('kind')} {each['involvedObject'].get('name')}: "
        f"{each.get('reason')}: {each.get('message')}"
        for each in found
    ]


def pod_logs(kube: Any, *, pods: list[Document]) -> Iterator[tuple[str, str]]:
    """What each container has printed, by the names of pod and container; a played pod prints nothing."""
    api = client.CoreV1Api(kube)
    for pod in pods:
        name, namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
        for container in (each["name"] for each in pod["spec"]["containers"]):
            with contextlib.suppress(client.ApiException):
                text = api.read_namespaced_pod_log(
                    name, namespace, container=container, tail_lines=LOG_LINES, _request_timeout=10
                )
                yield f"{name}-{container}", text or ""


def _time(event: Document) -> str:
    return str(event.get("lastTimestamp") or event.get("eventTime") or event["metadata"]["creationTimestamp"])
