"""Support-vector machines with a radial basis kernel: scores only, no reasons."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from churnguard_core.features import Feature
from churnguard_scoring.columns import CategoricalColumn, Columns
from churnguard_scoring.encoder import Encoder, encode
from churnguard_scoring.models import RadialBasis, Space
from churnguard_scoring.reader import RecordReader
from churnguard_scoring.records import Record

BLOCK_ROWS = 512


class NoReasonsError(LookupError):
    """The kind of model has no exact reasons."""

    def __init__(self) -> None:
        super().__init__(
            "an SVM has no exact reasons; train with XGBoost, LogisticRegression or RandomForest to explain scores"
        )


class CompiledRadialBasis:
    """Decision values of a support-vector machine, calibrated like log-odds.

    Args:
        model: Support vectors, coefficients, gamma and intercept.
        encoder: Its encoder; every number must be filled when missing.
        features: All features that a record may have.
        on_unseen: Called with a feature's name for each unseen category met by the per-record path.
    """

    space: Final[Space] = "logOdds"
    baseline: float = 0.0

    def __init__(
        self,
        *,
        model: RadialBasis,
        encoder: Encoder,
        features: Sequence[Feature],
        on_unseen: Callable[[str], None],
    ) -> None:
        self._model = model
        self._encoder = encoder
        self._reader = RecordReader(features)
        self._on_unseen = on_unseen
        self._vectors = np.array(model.vectors)
        self._coefficients = np.array(model.coefficients)
        self._squares = np.einsum("ij,ij->i", self._vectors, self._vectors)

    def prepare_reasons(self) -> None:
        """Nothing to prepare: there are none."""

    def raw(self, record: Record) -> float:
        """Decision value of one record; InvalidRecords when a field's type is wrong."""
        columns = self._reader.columns([record])
        for name, column in columns.items():
            if isinstance(column, CategoricalColumn) and column.codes[0] == len(column.categories) - 1:
                self._on_unseen(name)
        return float(self.raw_many(columns)[0])

    def raw_many(self, columns: Columns) -> NDArray[np.float64]:
        """Decision values of all rows."""
        encoded = encode(self._encoder, columns)
        values = np.empty(len(encoded))
        for start in range(0, len(encoded), BLOCK_ROWS):
            block = encoded[start : start + BLOCK_ROWS]
            squares = np.einsum("ij,ij->i", block, block)
            distances = squares[:, None] + self._squares - 2 * block @ self._vectors.T
            values[start : start + BLOCK_ROWS] = np.exp(-self._model.gamma * distances) @ self._coefficients
        return values + self._model.intercept

    def reasons(self, record: Record) -> list[tuple[str, float]]:  # noqa: ARG002
        """Raises NoReasonsError."""
        raise NoReasonsError

    def reasons_many(self, columns: Columns) -> NDArray[np.float64]:  # noqa: ARG002
        """Raises NoReasonsError."""
        raise NoReasonsError
