"""Simulated customers, and their truth, as CSV files."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import IO

from churnguard_simulator.csv_text import customers_header, customers_lines, truth_header, truth_lines
from churnguard_simulator.schema import Customers
from churnguard_simulator.simulation import iter_chunks


def write_customers_csv(chunks: Iterable[Customers], path: Path) -> None:
    """Write customers as a file like IBM's; it appears under its name only when it is complete.

    Args:
        chunks: From :func:`~churnguard_simulator.simulation.iter_chunks`, or ``[simulate(...)]``.
        path: The file, replaced when it exists. Its folder must exist.

    Raises:
        OSError: The file cannot be written; nothing is left behind.
    """
    with _Replacement(path) as file:
        file.write(customers_header())
        for chunk in chunks:
            file.write(customers_lines(chunk))


def write_truth_csv(chunks: Iterable[Customers], path: Path) -> None:
    """Write the truth about customers, one line each in the same order; otherwise as above."""
    with _Replacement(path) as file:
        file.write(truth_header())
        for chunk in chunks:
            file.write(truth_lines(chunk))


def write_csv_files(*, rows: int, seed: int, customers: Path, truth: Path) -> None:
    """Simulate once and write both files, in memory that does not grow with ``rows``.

    Raises:
        ValueError: ``rows`` or ``seed`` is out of bounds, or both paths are the same.
        OSError: A file cannot be written; neither appears.
    """
    if customers.absolute() == truth.absolute():
        raise ValueError(f"customers and truth would both be written to {customers}; name two files")
    chunks = iter_chunks(rows=rows, seed=seed)
    with _Replacement(truth) as truth_file, _Replacement(customers) as customers_file:
        customers_file.write(customers_header())
        truth_file.write(truth_header())
        for chunk in chunks:
            customers_file.write(customers_lines(chunk))
            truth_file.write(truth_lines(chunk))


class _Replacement:
    """A file written aside, put in place on success and removed on failure."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._aside = path.with_name(f".{path.name}.{os.getpid()}.part")

    def __enter__(self) -> IO[bytes]:
        self._file = self._aside.open("wb")
        return self._file

    def __exit__(self, failure: type[BaseException] | None, *_: object) -> None:
        try:
            self._file.close()
            if failure is None:
                os.replace(self._aside, self._path)
        finally:
            self._aside.unlink(missing_ok=True)
