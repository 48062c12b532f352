"""The reference page of the metrics, generated from their declarations."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from churnguard_operator.runtime.declared import Declared
from churnguard_operator.runtime.metrics import Metrics
from churnguard_operator.runtime.model_families import FAMILIES
from churnguard_operator.runtime.queue import Queue
from churnguard_operator.runtime.store import ModelKey

_INTRODUCTION: Final = """\
<!-- Generated from operator/churnguard_operator/runtime by `make generate`; do not edit. -->
# Metrics of the operator

At `/metrics` of [the operator](../operator.md). Those of a predictor are in [its page](../serving.md#metrics).
"""

_OPERATOR: Final = """\
## Of the operator itself

Every replica has them.
"""

_MODELS: Final = """\
## Of models

Only the replica that works has them, so a sum over pods counts no model twice. They say what the ChurnModel's status
says when they are asked for; a model that is deleted is gone with the next page. The two counters begin at nought in
each replica that takes over.

`namespace` is the ChurnModel's: scrape with `honorLabels: true`, or Prometheus renames it to `exported_namespace`.
Revisions, InferenceServices and algorithms are those of the moment: a model has at most 30 series beside its counters.
No label holds data of customers.
"""


def metrics_page() -> str:
    """The page as Markdown."""
    metrics = Metrics(version="")
    metrics.watch_queue(Queue[ModelKey](clock=float))
    models = (family.declared for family in FAMILIES)
    return "\n".join([_INTRODUCTION, _OPERATOR, _table(metrics.declared), _MODELS, _table(models)])


def _table(found: Iterable[Declared]) -> str:
    rows = [
        f"| `{each.name}` | {each.type} | {', '.join(f'`{label}`' for label in each.labels)} | {each.meaning} |"
        for each in found
    ]
    return "\n".join(["| metric | type | labels | meaning |", "|---|---|---|---|", *rows]) + "\n"
