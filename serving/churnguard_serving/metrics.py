"""Metrics of the predictor, beside KServe's own (``request_predict_seconds`` and its like).

Counted in plain numbers under one lock and shaped for Prometheus when they are scraped: a request is answered in a few
tens of microseconds, and four counters of the client library would take a tenth of that.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from churnguard_core.features import Feature
from churnguard_scoring.columns import MISSING_CODE, RecordColumns
from churnguard_scoring.records import Record
from churnguard_serving.predictor import LEVELS, Explained, Prediction

LATENCY_BOUNDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
SCORE_BOUNDS: Final = tuple(step / 20 for step in range(1, 21))
MOST_FEATURES: Final = 50
"""Features with labels of their own; the others are counted together as ``other``."""
PREFIX: Final = "churnguard_predictor"


class PredictorMetrics(Collector):
    """Counts what is asked and answered; its methods may run in any thread.

    Args:
        model: The model's name.
        revision: The revision that answers.
        features: What a record may hold.
    """

    def __init__(self, *, model: str, revision: str, features: Sequence[Feature]) -> None:
        self.inflight = 0
        self._model = model
        self._revision = revision
        self._names = frozenset(feature.name for feature in features)
        self._label = {f.name: f.name if at < MOST_FEATURES else "other" for at, f in enumerate(features)}
        self._lock = threading.Lock()
        self._requests = Counter[tuple[str, int]]()
        self._seconds = _Histogram(LATENCY_BOUNDS)
        self._levels = Counter[str]()
        self._scores = _Histogram(SCORE_BOUNDS)
        self._missing = Counter(dict.fromkeys(self._names, 0))
        self._unseen = Counter(dict.fromkeys(self._names, 0))
        self._unknown_fields = 0

    def answered(self, *, protocol: str, code: int, seconds: float) -> None:
        """A request got its answer."""
        with self._lock:
            self._requests[protocol, code] += 1
            self._seconds.add(seconds)

    def unseen(self, feature: str) -> None:
        """A category of this feature was new to the model."""
        with self._lock:
            self._unseen[feature] += 1

    def count_answers(self, answers: Sequence[Prediction | Explained]) -> None:
        """These predictions were made, one by one."""
        with self._lock:
            for answer in answers:
                self._levels[answer.risk_level] += 1
                self._scores.add(answer.risk_score)

    def count_scores(self, scores: NDArray[np.float64], levels: NDArray[np.intp]) -> None:
        """These predictions were made as a table; levels are places in ``LEVELS``."""
        counts = np.bincount(levels, minlength=len(LEVELS)).tolist()
        with self._lock:
            self._levels.update(dict(zip(LEVELS, counts, strict=True)))
            self._scores.add_many(scores)

    def count_records(self, records: Sequence[dict[str, Any]]) -> None:
        """These records were asked about, one by one."""
        names = self._names
        for record in records:
            # Nearly every caller sends all fields and no others: two comparisons, in C.
            if record.keys() != names or None in record.values():
                with self._lock:
                    self._missing.update([name for name in names if record.get(name) is None])
                    self._unknown_fields += len(record.keys() - names)

    def count_table(self, columns: RecordColumns, records: Sequence[Record]) -> None:
        """These records were asked about as a table of these columns."""
        missing, unseen = _missing_and_unseen(columns)
        unknown = _unknown_fields(records, known=self._names)
        with self._lock:
            self._missing.update(missing)
            self._unseen.update(unseen)
            self._unknown_fields += unknown

    def collect(self) -> Iterable[Metric]:
        """What was counted so far."""
        with self._lock:
            return [*self._about_requests(), *self._about_predictions(), *self._about_fields()]

    def _about_requests(self) -> Iterable[Metric]:
        requests = CounterMetricFamily(
            f"{PREFIX}_requests", "Requests answered.", labels=["model", "protocol", "code"]
        )
        for (protocol, code), count in self._requests.items():
            requests.add_metric([self._model, protocol, str(code)], count)
        yield requests
        seconds = HistogramMetricFamily(
            f"{PREFIX}_request_duration_seconds", "From the request's head to its answer.", labels=["model"]
        )
        self._seconds.expose(seconds, [self._model])
        yield seconds
        inflight = GaugeMetricFamily(
            f"{PREFIX}_inflight_requests", "Requests being answered.", labels=["model"]
        )
        inflight.add_metric([self._model], self.inflight)
        yield inflight

    def _about_predictions(self) -> Iterable[Metric]:
        levels = CounterMetricFamily(
            f"{PREFIX}_predictions", "Customers scored.", labels=["model", "revision", "level"]
        )
        for level in LEVELS:
            levels.add_metric([self._model, self._revision, level], self._levels[level])
        yield levels
        scores = HistogramMetricFamily(
            f"{PREFIX}_score", "Churn probabilities answered.", labels=["model", "revision"]
        )
        self._scores.expose(scores, [self._model, self._revision])
        yield scores

    def _about_fields(self) -> Iterable[Metric]:
        missing = CounterMetricFamily(
            f"{PREFIX}_feature_missing",
            "Customers whose field was absent or null.",
            labels=["model", "feature"],
        )
        unseen = CounterMetricFamily(
            f"{PREFIX}_unknown_categories",
            "Categories that training did not see.",
            labels=["model", "feature"],
        )
        for family, counts in ((missing, self._missing), (unseen, self._unseen)):
            by_label = Counter[str]()
            for name, label in self._label.items():
                by_label[label] += counts[name]
            for label, count in by_label.items():
                family.add_metric([self._model, label], count)
            yield family
        unknown = CounterMetricFamily(
            f"{PREFIX}_unknown_fields", "Fields that are no features.", labels=["model"]
        )
        unknown.add_metric([self._model], self._unknown_fields)
        yield unknown


class _Histogram:
    """Counts by upper bounds."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def add(self, value: float) -> None:
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def add_many(self, values: NDArray[np.float64]) -> None:
        places = np.searchsorted(self._bounds, values, side="left")
        counts = np.bincount(places, minlength=len(self._counts)).tolist()
        self._counts = [before + more for before, more in zip(self._counts, counts, strict=True)]
        self._sum += float(values.sum())

    def expose(self, family: HistogramMetricFamily, labels: list[str]) -> None:
        bounds = [*map(str, self._bounds), "+Inf"]
        buckets = zip(bounds, map(float, accumulate(self._counts)), strict=True)
        family.add_metric(labels, list(buckets), sum_value=self._sum)


def _unknown_fields(records: Sequence[Record], *, known: frozenset[str]) -> int:
    """How many; rows, of which all records are when one is, have none."""
    if not records or not isinstance(records[0], dict):
        return 0
    dictionaries: Sequence[dict[str, Any]] = records  # type: ignore[assignment]
    unknown = set[str]().union(*dictionaries) - known
    return sum(name in record for name in unknown for record in dictionaries)


def _missing_and_unseen(columns: RecordColumns) -> tuple[dict[str, int], dict[str, int]]:
    """By feature, those with any; a few operations on all columns at once."""
    layout = columns.layout
    missing = _true_by_row(layout.numbers, np.isnan(columns.numbers))
    missing |= _true_by_row(layout.categories, columns.codes == MISSING_CODE)
    return missing, _true_by_row(layout.categories, columns.codes == layout.unseen)


def _true_by_row(names: Iterable[str], table: NDArray[np.bool_]) -> dict[str, int]:
    if not table.any():  # nearly always
        return {}
    return dict(zip(names, np.count_nonzero(table, axis=1).tolist(), strict=True))
