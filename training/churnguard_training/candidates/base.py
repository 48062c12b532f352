"""What every algorithm offers to the search, the judge and the bundle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from churnguard_scoring.columns import Columns
from churnguard_scoring.encoder import Encoder
from churnguard_scoring.models import Model, Space

Parameters: TypeAlias = Mapping[str, float | int | str]
Matrix: TypeAlias = NDArray[np.floating]

THREADS: Final = 2
"""Threads of training, whatever the machine has: sums in another order would give another digest."""
_ROWS_FOR_THREADS: Final = 50_000


def threads_for(rows: int) -> int:
    """Threads of one fit: on few rows a second one costs more than it brings."""
    return THREADS if rows >= _ROWS_FOR_THREADS else 1


@dataclass(frozen=True, eq=False, kw_only=True)
class Sample:
    """Encoded rows to learn from, already balanced: x (rows, outputs), y in {0, 1}, weights or None for all one."""

    x: Matrix
    y: NDArray[np.uint8]
    weights: NDArray[np.float64] | None = None


class Fitted(Protocol):
    """A fitted model."""

    @property
    def parameters(self) -> Parameters:
        """The parameters, including what fitting chose (the rounds of boosting)."""
        ...

    def raw(self, x: Matrix) -> NDArray[np.float64]:
        """Uncalibrated values in the model's space."""
        ...

    def export(self) -> Model:
        """The model as plain data."""
        ...


class Candidate(Protocol):
    """An algorithm."""

    space: Space
    """Where its raw values live."""
    most_trials: int
    """More random trials than this are wasted on so few parameters."""
    needs_filled: bool
    """Whether missing numbers must be filled before it learns."""

    def fit_encoder(self, columns: Columns) -> Encoder:
        """Fit the encoder this algorithm wants."""
        ...

    def default(self) -> Parameters:
        """Parameters that are good nearly everywhere: always the first trial."""
        ...

    def draw(self, random: np.random.Generator) -> Parameters:
        """Random parameters."""
        ...

    def fit(self, sample: Sample, parameters: Parameters, *, seed: int, threads: int) -> Fitted:
        """Fit with exactly these parameters."""
        ...


@runtime_checkable
class StopsEarly(Protocol):
    """An algorithm that grows until other rows tell it to stop."""

    def fit_stopping(
        self, sample: Sample, parameters: Parameters, *, validation: Sample, seed: int, threads: int
    ) -> Fitted:
        """Fit until the validation rows' log loss no longer falls."""
        ...
