"""Where "F1 > 0.8" comes from: SMOTE before the split, beside the honest way, on the real Telco file.

Prints the table of docs/judging.md. Skips where the file is absent. ``python tests/performance/smote_leak.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from imblearn.over_sampling import SMOTE
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, roc_auc_score
from sklearn.model_selection import StratifiedKFold

from churnguard_core.churnmodel.types import Data, FileSource, Source
from churnguard_scoring.encoder import encode
from churnguard_training import sources
from churnguard_training.checks import check_table
from churnguard_training.encoders import fit_filled_tree_encoder, fit_linear_encoder
from churnguard_training.table import Table
from quality import TASKS, data_folder

SEED: Final = 42
FOLDS: Final = 5
Rows = NDArray[np.intp]


@dataclass(frozen=True)
class Model:
    """A model as a notebook would fit it, and how its inputs are encoded."""

    name: str
    make: Callable[[], Any]
    fit_encoder: Callable[[Any], Any]


def forest() -> Any:
    """A forest as libraries make it by default."""
    return RandomForestClassifier(n_estimators=300, random_state=SEED, n_jobs=2)


MODELS: Final = (
    Model("logistic regression", lambda: LogisticRegression(max_iter=2000), fit_linear_encoder),
    Model("random forest", forest, fit_filled_tree_encoder),
)


def load() -> Table:
    """The checked Telco table."""
    task = TASKS["telco"]
    path = data_folder() / task.file
    data = Data(source=Source(file=FileSource(uri=path.as_uri())), columns=task.columns)
    return check_table(sources.read(data, fetch=lambda _: path, query=lambda _: None), data)


def figures(model: Any, x: Any, y: Any) -> tuple[float, float]:
    """ROC AUC, and F1 at 0.5."""
    scores = model.predict_proba(x)[:, 1]
    return float(roc_auc_score(y, scores)), float(f1_score(y, scores >= 0.5))


def folds(y: Any) -> list[tuple[Rows, Rows]]:
    """Stratified folds: training rows and test rows of each."""
    return list(StratifiedKFold(FOLDS, shuffle=True, random_state=SEED).split(y, y))


def honest(model: Model, table: Table) -> NDArray[np.float64]:
    """Cross-validation as it should be: the encoder learns from the training rows, the test rows are as they come."""
    found = []
    for training, test in folds(table.label):
        encoder = model.fit_encoder(table.rows(training).features)
        x = encode(encoder, table.features)
        fitted = model.make().fit(x[training], table.label[training])
        found.append(figures(fitted, x[test], table.label[test]))
    return np.asarray(np.mean(found, axis=0))


def leaky(model: Model, table: Table) -> NDArray[np.float64]:
    """Cross-validation of rows that were oversampled first: neighbours of test rows are in the training part."""
    x, y = SMOTE(random_state=SEED).fit_resample(
        encode(model.fit_encoder(table.features), table.features), table.label
    )
    return np.asarray(
        np.mean([figures(model.make().fit(x[a], y[a]), x[b], y[b]) for a, b in folds(y)], axis=0)
    )


def kept_apart(model: Model, table: Table) -> NDArray[np.float64]:
    """What a model that was built the leaky way is worth on a fifth that was put away before."""
    found = []
    for training, test in folds(table.label):
        encoder = model.fit_encoder(table.rows(training).features)
        x = encode(encoder, table.features)
        resampled, y = SMOTE(random_state=SEED).fit_resample(x[training], table.label[training])
        found.append(figures(model.make().fit(resampled, y), x[test], table.label[test]))
    return np.asarray(np.mean(found, axis=0))


def main() -> None:
    """Print ROC AUC and F1 at 0.5 of every model and protocol."""
    if not (data_folder() / TASKS["telco"].file).exists():
        print(f"skipped: {TASKS['telco'].file} is not in {data_folder().name}/ (set CHURNGUARD_TEST_DATA)")
        return
    table = load()
    print(
        "| Telco, ROC AUC / F1 at 0.5 | honest folds | SMOTE before the split | the same, on a fifth kept apart |"
    )
    print("|---|---|---|---|")
    for model in MODELS:
        cells = [protocol(model, table) for protocol in (honest, leaky, kept_apart)]
        print("|", model.name, *(f"| {auc:.3f} / {f1:.3f}" for auc, f1 in cells), "|", flush=True)


if __name__ == "__main__":
    main()
