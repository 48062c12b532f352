"""Fixtures of the simulator's tests: one large simulation, and IBM's file where it is present."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest

from churnguard_simulator import Customers, simulate


@pytest.fixture(scope="session")
def customers() -> Customers:
    return simulate(rows=100_000, seed=7)


@pytest.fixture(scope="session")
def telco() -> dict[str, list[str]]:
    """IBM's customers: cells by column."""
    default = Path(__file__).parents[2] / ".." / "shared" / "data"
    path = Path(os.environ.get("CHURNGUARD_TEST_DATA", default)) / "telco_churn.csv"
    if not path.is_file():
        pytest.skip(
            "telco_churn.csv is absent; put it into ../shared/data or name its folder in CHURNGUARD_TEST_DATA"
        )
    with path.open(newline="") as file:
        header, *rows = csv.reader(file)
    return {name: list(cells) for name, cells in zip(header, zip(*rows, strict=True), strict=True)}
