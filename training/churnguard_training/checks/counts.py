"""Whether there are enough customers of both kinds to learn from and to judge with."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from churnguard_core.churnmodel.types import Allow
from churnguard_training.checks.findings import Finding, warning

MIN_ROWS: Final = 1_000
MIN_CLASS_ROWS: Final = 200
"""Below these the learning curve is steep and a hold-out figure moves by several points from luck alone."""

FLOOR_ROWS: Final = 100
FLOOR_CLASS_ROWS: Final = 20
"""Below these even ``allow.fewRows`` does not help: a hold-out and five folds need a few rows of each class each."""


def enough_rows(label: NDArray[np.uint8], allow: Allow) -> tuple[Finding, ...]:
    """What the counts allow: nothing to say, a warning, or a refusal."""
    rows, left = len(label), int(np.count_nonzero(label))
    smaller = min(left, rows - left)
    if rows >= MIN_ROWS and smaller >= MIN_CLASS_ROWS:
        return ()
    found = f"{rows:,} rows, {left:,} who left and {rows - left:,} who stayed"
    if not allow.few_rows:
        text = f"{found}; needs at least {MIN_ROWS:,} rows and {MIN_CLASS_ROWS:,} of each"
        return (Finding(text, "TooFewRows"),)
    if rows < FLOOR_ROWS or smaller < FLOOR_CLASS_ROWS:
        text = (
            f"{found}; even with allow.fewRows it needs {FLOOR_ROWS:,} rows and {FLOOR_CLASS_ROWS:,} of each"
        )
        return (Finding(text, "TooFewRows"),)
    return (warning(f"only {found}: figures are uncertain, read their intervals"),)
