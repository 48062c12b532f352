from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]


@pytest.fixture(autouse=True)
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_customers_are_written(churnguard: Run) -> None:
    outcome = churnguard("seed", "--rows", "1200", "--seed", "3", "--output", "customers.csv")
    assert (outcome.code, outcome.out, outcome.err) == (0, "customers.csv: 1,200 customers\n", "")
    lines = Path("customers.csv").read_text().splitlines()
    assert len(lines) == 1201
    assert lines[0].startswith("customerID,gender,")


def test_the_truth_goes_to_a_file_of_its_own(churnguard: Run) -> None:
    churnguard("seed", "--rows", "50", "--output", "alone.csv")
    outcome = churnguard("seed", "--rows", "50", "--output", "customers.csv", "--truth", "truth.csv")
    assert outcome.out == "customers.csv: 50 customers\ntruth.csv: the truth about them\n"
    assert len(Path("truth.csv").read_text().splitlines()) == 51
    assert Path("alone.csv").read_bytes() == Path("customers.csv").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--rows", "0", "--output", "c.csv"], "error: rows must be from 1 to 10000000, not 0\n"),
        (["--seed", "-1", "--output", "c.csv"], "error: seed must be"),
        (["--output", "no/such/folder.csv"], "error: no/such/folder.csv: No such file or directory\n"),
        (
            ["--output", "c.csv", "--truth", "c.csv"],
            "error: customers and truth would both be written to c.csv",
        ),
        (["--rows", "many", "--output", "c.csv"], "'many' is not a valid integer"),
        ([], "Missing option '--output'"),
    ],
)
def test_wrong_arguments_are_refused_and_nothing_is_written(
    churnguard: Run, arguments: list[str], problem: str
) -> None:
    outcome = churnguard("seed", *arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert problem in outcome.err
    assert list(Path().iterdir()) == []
