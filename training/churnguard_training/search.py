"""The search: random trials per algorithm, judged by cross-validated log loss on the training part.

Successive halving in two rounds: every trial meets the first fold, the better half meets the others. Trials run side
by side and nothing depends on which ends first, so the same seed chooses the same model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import log_loss, roc_auc_score
from threadpoolctl import threadpool_limits

from churnguard_core.churnmodel.types import Balancing
from churnguard_core.evaluation import CandidateReport
from churnguard_scoring.columns import Columns
from churnguard_scoring.encoder import Encoder, encode
from churnguard_training import calibration
from churnguard_training.balancing import balance
from churnguard_training.candidates import CANDIDATES, Candidate, Fitted, Parameters
from churnguard_training.candidates.base import THREADS, Sample, StopsEarly
from churnguard_training.encoders import fit_filled_tree_encoder
from churnguard_training.folds import assign_folds, subsample
from churnguard_training.table import Table

FOLDS: Final = 3
MOST_SEARCH_ROWS: Final = 50_000
"""More rows sharpen the choice of parameters by less than the noise between folds."""
LEAST_FINALISTS: Final = 4

Progress = Callable[[float, str], None]


@dataclass(frozen=True, eq=False, kw_only=True)
class Chosen:
    """An algorithm with its best parameters, and its out-of-fold raw values on the searched rows."""

    algorithm: str
    parameters: Parameters
    report: CandidateReport
    raw: NDArray[np.float64]
    label: NDArray[np.uint8]
    folds: NDArray[np.intp]


@dataclass(frozen=True, eq=False, kw_only=True)
class _Fold:
    """A fold, encoded by an encoder that saw only its training rows; these are balanced, the validation rows not."""

    sample: Sample
    validation: Sample
    rows: NDArray[np.intp]


def search(
    table: Table,
    *,
    algorithms: Sequence[str],
    balancing: Balancing,
    trials: int,
    seed: int,
    progress: Progress = lambda _percent, _message: None,
) -> tuple[Chosen, ...]:
    """Best configuration of each algorithm, the best algorithm first.

    Args:
        table: The training part.
        algorithms: Names of candidates.
        balancing: Class balancing of the rows learnt from.
        trials: Random trials per algorithm.
        seed: Of trials, folds and fits.
        progress: Called with percent and message.
    """
    searched = table.rows(subsample(groups=table.groups, most=MOST_SEARCH_ROWS, seed=seed))
    folds = assign_folds(label=searched.label, groups=searched.groups, folds=FOLDS, seed=seed)
    chosen = []
    for number, name in enumerate(algorithms):
        progress(100 * number / len(algorithms), f"{name}: looking for good parameters")
        chosen.append(_search_one(name, searched, folds=folds, balancing=balancing, trials=trials, seed=seed))
    return tuple(sorted(chosen, key=lambda found: found.report.log_loss))


def encoder_for(candidate: Candidate, columns: Columns, *, balancing: Balancing) -> Encoder:
    """The candidate's encoder; filled for SMOTE, which cannot take missing numbers."""
    if balancing == "SMOTE" and not candidate.needs_filled:
        return fit_filled_tree_encoder(columns)
    return candidate.fit_encoder(columns)


def _search_one(
    name: str, table: Table, *, folds: NDArray[np.intp], balancing: Balancing, trials: int, seed: int
) -> Chosen:
    candidate = CANDIDATES[name]
    random = np.random.default_rng([seed, *name.encode()])
    drawn = [candidate.default()]
    drawn += [candidate.draw(random) for _ in range(min(trials, candidate.most_trials) - 1)]
    prepared = [
        _prepare(candidate, table, folds == fold, balancing=balancing, seed=seed) for fold in range(FOLDS)
    ]
    with _threads() as pool:
        parameters = _halve(candidate, drawn, prepared, pool=pool, seed=seed)
        fitted = pool.map(lambda fold: candidate.fit(fold.sample, parameters, seed=seed, threads=1), prepared)
        raw = np.empty(len(table))
        for fold, model in zip(prepared, fitted, strict=True):
            raw[fold.rows] = model.raw(fold.validation.x)
    _, loss = calibration.choose(raw, table.label, folds=folds, space=candidate.space)
    report = CandidateReport(
        algorithm=name,
        log_loss=loss,
        roc_auc=float(roc_auc_score(table.label, raw)),
        trials=len(drawn),
        parameters=dict(parameters),
    )
    return Chosen(
        algorithm=name, parameters=parameters, report=report, raw=raw, label=table.label, folds=folds
    )


@contextmanager
def _threads() -> Iterator[ThreadPoolExecutor]:
    """A pool that forgets the trials still waiting when the run is ended; else SIGTERM would wait for all of them."""
    pool = ThreadPoolExecutor(THREADS, initializer=_limit_threads)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _limit_threads() -> None:
    # OpenMP keeps its limit per thread: that of the main thread does not hold in a pool's, and each would start
    # as many threads of its own as there are processors.
    threadpool_limits(limits=1, user_api="openmp")


def _prepare(
    candidate: Candidate, table: Table, inside: NDArray[np.bool_], *, balancing: Balancing, seed: int
) -> _Fold:
    training, validation = table.rows(np.flatnonzero(~inside)), table.rows(np.flatnonzero(inside))
    encoder = encoder_for(candidate, training.features, balancing=balancing)
    x = encode(encoder, training.features, dtype=np.float32)
    return _Fold(
        sample=balance(x, training.label, method=balancing, seed=seed),
        validation=Sample(x=encode(encoder, validation.features, dtype=np.float32), y=validation.label),
        rows=np.flatnonzero(inside),
    )


def _halve(
    candidate: Candidate,
    drawn: Sequence[Parameters],
    folds: Sequence[_Fold],
    *,
    pool: ThreadPoolExecutor,
    seed: int,
) -> Parameters:
    """Parameters of the best trial, with what fitting chose (the rounds) averaged over folds."""

    def run(trial: tuple[Parameters, _Fold]) -> tuple[float, Fitted]:
        parameters, fold = trial
        model = _fit(candidate, parameters, fold, seed=seed)
        return _loss(candidate, model, fold), model

    first = list(pool.map(run, [(parameters, folds[0]) for parameters in drawn]))
    order = sorted(range(len(drawn)), key=lambda trial: first[trial][0])
    finalists = order[: max(LEAST_FINALISTS, len(drawn) // 2)]
    rest = list(pool.map(run, [(drawn[trial], fold) for trial in finalists for fold in folds[1:]]))
    others = len(folds) - 1
    runs = {
        trial: [first[trial], *rest[at * others : (at + 1) * others]] for at, trial in enumerate(finalists)
    }
    best = min(finalists, key=lambda trial: sum(loss for loss, _ in runs[trial]))
    return _merge(drawn[best], [model.parameters for _, model in runs[best]])


def _fit(candidate: Candidate, parameters: Parameters, fold: _Fold, *, seed: int) -> Fitted:
    if isinstance(candidate, StopsEarly):
        return candidate.fit_stopping(
            fold.sample, parameters, validation=fold.validation, seed=seed, threads=1
        )
    return candidate.fit(fold.sample, parameters, seed=seed, threads=1)


def _loss(candidate: Candidate, model: Fitted, fold: _Fold) -> float:
    """Log loss after calibration: balancing shifts raw values, and calibration will shift them back."""
    raw, y = model.raw(fold.validation.x), fold.validation.y
    fitted = calibration.fit(raw, y, space=candidate.space)
    return float(log_loss(y, calibration.calibrated(raw, fitted, space=candidate.space)))


def _merge(drawn: Parameters, fitted: Sequence[Parameters]) -> Parameters:
    if "rounds" not in fitted[0]:
        return drawn
    rounds = [float(parameters["rounds"]) for parameters in fitted]
    return {**drawn, "rounds": max(1, round(sum(rounds) / len(rounds)))}
