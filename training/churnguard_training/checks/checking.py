"""The check of a table: from columns as they were read to a typed table, or a refusal that names everything."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from churnguard_core.churnmodel.types import Data
from churnguard_scoring.columns import CategoricalColumn
from churnguard_training.checks.amounts import read_amounts
from churnguard_training.checks.cells import Cells, read_id_cells
from churnguard_training.checks.counts import enough_rows
from churnguard_training.checks.digest import content_digest
from churnguard_training.checks.duplicates import duplicate_ids, duplicate_rows, missing_ids
from churnguard_training.checks.features import Features, read_features
from churnguard_training.checks.findings import Finding, RowNumbers, refuse_on_problems, warnings_of
from churnguard_training.checks.grouping import Hashes, id_hashes
from churnguard_training.checks.label import read_label
from churnguard_training.checks.leaks import leaky_columns
from churnguard_training.checks.origin import origin_of
from churnguard_training.checks.protected import protected_groups
from churnguard_training.checks.roles import absent_columns, cells_of, duplicate_names, unsupported_type
from churnguard_training.checks.times import read_times
from churnguard_training.table import Table

_Part = TypeVar("_Part")
_Findings = tuple[Finding, ...]


def check_table(table: pa.Table, data: Data) -> Table:
    """Check and type a table; pure.

    Args:
        table: From a source: text, numbers, booleans, dates; text may be dictionary-encoded.
        data: What the columns mean, and which refusals the author overrides.

    Raises:
        Refused: MalformedData, InvalidData, LeakyColumns or TooFewRows, with every problem found.
    """
    origin, columns = origin_of(table), data.columns
    refuse_on_problems(_no_table(table), name=origin.name)
    rows = RowNumbers(origin.first_row)

    features, of_features = read_features(table, columns, rows=rows)
    time, of_time = _role(table, columns.time, lambda name, cells: read_times(name, cells, rows=rows))
    value, of_value = _role(table, columns.value, lambda name, cells: read_amounts(name, cells, rows=rows))
    protected, of_protected = _protected(table, columns.protected, rows=rows)
    label, of_label = _role(
        table, columns.label.name, lambda _, cells: read_label(cells, columns.label, rows=rows)
    )
    ids, of_ids = _ids(table, columns.id, features=features, rows=rows)
    groups = features.content if ids is None else ids
    found = (
        *absent_columns(data, table.column_names),
        *(*of_features, *of_time, *of_value, *of_protected, *of_label, *of_ids),
        *(() if label is None else _judge(features, label, data=data, ids=ids)),
    )
    # The value column is read twice, as money and as a feature, and says everything twice.
    findings = tuple(dict.fromkeys(found))
    refuse_on_problems(findings, name=origin.name)
    assert label is not None  # noqa: S101 - a label that cannot be read is a problem
    arrays: dict[str, NDArray[Any] | None] = {"label": label, "groups": groups, "time": time, "value": value}
    return Table(
        features=features.columns,
        label=label,
        groups=groups,
        digest=content_digest(
            features=features.columns,
            protected=protected,
            arrays={name: array for name, array in arrays.items() if array is not None},
        ),
        time=time,
        value=value,
        protected=protected,
        warnings=(*origin.warnings, *warnings_of(findings)),
    )


def _no_table(table: pa.Table) -> _Findings:
    """What makes every other check pointless."""
    return duplicate_names(table.column_names) or (
        () if table.num_rows else (Finding("there are no rows", "TooFewRows"),)
    )


def _role(
    table: pa.Table, name: str | None, read: Callable[[str, Cells], tuple[_Part | None, _Findings]]
) -> tuple[_Part | None, _Findings]:
    cells, findings = cells_of(table, name)
    return (None, findings) if name is None or cells is None else read(name, cells)


def _protected(
    table: pa.Table, names: tuple[str, ...], *, rows: RowNumbers
) -> tuple[dict[str, CategoricalColumn], _Findings]:
    read = {
        name: _role(table, name, lambda name, cells: protected_groups(name, cells, rows=rows))
        for name in names
    }
    groups = {name: column for name, (column, _) in read.items() if column is not None}
    return groups, tuple(finding for _, findings in read.values() for finding in findings)


def _ids(
    table: pa.Table, name: str | None, *, features: Features, rows: RowNumbers
) -> tuple[Hashes | None, _Findings]:
    if name is None or name not in table.column_names:
        return None, ()
    column = table.column(name)
    if unsupported := unsupported_type(name, column.type):
        return None, unsupported
    ids, absent = id_hashes(read_id_cells(column), otherwise=features.content)
    return ids, (*missing_ids(name, absent, rows=rows), *duplicate_ids(ids, absent=absent, name=name))


def _judge(features: Features, label: NDArray[np.uint8], *, data: Data, ids: Hashes | None) -> _Findings:
    """What can be said of features and label together."""
    groups = features.content if ids is None else ids
    return (
        *enough_rows(label, data.allow),
        *leaky_columns(features.columns, label, groups=groups, allowed=data.allow.leaky_columns),
        *duplicate_rows(features.content, label, ids=ids),
    )
