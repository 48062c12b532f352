"""Support-vector machine with a radial basis kernel: opt-in, small data only, no reasons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.svm import SVC

from churnguard_scoring.columns import Columns
from churnguard_scoring.encoder import Encoder
from churnguard_scoring.models import RadialBasis, Space
from churnguard_training.candidates.base import Matrix, Parameters, Sample
from churnguard_training.encoders import fit_linear_encoder

MOST_ROWS: Final = 10_000
"""Its time grows with the square of the rows, and its bundle with the rows."""


@dataclass(frozen=True, eq=False)
class FittedSupportVectorMachine:
    """A support-vector machine with the parameters that made it."""

    model: SVC
    gamma: float
    parameters: Parameters

    def raw(self, x: Matrix) -> NDArray[np.float64]:
        """Decision values; calibration makes log-odds of them."""
        return np.asarray(self.model.decision_function(x), dtype=np.float64)

    def export(self) -> RadialBasis:
        """Support vectors and coefficients as plain data."""
        return RadialBasis(
            gamma=self.gamma,
            intercept=float(self.model.intercept_[0]),
            coefficients=self.model.dual_coef_[0].tolist(),
            vectors=self.model.support_vectors_.tolist(),
        )


class SupportVectorMachine:
    """Support-vector machine."""

    space: Space = "logOdds"
    most_trials = 8
    needs_filled = True

    def fit_encoder(self, columns: Columns) -> Encoder:
        """Filled, standardised, and in intervals."""
        return fit_linear_encoder(columns)

    def default(self) -> Parameters:
        """scikit-learn's penalty and scale."""
        return {"c": 1.0, "gamma": 1.0}

    def draw(self, random: np.random.Generator) -> Parameters:
        """Penalty, and kernel width relative to the inputs' total variance."""
        return {
            "c": float(f"{np.exp(random.uniform(np.log(0.1), np.log(10))):.3g}"),
            "gamma": float(f"{np.exp(random.uniform(np.log(0.1), np.log(3))):.3g}"),
        }

    def fit(
        self,
        sample: Sample,
        parameters: Parameters,
        *,
        seed: int,  # noqa: ARG002
        threads: int,  # noqa: ARG002
    ) -> FittedSupportVectorMachine:
        """Fit; ``gamma`` is divided by the inputs' total variance, as scikit-learn's "scale" does."""
        variance = float(sample.x.var()) * sample.x.shape[1]
        gamma = float(parameters["gamma"]) / (variance if variance > 0 else 1.0)
        model = SVC(C=float(parameters["c"]), gamma=gamma, cache_size=400)
        model.fit(sample.x, sample.y, sample_weight=sample.weights)
        return FittedSupportVectorMachine(model, gamma, parameters)
