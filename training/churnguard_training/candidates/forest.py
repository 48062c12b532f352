"""Random forest, at most six levels deep so that its reasons stay exact and cheap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier

from churnguard_scoring.columns import Columns
from churnguard_scoring.encoder import Encoder
from churnguard_scoring.models import Space, Trees
from churnguard_training.candidates.base import Matrix, Parameters, Sample
from churnguard_training.candidates.boundaries import split_at_most
from churnguard_training.encoders import fit_tree_encoder

TREES: Final = 200
DEEPEST: Final = 6


@dataclass(frozen=True, eq=False)
class FittedForest:
    """A forest with the parameters that made it."""

    model: RandomForestClassifier
    parameters: Parameters

    def raw(self, x: Matrix) -> NDArray[np.float64]:
        """Probabilities: the mean over trees."""
        return np.asarray(self.model.predict_proba(x)[:, 1], dtype=np.float64)

    def export(self) -> Trees:
        """The trees as plain data; each leaf holds its share of the mean."""
        arrays: dict[str, list[Any]] = {"roots": []}
        for tree in self.model.estimators_:
            _append(arrays, tree.tree_, share=1 / len(self.model.estimators_))
        return Trees(space="probability", base=0.0, **arrays)


class Forest:
    """Random forest."""

    space: Space = "probability"
    most_trials = 8
    needs_filled = False

    def fit_encoder(self, columns: Columns) -> Encoder:
        """Numbers as they are: scikit-learn's trees learn where missing ones go."""
        return fit_tree_encoder(columns)

    def default(self) -> Parameters:
        """Full depth allowed, leaves that still hold an estimate."""
        return {"depth": DEEPEST, "leafRows": 10, "columns": 0.4}

    def draw(self, random: np.random.Generator) -> Parameters:
        """Depth, rows per leaf, share of columns per split."""
        return {
            "depth": int(random.integers(4, DEEPEST + 1)),
            "leafRows": int(np.exp(random.uniform(np.log(3), np.log(50)))),
            "columns": round(float(random.uniform(0.1, 0.8)), 2),
        }

    def fit(self, sample: Sample, parameters: Parameters, *, seed: int, threads: int) -> FittedForest:
        """Fit 200 trees."""
        model = RandomForestClassifier(
            n_estimators=TREES,
            max_depth=int(parameters["depth"]),
            min_samples_leaf=int(parameters["leafRows"]),
            max_features=float(parameters["columns"]),
            max_samples=min(1.0, 50_000 / len(sample.y)),
            random_state=seed,
            n_jobs=threads,
        )
        model.fit(sample.x, sample.y, sample_weight=sample.weights)
        return FittedForest(model, parameters)


def _append(arrays: dict[str, list[Any]], tree: Any, *, share: float) -> None:
    first = len(arrays.setdefault("output", []))
    leaf = tree.children_left < 0
    counts = tree.value[:, 0, :]
    columns = {
        "output": np.where(leaf, -1, tree.feature),
        "boundary": np.where(leaf, 0.0, split_at_most(tree.threshold)),
        "missing_left": tree.missing_go_to_left.astype(bool),
        "left": np.where(leaf, -1, tree.children_left + first),
        "right": np.where(leaf, -1, tree.children_right + first),
        "value": np.where(leaf, share * counts[:, 1] / counts.sum(axis=1), 0.0),
        "cover": tree.weighted_n_node_samples,
    }
    arrays["roots"].append(first)
    for name, values in columns.items():
        arrays.setdefault(name, []).extend(values.tolist())
