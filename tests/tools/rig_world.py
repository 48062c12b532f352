"""A namespace of the rig with a few ChurnModels, the operator behind a fault proxy, and pods that are played."""

from __future__ import annotations

import contextlib
import http.client
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from fault_proxy import FaultProxy
from kubernetes.client import ApiException
from operator_rig import Operator
from operator_story import Story
from rig_snapshot import LABEL_PURPOSE, Snapshot, revision_of
from rig_truth import breaches, untruths

from churnguard_cluster import pod_status
from churnguard_cluster.objects import Document, Objects
from churnguard_cluster.player import Fate, Player, timestamp
from churnguard_cluster.process import Process
from churnguard_cluster.waiting import wait_for
from churnguard_core.names import LABEL_MODEL

RESYNC_SECONDS: Final = 3
REST_SECONDS: Final = 240.0
"""However it was left, it comes to rest in this time; on a quiet machine it takes a few seconds."""
QUIET_SECONDS: Final = 1.0
LOOK_SECONDS: Final = 0.2
ONCE: Final = ("TrainingStarted", "RevisionAccepted", "RevisionRejected", "RevisionRefused")
"""Events that are told of a revision, or of an attempt, at most once."""


@dataclass(kw_only=True)
class World:
    """What people, the cluster and the operator act on."""

    operator: Operator
    proxy: FaultProxy
    player: Player
    stories: Mapping[str, Story]
    removed_jobs: set[str] = field(default_factory=set)
    """Jobs that somebody deleted: their names may be used again."""
    last_numbers: dict[str, int] = field(default_factory=dict)

    @property
    def objects(self) -> Objects:
        return self.operator.objects

    @property
    def namespace(self) -> str:
        return self.operator.namespace

    def any_story(self, chance: random.Random) -> Story:
        return chance.choice(list(self.stories.values()))

    def snapshot(self) -> Snapshot:
        return Snapshot.take(self.objects, namespace=self.namespace)

    # The operator.

    def start_operator(self) -> Process:
        return self.operator.start(resync_seconds=RESYNC_SECONDS)

    def kill_caller(self, authorization: str) -> None:
        """Kills the replica that logs in so."""
        self.operator.accounts[authorization].kill()

    def revive(self) -> None:
        """As a kubelet would: when no replica lives, another is started."""
        if not self.operator.living:
            self.start_operator()
        self.operator.free_lease_of_the_dead()

    # Pods.

    def pods(self, *, purpose: str, story: Story | None = None) -> list[Document]:
        selector = f"{LABEL_PURPOSE}={purpose}" + (f",{LABEL_MODEL}={story.name}" if story else "")
        return self.player.undecided(selector=selector)

    def let_go(self) -> int:
        """Every pod does what it should; how many had not yet."""
        played = self.player.play(self.pods(purpose="training"), self.trained)
        played += self.player.play(self.pods(purpose="prune"), ended(0))
        down = [pod for pod in self.pods(purpose="serving") if not is_ready(pod)]
        played += self.player.play(down, self.serves)
        self.player.finish_deletions()
        return played

    def trained(self, pod: Document) -> Document:
        """The pod leaves an accepted result."""
        story = self.stories[pod["metadata"]["labels"][LABEL_MODEL]]
        return ended(0, story.result(revision_of(pod)))(pod)

    def serves(self, pod: Document) -> Document:
        """The pod is ready, and the test answers for it."""
        story = self.stories[pod["metadata"]["labels"][LABEL_MODEL]]
        return pod_status.running(pod, address=story.address, ready=True, now=timestamp())

    # What must hold.

    def check(self) -> Snapshot:
        """Looks at what must always hold; AssertionError when it does not."""
        snapshot = self.snapshot()
        found = [*self._each(snapshot, breaches), *self._second_jobs(), *self._reused_numbers(snapshot)]
        assert not found, found
        return snapshot

    def come_to_rest(self, *, unless: Callable[[Snapshot], list[str]] = lambda _: []) -> Snapshot:
        """Everybody is reasonable until nothing happens any more; then the status is the truth.

        Args:
            unless: What else must be so at rest; says what is not.
        """
        self.proxy.mend()
        deadline, busy = time.monotonic() + REST_SECONDS, time.monotonic()
        while True:
            self.revive()
            if self.let_go():
                busy = time.monotonic()
            snapshot = self.check()
            found = [*self._each(snapshot, untruths), *unless(snapshot)]
            now = time.monotonic()
            if not found and now - max(busy, self._last_write()) > QUIET_SECONDS:
                return snapshot
            assert now < deadline, f"not at rest after {REST_SECONDS:.0f} s: {found}"
            time.sleep(LOOK_SECONDS)  # between two looks, each of which lists everything

    def _last_write(self) -> float:
        return max((each.time for each in list(self.proxy.answered) if each.request.is_write), default=0.0)

    def _each(self, snapshot: Snapshot, find: Callable[[Any], list[str]]) -> Iterator[str]:
        for name in self.stories:
            model = snapshot.model(name)
            for finding in find(model) if model else ():
                yield f"{name}: {finding}"

    def _second_jobs(self) -> Iterator[str]:
        made = Counter(
            each.request.name
            for each in list(self.proxy.answered)
            if each.request.resource == "jobs" and each.status == http.client.CREATED
        )
        for name, count in made.items():
            if count > 1 and name not in self.removed_jobs and "-prune-" not in name:
                yield f"Job {name} was made {count} times"

    def _reused_numbers(self, snapshot: Snapshot) -> Iterator[str]:
        for name in self.stories:
            model = snapshot.model(name)
            last = int(model.status.get("lastRevision", 0)) if model else 0
            if model and last < self.last_numbers.get(name, 0):
                yield f"{name}: the last number went back from {self.last_numbers[name]} to {last}"
            self.last_numbers[name] = max(last, self.last_numbers.get(name, 0))

    def check_events(self) -> None:
        """What can happen once is told once."""
        found = self.objects.list("events.k8s.io/v1", "Event", namespace=self.namespace)
        told = Counter((each["regarding"].get("name"), each["reason"], each.get("note")) for each in found)
        twice = [event for event, count in told.items() if event[1] in ONCE and count > 1]
        assert not twice, f"told more than once: {twice}"

    def check_resync_writes_nothing(self) -> None:
        """A new replica lists all, looks at all, lists all again, and writes nothing."""
        since = len(self.proxy.answered)
        for process in self.operator.living:
            process.stop()
        self.operator.free_lease_of_the_dead()
        fresh = self.start_operator()

        def looks() -> float:
            return self.operator.metric(fresh, "churnguard_operator_reconcile_total", result="ok")

        wait_for(lambda: looks() >= len(self.stories), what="a look at every model", seen=looks)
        lists = self.proxy.count("list", "churnmodels")
        # The second of them begins after the first has ended.
        wait_for(lambda: self.proxy.count("list", "churnmodels") >= lists + 2, what="two lists of everything")
        assert self.proxy.writes(since=since) == []


def ended(exit_code: int, message: str = "", *, reason: str = "") -> Fate:
    """The fate of a pod whose container ends so."""

    def fate(pod: Document) -> Document:
        return pod_status.terminated(
            pod,
            exit_code=exit_code,
            reason=reason or ("Completed" if exit_code == 0 else "Error"),
            message=message,
            started=pod["status"].get("startTime"),
            now=timestamp(),
        )

    return fate


def is_ready(pod: Document) -> bool:
    conditions = pod["status"].get("conditions", ())
    return any((each["type"], each["status"]) == ("Ready", "True") for each in conditions)


@contextlib.contextmanager
def tolerating(*statuses: int) -> Iterator[None]:
    """What was meant may be gone, or be another by now."""
    try:
        yield
    except ApiException as error:
        if error.status not in statuses:
            raise
