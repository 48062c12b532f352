"""CSV files: what is written is what was simulated, completely or not at all."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from churnguard_simulator import (
    CHUNK_ROWS,
    COLUMN_ORDER,
    Categorical,
    Customers,
    iter_chunks,
    simulate,
    write_csv_files,
    write_customers_csv,
    write_truth_csv,
)
from churnguard_simulator.csv_text import TRUTH_HEADER

ROWS = CHUNK_ROWS + 4000


def read(path: Path) -> dict[str, list[str]]:
    with path.open(newline="", encoding="ascii") as file:
        header, *rows = csv.reader(file)
    return {name: list(cells) for name, cells in zip(header, zip(*rows, strict=True), strict=True)}


def test_customers_come_back_exactly_as_simulated(tmp_path: Path) -> None:
    write_customers_csv(iter_chunks(rows=ROWS, seed=11), tmp_path / "customers.csv")
    cells, simulated = read(tmp_path / "customers.csv"), simulate(rows=ROWS, seed=11)

    assert tuple(cells) == COLUMN_ORDER
    assert cells["customerID"] == [identifier.decode() for identifier in simulated.identifiers().tolist()]
    for name, column in simulated.columns.items():
        if isinstance(column, Categorical):
            assert cells[name] == [column.categories[code] for code in column.codes], name
    for name in ("tenure", "MonthlyCharges", "TotalCharges"):
        numbers = [float(cell) if cell != " " else np.nan for cell in cells[name]]
        np.testing.assert_array_equal(numbers, simulated.numeric(name), err_msg=name)


def test_cells_are_written_the_way_the_real_file_writes_them(
    telco: dict[str, list[str]], tmp_path: Path
) -> None:
    write_customers_csv(iter_chunks(rows=ROWS, seed=11), tmp_path / "customers.csv")
    patterns = {
        "customerID": r"\d{4}-[A-Z]{5}",
        "tenure": r"0|[1-9]\d?",
        "MonthlyCharges": r"[1-9]\d{1,2}(\.\d?[1-9])?",
        "TotalCharges": r" |[1-9]\d{1,3}(\.\d?[1-9])?",
    }

    for cells in (read(tmp_path / "customers.csv"), telco):
        for name, pattern in patterns.items():
            assert [cell for cell in cells[name] if not re.fullmatch(pattern, cell)] == []
        assert {
            tenure
            for tenure, total in zip(cells["tenure"], cells["TotalCharges"], strict=True)
            if total == " "
        } == {"0"}


def test_the_truth_comes_back_to_six_decimals_in_the_same_order(tmp_path: Path) -> None:
    write_truth_csv(iter_chunks(rows=ROWS, seed=11), tmp_path / "truth.csv")
    cells, simulated = read(tmp_path / "truth.csv"), simulate(rows=ROWS, seed=11)
    truth = simulated.truth
    numbers = {name: np.array(column, dtype=float) for name, column in cells.items() if name != "customerID"}

    assert tuple(cells) == TRUTH_HEADER
    assert cells["customerID"] == [identifier.decode() for identifier in simulated.identifiers().tolist()]
    np.testing.assert_allclose(numbers["true_risk"], truth.true_risk, atol=5.1e-7)
    np.testing.assert_allclose(numbers["offer_effect"], truth.offer_effect, atol=5.1e-7)
    np.testing.assert_allclose(numbers["baseline"], truth.baseline, atol=5.1e-7)
    for name, part in truth.contributions.items():
        np.testing.assert_allclose(numbers[f"contribution:{name}"], part, atol=5.1e-7)


def test_both_files_of_one_simulation_are_those_written_apart(tmp_path: Path) -> None:
    write_csv_files(rows=ROWS, seed=5, customers=tmp_path / "customers.csv", truth=tmp_path / "truth.csv")
    write_customers_csv([simulate(rows=ROWS, seed=5)], tmp_path / "customers_apart.csv")
    write_truth_csv([simulate(rows=ROWS, seed=5)], tmp_path / "truth_apart.csv")

    assert (tmp_path / "customers.csv").read_bytes() == (tmp_path / "customers_apart.csv").read_bytes()
    assert (tmp_path / "truth.csv").read_bytes() == (tmp_path / "truth_apart.csv").read_bytes()


def test_nothing_of_the_truth_is_in_the_customers_file(tmp_path: Path) -> None:
    write_csv_files(rows=10, seed=5, customers=tmp_path / "customers.csv", truth=tmp_path / "truth.csv")

    assert set(read(tmp_path / "customers.csv")) & set(read(tmp_path / "truth.csv")) == {"customerID"}


def test_an_interrupted_writer_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    def interrupted() -> Iterator[Customers]:
        yield simulate(rows=10, seed=1)
        raise KeyboardInterrupt

    path = tmp_path / "customers.csv"
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt):
        write_customers_csv(interrupted(), path)

    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_complete_file_replaces_an_old_one(tmp_path: Path) -> None:
    path = tmp_path / "customers.csv"
    path.write_text("old")
    write_customers_csv(iter_chunks(rows=3, seed=1), path)

    assert len(path.read_text().splitlines()) == 4


def test_neither_file_appears_when_one_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_csv_files(
            rows=3, seed=1, customers=tmp_path / "absent" / "customers.csv", truth=tmp_path / "truth.csv"
        )

    assert list(tmp_path.iterdir()) == []


def test_one_path_for_both_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="name two files"):
        write_csv_files(rows=3, seed=1, customers=tmp_path / "same.csv", truth=tmp_path / "same.csv")


def test_bounds_are_checked_before_a_file_is_touched(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="rows must be from 1"):
        write_csv_files(rows=0, seed=1, customers=tmp_path / "customers.csv", truth=tmp_path / "truth.csv")

    assert list(tmp_path.iterdir()) == []
