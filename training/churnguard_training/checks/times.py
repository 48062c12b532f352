"""The time column: every row's as-of time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from churnguard_training.checks.cells import Cells, NumberCells, TimeCells, is_missing_marker
from churnguard_training.checks.findings import Finding, RowNumbers, counted, problem

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def read_times(
    name: str, cells: Cells, *, rows: RowNumbers
) -> tuple[NDArray[np.datetime64] | None, tuple[Finding, ...]]:
    """Times in seconds; None with the reasons when a row has none that can be read.

    Text is ISO 8601 (``2024-05-31``, ``2024-05-31T12:00:00+02:00``); a time without an offset is taken as UTC.
    """
    if isinstance(cells, NumberCells):
        return None, (
            problem(f"{name}: holds numbers, not times; write them as 2024-05-31 or 2024-05-31T12:00:00"),
        )
    if isinstance(cells, TimeCells):
        seconds, missing = cells.seconds, np.isnat(cells.seconds)
        wrong = np.zeros(len(seconds), dtype=bool)
    else:
        by_text = np.array([*map(_seconds, cells.texts.to_pylist()), "NaT"], dtype="datetime64[s]")
        seconds = by_text[cells.codes]
        missing = (cells.codes < 0) | cells.per_row(is_missing_marker(cells.texts))
        wrong = np.isnat(seconds) & ~missing
    findings = (
        *_found(name, missing, what="without a time", rows=rows),
        *_found(name, wrong, what="not a time in ISO form such as 2024-05-31", rows=rows),
    )
    return (None if findings else seconds), findings


def _seconds(text: str) -> np.datetime64:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return np.datetime64("NaT", "s")
    # Subtracted, not converted: year 1 in an eastern time zone has no UTC date.
    since_epoch = moment.replace(tzinfo=UTC) - _EPOCH - (moment.utcoffset() or timedelta())
    return np.datetime64(since_epoch // timedelta(seconds=1), "s")


def _found(name: str, found: NDArray[np.bool_], *, what: str, rows: RowNumbers) -> tuple[Finding, ...]:
    if not found.any():
        return ()
    return (problem(f"{name}: {counted(int(found.sum()), 'cell')} {what} ({rows.listed(found)})"),)
