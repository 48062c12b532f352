"""What a card is about: everything that its sections and plots may use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from churnguard_core.card import Driver
from churnguard_core.churnmodel.types import ChurnModel
from churnguard_core.evaluation import Evaluation
from churnguard_core.gates import GateOutcome, passed
from churnguard_scoring.models import Calibration
from churnguard_training.card.trust import Trust, judge_calibration

ALGORITHMS: Final = {
    "XGBoost": "gradient-boosted trees (XGBoost)",
    "LogisticRegression": "logistic regression",
    "RandomForest": "a random forest",
    "SVM": "a support-vector machine",
}


@dataclass(frozen=True, eq=False, kw_only=True)
class Subject:
    """A judged revision.

    ``drivers`` are empty and ``starting_risk`` is None for a model without reasons. ``columns`` counts the features.
    """

    model: ChurnModel
    revision: str
    algorithm: str
    evaluation: Evaluation
    champion: Mapping[str, float]
    gates: Sequence[GateOutcome]
    calibration: Calibration
    columns: int
    drivers: tuple[Driver, ...]
    starting_risk: float | None

    @property
    def may_serve(self) -> bool:
        """Whether every gate holds."""
        return passed(self.gates)

    @property
    def prevalence(self) -> float:
        """Share of the hold-out that left."""
        return self.evaluation.positives / self.evaluation.rows

    @property
    def beats_baseline(self) -> bool:
        """Whether its probabilities are better than always answering the average."""
        return self.evaluation.metrics["logLoss"] < self.evaluation.baseline["logLoss"]

    @property
    def trust(self) -> Trust:
        """What its probabilities are worth."""
        return judge_calibration(self.evaluation.calibration)

    @property
    def algorithm_in_words(self) -> str:
        """The algorithm as people know it."""
        return ALGORITHMS.get(self.algorithm, self.algorithm)

    def reached(self, deciles: int) -> float:
        """Share of all leavers among this many riskiest tenths of the hold-out."""
        riskiest = self.evaluation.deciles[:deciles]
        return sum(decile.churned for decile in riskiest) / self.evaluation.positives
