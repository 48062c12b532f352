"""docs/revision.md: its commands, typed into a shell beside the operator, answer as the page shows."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest
from operator_rig import Operator
from operator_story import Story

from churnguard_cluster.tools import tool
from churnguard_cluster.waiting import wait_for

pytestmark = [pytest.mark.apiserver, pytest.mark.restricted]

PAGE: Final = Path(__file__).parents[3] / "docs" / "revision.md"
NAMESPACE: Final = "retention"
"""Of the page."""
CUT: Final = " ..."


def examples() -> list[tuple[str, str]]:
    """Each command of the page with the answer below it."""
    blocks = re.findall(r"^```console\n(.*?)^```$", PAGE.read_text(), flags=re.MULTILINE | re.DOTALL)
    return [
        (command, answer)
        for block in blocks
        for command, _, answer in (each.partition("\n") for each in re.split(r"^\$ ", block, flags=re.M)[1:])
    ]


def shape(answer: str, *, namespace: str) -> list[str]:
    """An answer without what differs from one cluster to the next; in no order, for events of one moment have none."""
    text = answer.replace(namespace, NAMESPACE)
    for pattern, name in (
        (r"\b(\d+[dhms])+\b", "<age>"),
        (r"(telco-r\d+)-(?!train)[0-9a-z]{5}\b", r"\1-<hash>"),
        (r"\b\d+\.\d+\.\d+\.\d+\b", "<address>"),
        (r"  +", "  "),
    ):
        text = re.sub(pattern, name, text)
    return sorted(line.strip() for line in text.splitlines())


def test_the_commands_of_the_page_answer_as_it_shows(
    cluster: Any, operator: Operator, story: Story, tmp_path: Path
) -> None:
    def typed(command: str) -> str:
        done = subprocess.run(
            ["sh", "-euc", f'kubectl() {{ "$KUBECTL" --namespace={story.namespace} "$@"; }}\n{command}'],
            env={**os.environ, "KUBECTL": str(tool("kubectl")), "KUBECONFIG": str(cluster.kubeconfig)},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    operator.start()
    story.serve()
    (wait, annotate, *looks) = examples()
    for command, answer in (wait, annotate):
        assert typed(command) == answer
    story.finish_training(revision="telco-r2", auc=0.7)
    story.wait_for_condition("Progressing", "False", "GateFailed")
    wait_for(lambda: "RevisionRejected" in story.events(), what="the rejection to be told", seen=story.events)
    for command, answer in looks:
        shown, seen = shape(answer, namespace=NAMESPACE), shape(typed(command), namespace=story.namespace)
        assert len(seen) == len(shown), command
        for line, found in zip(shown, seen, strict=True):
            # What is too long for the page ends in dots.
            assert found == line or (line.endswith(CUT) and found.startswith(line.removesuffix(CUT)))
