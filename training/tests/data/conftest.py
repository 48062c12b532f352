"""Tables of customers that pass every check, for tests to spoil."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from churnguard_core.churnmodel.types import Allow, Columns, Data, FileSource, Label, Source
from churnguard_training.checks import check_table
from churnguard_training.errors import Refused
from churnguard_training.sources.csv import read_csv

ROWS = 1_200
REPOSITORY = Path(__file__).parents[3]


@pytest.fixture
def customers() -> Callable[..., pa.Table]:
    """A table that passes, with columns replaced or added (None removes one)."""

    def build(rows: int = ROWS, **columns: Any) -> pa.Table:
        random = np.random.default_rng(7)
        left = random.random(rows) < 0.4
        table: dict[str, Any] = {
            "tenure": random.integers(0, 73, rows),
            "charges": np.round(random.normal(70, 20, rows) + 10 * left, 2),
            "contract": np.array(["Month-to-month", "One year"])[(random.random(rows) < 0.5).astype(int)],
            "left": np.where(left, "Yes", "No"),
            **columns,
        }
        return pa.table({name: column for name, column in table.items() if column is not None})

    return build


@pytest.fixture
def spec() -> Callable[..., Data]:
    """What the columns mean; arguments replace or add to it."""

    def build(
        *,
        label: str = "left",
        positive: str = "Yes",
        few_rows: bool = False,
        leaky_columns: tuple[str, ...] = (),
        uri: str = "file:///data/customers.csv",
        **columns: Any,
    ) -> Data:
        return Data(
            source=Source(file=FileSource(uri=uri)),
            columns=Columns(label=Label(name=label, positive=positive), **columns),
            allow=Allow(few_rows=few_rows, leaky_columns=leaky_columns),
        )

    return build


@pytest.fixture
def refusal_of() -> Callable[[pa.Table, Data], Refused]:
    """The refusal of a table, which must be one screen of text."""

    def check(table: pa.Table, data: Data) -> Refused:
        with pytest.raises(Refused) as caught:
            check_table(table, data)
        assert len(caught.value.message.splitlines()) <= 25
        return caught.value

    return check


@pytest.fixture
def csv_of(tmp_path: Path) -> Callable[..., pa.Table]:
    """The table that a CSV file of these bytes is read as, under the name customers.csv."""

    def read(content: bytes, **arguments: Any) -> pa.Table:
        path = tmp_path / "customers.csv"
        path.write_bytes(content)
        return read_csv(path, name="customers.csv", **arguments)

    return read


@pytest.fixture
def development_data() -> Callable[[str], Path]:
    """A file of the real data sets; skips where they are absent."""

    def find(file_name: str) -> Path:
        folder = Path(os.environ.get("CHURNGUARD_TEST_DATA") or REPOSITORY.parent / "shared" / "data")
        if not (folder / file_name).is_file():
            pytest.skip(f"real data set {file_name} is absent; CHURNGUARD_TEST_DATA names its folder")
        return folder / file_name

    return find
