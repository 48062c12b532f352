"""A checked table: what every later stage of training works on."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from churnguard_scoring.columns import CategoricalColumn, Column, take


@dataclass(frozen=True, eq=False, kw_only=True)
class Table:
    """Customers, checked and typed; every array has one entry per row.

    ``features`` are the columns a model may use. ``groups`` are 64-bit hashes that keep rows together: of the id
    column when there is one, else of the row's features; independent of row order, seed and machine.
    ``time`` is set when evaluation is by time, ``value`` when money per customer is known (missing is NaN).
    ``warnings`` are findings that do not refuse the data, ready to be shown; ``digest`` identifies the content.
    """

    features: dict[str, Column]
    label: NDArray[np.uint8]
    groups: NDArray[np.uint64]
    digest: str
    time: NDArray[np.datetime64] | None = None
    value: NDArray[np.float64] | None = None
    protected: dict[str, CategoricalColumn] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.label)

    def rows(self, rows: NDArray[np.intp]) -> Table:
        """The same table with only these rows."""
        return Table(
            features=take(self.features, rows),
            label=self.label[rows],
            groups=self.groups[rows],
            digest=self.digest,
            time=None if self.time is None else self.time[rows],
            value=None if self.value is None else self.value[rows],
            protected={name: column.take(rows) for name, column in self.protected.items()},
            warnings=self.warnings,
        )
