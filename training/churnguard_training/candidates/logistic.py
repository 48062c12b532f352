"""Logistic regression: the challenger that wins on little data and explains itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from churnguard_scoring.columns import Columns
from churnguard_scoring.encoder import Encoder
from churnguard_scoring.models import Linear, Space
from churnguard_training.candidates.base import Matrix, Parameters, Sample
from churnguard_training.encoders import fit_linear_encoder

_MOST_NEWTON_INPUTS: Final = 500


@dataclass(frozen=True, eq=False)
class FittedLogistic:
    """Weights, with the training means as background of the reasons."""

    weights: NDArray[np.float64]
    intercept: float
    means: NDArray[np.float64]
    parameters: Parameters

    def raw(self, x: Matrix) -> NDArray[np.float64]:
        """Log-odds."""
        return np.asarray(x @ self.weights + self.intercept)

    def export(self) -> Linear:
        """The weights as plain data."""
        return Linear(intercept=self.intercept, weights=self.weights.tolist(), means=self.means.tolist())


class Logistic:
    """Logistic regression with an L2 penalty."""

    space: Space = "logOdds"
    most_trials = 12
    needs_filled = True

    def fit_encoder(self, columns: Columns) -> Encoder:
        """Filled, standardised, and in intervals."""
        return fit_linear_encoder(columns)

    def default(self) -> Parameters:
        """A mild penalty."""
        return {"c": 0.3}

    def draw(self, random: np.random.Generator) -> Parameters:
        """The strength of the penalty, over four orders of magnitude."""
        return {"c": float(f"{np.exp(random.uniform(np.log(0.003), np.log(30))):.3g}")}

    def fit(self, sample: Sample, parameters: Parameters, *, seed: int, threads: int) -> FittedLogistic:  # noqa: ARG002
        """Fit to the optimum by Newton steps; by L-BFGS, roughly, where their matrix would be large."""
        # In float32 the matrix of correlated inputs counts as singular.
        x = np.asarray(sample.x, dtype=np.float64)
        solver = "newton-cholesky" if x.shape[1] <= _MOST_NEWTON_INPUTS else "lbfgs"
        model = LogisticRegression(C=float(parameters["c"]), solver=solver, tol=1e-6, max_iter=1000)
        model.fit(x, sample.y, sample_weight=sample.weights)
        means = np.asarray(sample.x.mean(axis=0), dtype=np.float64)
        return FittedLogistic(
            model.coef_[0].astype(np.float64), float(model.intercept_[0]), means, parameters
        )
