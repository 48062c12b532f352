"""How soon the operator answers a training that has ended: measured on the rig, as a watch beside it sees both."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping

from operator_story import Story
from rig_snapshot import LABEL_PURPOSE, is_finished, revision_of
from rig_world import ended

from churnguard_cluster.apiserver import ApiServer
from churnguard_cluster.objects import Document
from churnguard_cluster.probe import trusting
from churnguard_cluster.waiting import wait_for
from churnguard_core.names import LABEL_MODEL

JOBS = "/apis/batch/v1/namespaces/{}/jobs"
INFERENCE_SERVICES = "/apis/serving.kserve.io/v1beta1/namespaces/{}/inferenceservices"


def creation_delays(
    api_server: ApiServer, stories: Mapping[str, Story], *, per_second: float, seconds: float
) -> list[float]:
    """Seconds from a finished training Job to its InferenceService, one for each model, the shortest first.

    The operator must run already; the models are created here, and stay.

    Args:
        api_server: The rig's.
        stories: Models by name, all in one namespace; none of them exists yet.
        per_second: How many trainings end in a second.
        seconds: How long all may take to get their Jobs, and then their InferenceServices.
    """
    (namespace,) = {story.namespace for story in stories.values()}
    finished: dict[str, float] = {}
    created: dict[str, float] = {}

    def note_job(job: Document, when: float) -> None:
        if is_finished(job):
            finished.setdefault(job["metadata"]["labels"][LABEL_MODEL], when)

    def note_inference_service(found: Document, when: float) -> None:
        created.setdefault(found["metadata"]["labels"][LABEL_MODEL], when)

    for story in stories.values():
        story.create()
    any_story = next(iter(stories.values()))

    def pods() -> list[Document]:
        return any_story.player.undecided(selector=f"{LABEL_PURPOSE}=training")

    wait_for(lambda: len(pods()) == len(stories), what="a training of every model", seconds=seconds)
    with (
        watching(api_server, JOBS.format(namespace), note_job),
        watching(api_server, INFERENCE_SERVICES.format(namespace), note_inference_service),
    ):
        for pod in pods():
            time.sleep(1 / per_second)  # the pace of the world, not a wait for anything
            story = stories[pod["metadata"]["labels"][LABEL_MODEL]]
            story.player.play([pod], ended(0, story.result(revision_of(pod))))
        wait_for(
            lambda: finished.keys() == created.keys() == stories.keys(),
            what="an InferenceService of every model",
            seconds=seconds,
            seen=lambda: f"{len(finished)} Jobs finished, {len(created)} InferenceServices",
        )
    return sorted(created[name] - finished[name] for name in stories)


@contextlib.contextmanager
def watching(api_server: ApiServer, path: str, note: Callable[[Document, float], None]) -> Iterator[None]:
    """Notes what a watch of the administrator's tells inside the block, and when by the monotonic clock."""
    identities, network = api_server.identities, api_server.rig.network
    context = trusting(str(identities.authority.certificate), login=identities.administrator)
    plain = network.connect(network.address, api_server.port, seconds=10)
    plain.settimeout(None)
    connection = http.client.HTTPConnection(network.address, api_server.port)
    connection.sock = context.wrap_socket(plain, server_hostname=network.address)
    connection.request("GET", f"{path}?watch=true")
    answer = connection.getresponse()

    def read() -> None:
        with contextlib.suppress(OSError, http.client.HTTPException):
            while line := answer.readline():
                when = time.monotonic()
                event = json.loads(line)
                if event["type"] in ("ADDED", "MODIFIED"):
                    note(event["object"], when)

    thread = threading.Thread(target=read, name=f"watch {path}")
    thread.start()
    try:
        yield
    finally:
        # Not SSLSocket's own: the thread would go on in the clear.
        socket.socket.shutdown(connection.sock, socket.SHUT_RDWR)
        thread.join()
        answer.close()
        connection.close()
