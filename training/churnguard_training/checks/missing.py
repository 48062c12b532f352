"""How much of each feature is missing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from churnguard_scoring.columns import CategoricalColumn, Column
from churnguard_training.checks.findings import MAX_SHOWN, Finding, counted, listed, warning

SHOWN_SHARE: Final = 0.01
"""Less is normal and not worth a line."""

MOSTLY_MISSING_SHARE: Final = 0.95
"""Above this a column is kept, as being filled at all may tell something, but named on its own."""


def missing_cells(features: Mapping[str, Column]) -> tuple[Finding, ...]:
    """Warnings on missing cells: one line for all columns, and one for each that is almost empty."""
    shares = {
        name: share for name, column in features.items() if (share := missing_share(column)) >= SHOWN_SHARE
    }
    if not shares:
        return ()
    most = sorted(shares, key=lambda name: (-shares[name], name))
    shown = listed([f"{name} {shares[name]:.1%}" for name in most[:MAX_SHOWN]], count=len(most))
    return (
        warning(f"cells are missing in {counted(len(shares), 'column')}: {shown}"),
        *(
            warning(
                f"{name}: {shares[name]:.1%} of the cells are missing; kept, as being filled may tell something"
            )
            for name in most
            if shares[name] > MOSTLY_MISSING_SHARE
        ),
    )


def missing_share(column: Column) -> float:
    """Share of the rows where the column is missing."""
    missing = column.codes < 0 if isinstance(column, CategoricalColumn) else np.isnan(column.values)
    return float(missing.mean()) if len(missing) else 0.0
