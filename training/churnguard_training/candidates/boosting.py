"""XGBoost, shallow and slow: the default, and the best on nearly everything tried."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import xgboost
from numpy.typing import NDArray

from churnguard_scoring.columns import Columns
from churnguard_scoring.encoder import Encoder
from churnguard_scoring.models import Space, Trees
from churnguard_training.candidates.base import Matrix, Parameters, Sample
from churnguard_training.candidates.boundaries import split_below
from churnguard_training.encoders import fit_tree_encoder

MOST_ROUNDS: Final = 800
PATIENCE: Final = 30


@dataclass(frozen=True, eq=False)
class FittedBoosting:
    """A booster with the parameters and rounds that made it."""

    booster: xgboost.Booster
    parameters: Parameters

    def raw(self, x: Matrix) -> NDArray[np.float64]:
        """Log-odds."""
        rounds = (0, int(self.parameters["rounds"]))
        values = self.booster.inplace_predict(x, iteration_range=rounds, predict_type="margin")
        return np.asarray(values, dtype=np.float64)

    def export(self) -> Trees:
        """The trees as plain data."""
        learner = json.loads(self.booster.save_raw("json"))["learner"]
        trees = learner["gradient_booster"]["model"]["trees"][: int(self.parameters["rounds"])]
        return _export(trees, base=_base_margin(learner["learner_model_param"]["base_score"]))


class Boosting:
    """Gradient boosting of shallow trees."""

    space: Space = "logOdds"
    most_trials = 200
    needs_filled = False

    def fit_encoder(self, columns: Columns) -> Encoder:
        """Numbers as they are: XGBoost learns where missing ones go."""
        return fit_tree_encoder(columns)

    def default(self) -> Parameters:
        """Within 0.0033 ROC AUC of the best of seven on all data sets tried."""
        return {"depth": 4, "rate": 0.04, "rows": 0.8, "columns": 0.8, "childWeight": 5.0, "lambda": 1.0}

    def draw(self, random: np.random.Generator) -> Parameters:
        """Depth 1 is additive, 2 has pairs, 6 is the deepest that the scorer's byte patterns hold."""
        return {
            "depth": int(random.integers(1, 7)),
            "rate": round(float(np.exp(random.uniform(np.log(0.025), np.log(0.12)))), 4),
            "rows": round(float(random.uniform(0.6, 1.0)), 2),
            "columns": round(float(random.uniform(0.3, 1.0)), 2),
            "childWeight": round(float(np.exp(random.uniform(np.log(1), np.log(40)))), 2),
            "lambda": round(float(np.exp(random.uniform(np.log(0.5), np.log(30)))), 2),
        }

    def fit(self, sample: Sample, parameters: Parameters, *, seed: int, threads: int) -> FittedBoosting:
        """Fit exactly ``parameters["rounds"]`` trees."""
        booster = xgboost.train(
            _options(parameters, seed=seed, threads=threads),
            _matrix(sample, threads=threads),
            num_boost_round=int(parameters["rounds"]),
        )
        return FittedBoosting(booster, parameters)

    def fit_stopping(
        self, sample: Sample, parameters: Parameters, *, validation: Sample, seed: int, threads: int
    ) -> FittedBoosting:
        """Fit until the validation rows' log loss has not fallen for 30 rounds."""
        training = _matrix(sample, threads=threads)
        # Not a quantile matrix: scoring one round after round costs twice as much.
        watched = xgboost.DMatrix(
            validation.x, label=validation.y, weight=validation.weights, nthread=threads
        )
        booster = xgboost.train(
            _options(parameters, seed=seed, threads=threads),
            training,
            num_boost_round=MOST_ROUNDS,
            evals=[(watched, "validation")],
            early_stopping_rounds=PATIENCE,
            verbose_eval=False,
        )
        return FittedBoosting(booster, {**parameters, "rounds": booster.best_iteration + 1})


def _matrix(sample: Sample, *, threads: int) -> xgboost.QuantileDMatrix:
    return xgboost.QuantileDMatrix(sample.x, label=sample.y, weight=sample.weights, nthread=threads)


def _options(parameters: Parameters, *, seed: int, threads: int) -> dict[str, Any]:
    return {
        "objective": "binary:logistic",
        "eval_metric": "logloss",
        "tree_method": "hist",
        "max_depth": parameters["depth"],
        "eta": parameters["rate"],
        "subsample": parameters["rows"],
        "colsample_bytree": parameters["columns"],
        "min_child_weight": parameters["childWeight"],
        "lambda": parameters["lambda"],
        "seed": seed,
        "nthread": threads,
    }


def _base_margin(base_score: str) -> float:
    # XGBoost 3 writes a list, one entry per target; older ones a bare number.
    probability = float(json.loads(base_score)[0] if base_score.startswith("[") else base_score)
    return float(np.log(probability / (1 - probability)))


def _export(trees: list[dict[str, Any]], *, base: float) -> Trees:
    flat = _Flat()
    for tree in trees:
        flat.add(tree)
    return Trees(space="logOdds", base=base, **flat.arrays)


class _Flat:
    """Node arrays of all trees, one behind the other."""

    def __init__(self) -> None:
        names = ("roots", "output", "boundary", "missing_left", "left", "right", "value", "cover")
        self.arrays: dict[str, list[Any]] = {name: [] for name in names}

    def add(self, tree: dict[str, Any]) -> None:
        arrays, first = self.arrays, len(self.arrays["output"])
        left, right = np.array(tree["left_children"]), np.array(tree["right_children"])
        leaf = left < 0
        # A split's condition is its threshold, a leaf's condition its value; both are 32-bit.
        condition = np.array(tree["split_conditions"], dtype=np.float32)
        arrays["roots"].append(first)
        arrays["output"] += np.where(leaf, -1, tree["split_indices"]).tolist()
        arrays["boundary"] += np.where(leaf, 0.0, split_below(condition)).tolist()
        arrays["missing_left"] += [bool(flag) for flag in tree["default_left"]]
        arrays["left"] += np.where(leaf, -1, left + first).tolist()
        arrays["right"] += np.where(leaf, -1, right + first).tolist()
        arrays["value"] += np.where(leaf, condition.astype(np.float64), 0.0).tolist()
        arrays["cover"] += [float(weight) for weight in tree["sum_hessian"]]
