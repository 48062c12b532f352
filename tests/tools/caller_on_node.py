"""An application on the node that calls models by the names of their Services, as ours do: a pod with Python in it."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from churnguard_cluster.node.workloads import container, pod_spec
from churnguard_cluster.objects import Document, Objects, reference
from churnguard_cluster.tools import tool
from churnguard_cluster.waiting import wait_for

NAME: Final = "caller"
PROGRAMS: Final = "/programs"
LOAD: Final = "steady_load.py"
WAIT: Final = "import signal; signal.pause()"
# The question comes by standard input: a command line is too short for many customers.
ASK: Final = """
import sys, urllib.error, urllib.request
request = urllib.request.Request(sys.argv[1], data=sys.stdin.readline().encode())
try:
    with urllib.request.urlopen(request, timeout=30) as answer:
        print(answer.read().decode())
except urllib.error.URLError as error:
    sys.exit(f"no answer: {error}")
"""


@dataclass(kw_only=True)
class Load:
    """What became of a load; filled when it has ended.

    ``answers`` counts them by revision and score, ``connections`` those that were opened in all, and ``longest`` is the
    slowest answer in seconds.
    """

    answers: dict[tuple[str, float], int] = field(default_factory=dict)
    failed: int = 0
    failures: list[str] = field(default_factory=list)
    seconds: float = 0.0
    connections: int = 0
    longest: float = 0.0

    @property
    def revisions(self) -> set[str]:
        """Revisions that have answered."""
        return {revision for revision, _ in self.answers}

    def describe(self) -> str:
        """One line for people."""
        count = sum(self.answers.values())
        by_revision = ", ".join(f"{revision} {number}" for (revision, _), number in self.answers.items())
        return (
            f"{count} answers in {self.seconds:.0f} s ({count / self.seconds:.0f}/s; {by_revision}), "
            f"{self.failed} failed, {self.connections} connections, slowest {self.longest * 1e3:.0f} ms"
        )


@dataclass(frozen=True, kw_only=True)
class Caller:
    """The pod, in a namespace."""

    objects: Objects
    kubeconfig: Path
    namespace: str

    def create(self, *, image: str) -> None:
        """Starts it from an image that holds Python; returns when it can be asked to call."""
        text = Path(__file__).with_name(LOAD).read_text()
        programs = {**reference("v1", "ConfigMap", NAME), "data": {LOAD: text}}
        self.objects.create(programs, namespace=self.namespace)
        main = container(
            name="main",
            image=image,
            command=["python3", "-c", WAIT],
            volumeMounts=[{"name": "programs", "mountPath": PROGRAMS}],
        )
        main["resources"] = {"requests": {"cpu": "50m", "memory": "64Mi"}}
        volumes = [{"name": "programs", "configMap": {"name": NAME}}]
        spec = pod_spec(main, volumes=volumes, restartPolicy="Never", terminationGracePeriodSeconds=0)
        pod = {**reference("v1", "Pod", NAME), "spec": spec}
        self.objects.create(pod, namespace=self.namespace)

        def seen() -> Document:
            return dict(self.objects.get(pod, namespace=self.namespace)["status"])

        wait_for(lambda: seen().get("phase") == "Running", what="the caller to run", seen=seen)

    def ask(self, url: str, instances: list[Any]) -> Document | None:
        """The answer; none when there is no good one."""
        command = self._exec("python3", "-c", ASK, url)
        question = json.dumps({"instances": instances}) + "\n"
        done = subprocess.run(command, input=question, capture_output=True, text=True)
        answer: Document | None = json.loads(done.stdout) if done.returncode == 0 else None
        return answer

    @contextlib.contextmanager
    def steady_load(self, *, host: str, path: str, rate: int, callers: int) -> Iterator[Load]:
        """Keeps asking for the empty record's score as long as the block lasts."""
        body = json.dumps({"instances": [{}]})
        command = self._exec("python3", f"{PROGRAMS}/{LOAD}", host, path, body, str(rate), str(callers))
        load = Load()
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            try:
                yield load
            finally:
                output, _ = process.communicate("enough\n")
        report = json.loads(output.splitlines()[-1])
        for key, count in report.pop("answers").items():
            revision, _, score = key.partition(" ")
            load.answers[revision, float(score)] = count
        for name, value in report.items():
            setattr(load, name, value)

    def _exec(self, *command: str) -> list[str]:
        return [
            *(str(tool("kubectl")), f"--kubeconfig={self.kubeconfig}", f"--namespace={self.namespace}"),
            *("exec", "--stdin", NAME, "--", *command),
        ]
