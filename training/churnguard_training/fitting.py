"""Fitting: from a training part to a scorer definition. What the job runs once, the quality protocol runs per fold."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from churnguard_core.churnmodel.types import Training
from churnguard_core.evaluation import CandidateReport
from churnguard_scoring.encoder import encode
from churnguard_scoring.models import Model, Trees
from churnguard_scoring.scorer import ScorerDefinition
from churnguard_training import calibration
from churnguard_training.balancing import balance
from churnguard_training.candidates import CANDIDATES
from churnguard_training.candidates.base import threads_for
from churnguard_training.encoders import describe_features
from churnguard_training.metrics import best_f1_threshold
from churnguard_training.search import Chosen, Progress, encoder_for, search
from churnguard_training.table import Table


@dataclass(frozen=True, eq=False, kw_only=True)
class FittedModel:
    """A calibrated model as plain data, the threshold tuned for F1, and how it was chosen."""

    algorithm: str
    definition: ScorerDefinition
    threshold: float
    candidates: tuple[CandidateReport, ...]
    chosen: Chosen


def fit_model(
    table: Table, training: Training, *, progress: Progress = lambda _percent, _message: None
) -> FittedModel:
    """Search, fit and calibrate on these rows and no others."""
    found = search(
        table,
        algorithms=training.algorithms,
        balancing=training.balancing,
        trials=training.search.trials,
        seed=training.seed,
        progress=progress,
    )
    chosen = found[0]
    definition = fit_chosen(table, chosen, training=training)
    raw = calibration.calibrated(chosen.raw, definition.calibration, space=CANDIDATES[chosen.algorithm].space)
    return FittedModel(
        algorithm=chosen.algorithm,
        definition=definition,
        threshold=best_f1_threshold(chosen.label, raw),
        candidates=tuple(other.report for other in found),
        chosen=chosen,
    )


def fit_chosen(table: Table, chosen: Chosen, *, training: Training) -> ScorerDefinition:
    """Fit the chosen configuration on all these rows and calibrate it by its out-of-fold values."""
    candidate = CANDIDATES[chosen.algorithm]
    encoder = encoder_for(candidate, table.features, balancing=training.balancing)
    x = encode(encoder, table.features, dtype=np.float32)
    sample = balance(x, table.label, method=training.balancing, seed=training.seed)
    model = candidate.fit(
        sample, chosen.parameters, seed=training.seed, threads=threads_for(len(table))
    ).export()
    fitted, _ = calibration.choose(
        chosen.raw, chosen.label, folds=chosen.folds, space=candidate.space, reach=_reach(model)
    )
    return ScorerDefinition(
        features=describe_features(table.features), encoder=encoder, model=model, calibration=fitted
    )


def _reach(model: Model) -> tuple[float, float] | None:
    """Lowest and highest raw value that a tree ensemble can give."""
    if not isinstance(model, Trees):
        return None
    output, value = np.array(model.output), np.array(model.value)
    bounds = [*model.roots, len(output)]
    low = high = model.base
    for first, last in pairwise(bounds):
        leaves = value[first:last][output[first:last] < 0]
        low, high = low + float(leaves.min()), high + float(leaves.max())
    return low, high
