"""From records to predictions: the bundle's scorer with the serving settings applied. No input, no output."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from churnguard_core.churnmodel.types import Insight
from churnguard_scoring.columns import Columns
from churnguard_scoring.levels import Level, insights
from churnguard_scoring.records import Record
from churnguard_scoring.scorer import Scorer
from churnguard_serving.settings import Settings

LEVELS: Final[tuple[Level, ...]] = ("low", "medium", "high")
Instance = dict[str, Any]


class Prediction(Struct, frozen=True, gc=False):
    """A churn probability and its level."""

    risk_score: float
    risk_level: Level


class Explained(Struct, frozen=True):
    """A prediction with advice and its exact reasons, by size; they and the baseline add up in ``space``."""

    risk_score: float
    risk_level: Level
    insights: tuple[str, ...]
    shap_values: dict[str, float]
    baseline: float
    space: str


Answer = TypeVar("Answer", Prediction, Explained)


@dataclass(frozen=True, eq=False, slots=True)
class Answers(Generic[Answer]):
    """Answers to the rows of a table, and beside them their scores, and their levels by their place in ``LEVELS``."""

    answers: list[Answer]
    scores: NDArray[np.float64]
    levels: NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Predictor:
    """Answers for one revision under one set of settings; replaced as a whole when these change.

    Methods on records raise InvalidRecords on values of a wrong type; those that explain NoReasonsError where the
    kind of model has no reasons.
    """

    scorer: Scorer
    settings: Settings
    thresholds: tuple[float, float]
    insights: tuple[Insight, ...]

    @classmethod
    def of(cls, scorer: Scorer, settings: Settings) -> Predictor:
        """Combine a scorer and settings."""
        levels = settings.levels
        return cls(scorer, settings, (float(levels.medium), float(levels.high)), settings.insights)

    def predict(self, records: Sequence[Record]) -> list[Prediction]:
        """A prediction for each of a few records."""
        scores = [self.scorer.score(record) for record in records]
        return [Prediction(score, LEVELS[bisect_right(self.thresholds, score)]) for score in scores]

    def predict_table(self, columns: Columns) -> Answers[Prediction]:
        """A prediction for each row of a table."""
        scores = self.scorer.score_many(columns)
        levels = np.searchsorted(self.thresholds, scores, side="right")
        found = map(Prediction, scores.tolist(), map(LEVELS.__getitem__, levels.tolist()))
        return Answers(list(found), scores, levels)

    def explain(self, records: Sequence[Record]) -> list[Explained]:
        """A prediction with reasons for each of a few records."""
        found = [self.scorer.explain(record) for record in records]
        return [
            self._explained(record, score=one.score, reasons=one.reasons)
            for record, one in zip(records, found, strict=True)
        ]

    def explain_table(self, columns: Columns, records: Sequence[Record]) -> Answers[Explained]:
        """A prediction with reasons for each row of a table; ``records`` are the same customers."""
        scores, values = self.scorer.explain_many(columns)
        names = [feature.name for feature in self.scorer.features]
        order = np.argsort(-np.abs(values), axis=1, kind="stable")
        ordered = np.take_along_axis(values, order, axis=1)
        rows = zip(records, scores.tolist(), order.tolist(), ordered.tolist(), strict=True)
        found = [
            self._explained(
                record,
                score=score,
                reasons={names[at]: value for at, value in zip(places, sizes, strict=True) if value},
            )
            for record, score, places, sizes in rows
        ]
        return Answers(found, scores, np.searchsorted(self.thresholds, scores, side="right"))

    def _explained(self, record: Record, *, score: float, reasons: dict[str, float]) -> Explained:
        advice = insights(record, reasons=reasons, configured=self.insights) if self.insights else ()
        level = LEVELS[bisect_right(self.thresholds, score)]
        return Explained(score, level, advice, reasons, self.scorer.baseline, self.scorer.space)
