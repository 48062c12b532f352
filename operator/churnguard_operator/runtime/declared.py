"""A metric as it is declared: what the reference page has of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

MetricType = Literal["counter", "gauge", "histogram"]


@dataclass(frozen=True, kw_only=True)
class Declared:
    """A metric by the name that Prometheus stores; a histogram has ``_bucket``, ``_sum`` and ``_count`` behind it."""

    name: str
    type: MetricType
    labels: tuple[str, ...]
    meaning: str
