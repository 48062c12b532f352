"""docs/operator.md names every argument, the reference every metric, and no others."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from churnguard_operator.options import parse_options
from churnguard_operator.runtime.metrics import Metrics
from churnguard_operator.runtime.metrics_page import metrics_page
from churnguard_operator.runtime.queue import Queue
from churnguard_operator.runtime.store import ModelKey

PAGE = Path(__file__).resolve().parents[3] / "docs" / "operator.md"
REQUIRED = ["--training-image=t", "--serving-image=s"]


def names_below(heading: str) -> set[str]:
    section = PAGE.read_text().split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return {line.split("`")[1] for line in section.splitlines() if line.startswith("| `")}


def test_the_page_names_every_argument(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse_options(["--help"])
    known = set(re.findall(r"--[a-z][a-z-]*", capsys.readouterr().out))
    assert names_below("Arguments") == known - {"--help"}


def test_the_reference_has_every_metric_of_the_registry_with_its_type() -> None:
    metrics = Metrics(version="1")
    metrics.watch_queue(Queue[ModelKey](clock=lambda: 0.0))
    registered = {
        (f"{family.name}_total" if family.type == "counter" else family.name, family.type)
        for family in metrics.registry.collect()
    }
    assert {(each.name, each.type) for each in metrics.declared} == registered
    assert {name for name, _ in registered} <= set(re.findall(r"^\| `(\w+)`", metrics_page(), re.MULTILINE))


@pytest.mark.parametrize(
    "wrong",
    ["--namespaces=Retention", "--port=http", "--port=70000", "--resync-seconds=0", "--unknown"],
)
def test_a_wrong_argument_is_refused_before_anything_starts(wrong: str) -> None:
    with pytest.raises(SystemExit) as refused:
        parse_options([*REQUIRED, wrong])
    assert refused.value.code == 2


def test_names_are_a_list_and_the_store_carries_its_secret() -> None:
    options = parse_options([*REQUIRED, "--namespaces=a, b,a", "--store=s3://b/m", "--store-secret=keys"])
    assert options.namespaces == ("a", "b")
    store = options.settings.store
    assert store is not None
    assert (store.uri, store.secret_name) == ("s3://b/m", "keys")
