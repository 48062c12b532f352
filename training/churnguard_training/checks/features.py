"""The feature columns of a table: typed, without those that a model must not or cannot learn from."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from churnguard_core.churnmodel.types import Columns, ColumnType
from churnguard_scoring.columns import Column
from churnguard_training.checks.cells import Cells
from churnguard_training.checks.findings import Finding, RowNumbers, problem
from churnguard_training.checks.grouping import Hashes, content_hashes
from churnguard_training.checks.identifiers import constant, numeric_identifier
from churnguard_training.checks.missing import missing_cells
from churnguard_training.checks.roles import cells_of, feature_names
from churnguard_training.checks.types import Typed, feature_type


@dataclass(frozen=True, eq=False, kw_only=True, slots=True)
class Features:
    """The features, and a hash of each row's content.

    The hash includes constant columns, which are no features: a column that varies only from next month on would
    otherwise give every customer another group then.
    """

    columns: dict[str, Column]
    content: Hashes


def read_features(
    table: pa.Table, columns: Columns, *, rows: RowNumbers
) -> tuple[Features, tuple[Finding, ...]]:
    """The features of a table, and what was found in each of its feature columns."""
    findings: list[Finding] = []
    varying: dict[str, Column] = {}
    content: dict[str, Column] = {}
    for name in feature_names(columns, table.column_names):
        cells, unreadable = cells_of(table, name)
        findings += unreadable
        if cells is None:
            continue
        typed = _usable(name, cells, override=columns.types.get(name), rows=rows)
        findings += typed.findings
        if typed.column is None:
            continue
        content[name] = typed.column
        if (same := constant(name, typed.column)) is not None:
            findings.append(same)
        else:
            varying[name] = typed.column
    findings += missing_cells(varying)
    if not varying and not any(finding.reason for finding in findings):
        findings.append(problem("no column is left to learn from"))
    return Features(columns=varying, content=content_hashes(content, rows=len(table))), tuple(findings)


def _usable(name: str, cells: Cells, *, override: ColumnType | None, rows: RowNumbers) -> Typed:
    typed = feature_type(name, cells, override=override, rows=rows)
    if override is not None or typed.column is None:
        return typed
    identifier = numeric_identifier(name, typed.column)
    return typed if identifier is None else Typed(column=None, findings=(*typed.findings, identifier))
