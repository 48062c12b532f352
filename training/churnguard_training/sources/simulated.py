"""Simulated customers as a table."""

from __future__ import annotations

import pyarrow as pa

from churnguard_core.churnmodel.types import SimulatorSource
from churnguard_simulator import Categorical, Customers, SimulatedColumn, simulate
from churnguard_training.checks.origin import Origin, with_origin


def read_simulated(source: SimulatorSource) -> pa.Table:
    """The customers of a simulation; what only the simulation knows stays behind."""
    customers = simulate(rows=source.rows, seed=source.seed)
    return as_table(customers, name=f"simulator ({source.rows:,} rows, seed {source.seed})")


def as_table(customers: Customers, *, name: str) -> pa.Table:
    """Simulated customers as a table, under a name for messages."""
    columns = {column_name: _array(column) for column_name, column in customers.columns.items()}
    return with_origin(pa.table(columns), Origin(name=name))


def _array(column: SimulatedColumn) -> pa.Array:
    if isinstance(column, Categorical):
        return pa.DictionaryArray.from_arrays(pa.array(column.codes, pa.int32()), list(column.categories))
    if column.dtype.kind == "S":
        return pa.array(column.astype(str))
    return pa.array(column, from_pandas=True)  # from_pandas: NaN is null
