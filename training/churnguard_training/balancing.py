"""Balancing classes: on the rows a model learns from, never on rows that judge it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from churnguard_core.churnmodel.types import Balancing
from churnguard_training.candidates.base import Matrix, Sample


def balance(x: Matrix, y: NDArray[np.uint8], *, method: Balancing, seed: int) -> Sample:
    """Balance training rows: not at all, by class weights, or by SMOTE's synthetic rows (x must be filled)."""
    if method == "ClassWeight":
        counts = np.bincount(y, minlength=2)
        return Sample(x=x, y=y, weights=(len(y) / (2 * counts))[y])
    if method == "SMOTE":
        # Imported late: a second that runs without it need not wait for.
        from imblearn.over_sampling import SMOTE

        x, y = SMOTE(random_state=seed).fit_resample(x, y)
    return Sample(x=x, y=y)
