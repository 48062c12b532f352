"""From a ChurnModel's source to a table, whatever the source is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pyarrow as pa

from churnguard_core.churnmodel.types import Data, FileSource
from churnguard_training.checks.origin import Origin, with_origin
from churnguard_training.errors import Refused
from churnguard_training.sources.csv import read_csv
from churnguard_training.sources.parquet import read_parquet
from churnguard_training.sources.simulated import read_simulated

Fetch: TypeAlias = Callable[[str], Path]
"""Local file of an address (``file://``, ``pvc://``, ``s3://``)."""

Query: TypeAlias = Callable[[str], pa.Table]
"""Rows of a SQL query."""


def read(data: Data, *, fetch: Fetch, query: Query) -> pa.Table:
    """Read the customers of a ChurnModel; their types are not decided here.

    Args:
        data: Which source, and which columns are never used.
        fetch: Gives the local file of an address.
        query: Runs a query on the source's database.

    Raises:
        Refused: SourceUnreadable, MalformedData or InvalidSpec.
    """
    source = data.source
    if source.simulator is not None:
        return read_simulated(source.simulator)
    if source.file is not None:
        return _read_file(source.file, data=data, fetch=fetch)
    if source.postgres is not None:
        return with_origin(query(source.postgres.query), Origin(name="the query's result"))
    raise Refused(reason="InvalidSpec", problems=["spec.data.source: names no source"])


def _read_file(file: FileSource, *, data: Data, fetch: Fetch) -> pa.Table:
    suffix = file.uri.lower()
    if suffix.endswith((".csv", ".csv.gz")):
        return read_csv(fetch(file.uri), name=file.uri)
    if suffix.endswith(".parquet"):
        return read_parquet(fetch(file.uri), name=file.uri, exclude=data.columns.exclude)
    raise Refused(
        reason="InvalidSpec",
        problems=[f"spec.data.source.file.uri: {file.uri} ends in none of .csv, .csv.gz and .parquet"],
    )
