"""The digest of a table's content, by which two trainings know that they saw the same data."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from churnguard_scoring.columns import CategoricalColumn, Column


class _Digest(Protocol):
    def update(self, data: Any, /) -> None: ...


def content_digest(
    *, features: Mapping[str, Column], protected: Mapping[str, Column], arrays: Mapping[str, NDArray[Any]]
) -> str:
    """``sha256:...`` of columns and arrays by name, with their rows in order.

    The order of columns does not count; that of rows does, as training is the same only on the same order.
    """
    digest = sha256()
    for role, columns in (("feature", features), ("protected", protected)):
        for name, column in sorted(columns.items()):
            _add_column(digest, role, name, column)
    for name, array in sorted(arrays.items()):
        values = _one_nan(array) if array.dtype.kind == "f" else array
        digest.update(msgspec.json.encode((name, array.dtype.kind)))
        digest.update(np.ascontiguousarray(values).view(np.uint8).data)
    return f"sha256:{digest.hexdigest()}"


def _add_column(digest: _Digest, role: str, name: str, column: Column) -> None:
    if isinstance(column, CategoricalColumn):
        digest.update(msgspec.json.encode((role, name, column.categories)))
        digest.update(column.codes.astype("<i4", copy=False))
    else:
        digest.update(msgspec.json.encode((role, name)))
        digest.update(_one_nan(column.values).astype("<f8", copy=False))


def _one_nan(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same numbers with one bit pattern for NaN and one for zero: both have several."""
    return np.where(np.isnan(values), np.nan, values + 0.0)
