"""Quality on real data: nested cross-validation of the very code that a training job runs.

Five stratified outer folds judge, three inner folds choose; a fold's test rows are seen once. Prints a table with
the figures that must be reached and exits 1 when one is missed. ``python tests/performance/quality.py [telco]``.
"""

from __future__ import annotations

import os
import sys
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from sklearn.model_selection import StratifiedKFold
from threadpoolctl import threadpool_limits

from churnguard_core.churnmodel.types import Allow, Columns, Data, FileSource, Label, Source, Training
from churnguard_scoring.scorer import Scorer
from churnguard_training import sources
from churnguard_training.checks import check_table
from churnguard_training.fitting import fit_model
from churnguard_training.metrics import measure

ROOT: Final = Path(__file__).resolve().parents[2]
OUTER_FOLDS: Final = 5
SPLIT_SEED: Final = 42
LOWER_IS_BETTER: Final = {"brier", "ece", "logLoss"}


@dataclass(frozen=True, kw_only=True)
class Task:
    """A data set, the meaning of its columns, and the figures to reach."""

    file: str
    columns: Columns
    reach: Mapping[str, float]


TASKS: Final = {
    "telco": Task(
        file="telco_churn.csv",
        columns=Columns(
            id="customerID", label=Label(name="Churn", positive="Yes"), protected=("gender", "SeniorCitizen")
        ),
        reach={
            "rocAuc": 0.843,
            "prAuc": 0.655,
            "f1Tuned": 0.62,
            "brier": 0.136,
            "ece": 0.035,
            "liftTopDecile": 2.8,
        },
    ),
    "shoppers without PageValues": Task(
        file="online_shoppers.csv",
        columns=Columns(
            label=Label(name="Revenue", positive="TRUE"),
            exclude=("PageValues",),
            types=dict.fromkeys(("OperatingSystems", "Browser", "Region", "TrafficType"), "categorical"),
        ),
        reach={"rocAuc": 0.778, "prAuc": 0.37, "brier": 0.114},
    ),
}


def data_folder() -> Path:
    """Where the development data sets are."""
    return Path(os.environ.get("CHURNGUARD_TEST_DATA") or ROOT.parent / "shared" / "data")


def figures_of(task: Task) -> dict[str, list[float]]:
    """Hold-out figures of every outer fold."""
    path = data_folder() / task.file
    data = Data(source=Source(file=FileSource(uri=path.as_uri())), columns=task.columns, allow=Allow())
    table = check_table(sources.read(data, fetch=lambda _: path, query=_no_query), data)
    outer = StratifiedKFold(OUTER_FOLDS, shuffle=True, random_state=SPLIT_SEED)
    found: dict[str, list[float]] = {}
    for training_rows, test_rows in outer.split(table.label, table.label):
        fitted = fit_model(table.rows(training_rows), Training())
        test = table.rows(test_rows)
        scores = Scorer(fitted.definition).score_many(test.features)
        for name, value in measure(test.label, scores, threshold=fitted.threshold).items():
            found.setdefault(name, []).append(value)
    return found


def _no_query(_: str) -> object:
    raise AssertionError("no task reads a database")


def print_table(name: str, task: Task, found: Mapping[str, list[float]], *, seconds: float) -> list[str]:
    """Print mean and standard deviation over folds; returns what was missed."""
    missed = []
    print(f"\n{name}: nested {OUTER_FOLDS} x 3 stratified folds, {seconds:.0f} s")
    print(f"  {'figure':<20}{'mean':>9}{'sd':>9}   reach")
    for figure, values in found.items():
        mean, wanted = float(np.mean(values)), task.reach.get(figure)
        verdict = ""
        if wanted is not None:
            lower = figure in LOWER_IS_BETTER
            reached = mean <= wanted if lower else mean >= wanted
            verdict = f"{'<=' if lower else '>='} {wanted:<7g}{'ok' if reached else 'MISSED'}"
            missed += [] if reached else [f"{name}: {figure}"]
        print(f"  {figure:<20}{mean:>9.4f}{np.std(values):>9.4f}   {verdict}")
    return missed


def main() -> int:
    """Run the tasks whose names hold the arguments; all without arguments."""
    warnings.simplefilter("error")
    missed = []
    for name, task in TASKS.items():
        if sys.argv[1:] and not any(word in name for word in sys.argv[1:]):
            continue
        if not (data_folder() / task.file).exists():
            print(
                f"\n{name}: skipped, {task.file} is not in {data_folder().name}/ (set CHURNGUARD_TEST_DATA)"
            )
            continue
        start = time.monotonic()
        with threadpool_limits(limits=1):
            found = figures_of(task)
        missed += print_table(name, task, found, seconds=time.monotonic() - start)
    for figure in missed:
        print(f"missed: {figure}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
