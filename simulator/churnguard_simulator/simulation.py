"""Any number of customers, chunk by chunk."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import numpy as np

from churnguard_simulator.identifiers import identifiers
from churnguard_simulator.process import churn_column, customers_without_churn, uniform_draws
from churnguard_simulator.risk import truth_of
from churnguard_simulator.schema import Categorical, Customers, Floats, SimulatedColumn, Truth

CHUNK_ROWS: Final = 16_384
"""Rows that share one random stream; part of the process, since another size gives other customers."""

MAX_ROWS: Final = 10_000_000
MAX_SEED: Final = 2**31 - 1


def simulate(*, rows: int, seed: int) -> Customers:
    """Simulate customers and their truth, all in memory (about 160 bytes a row, twice that meanwhile).

    Deterministic: row ``i`` depends on ``seed`` and ``i`` alone, so fewer rows are a prefix of more rows.

    Args:
        rows: How many, 1 to ``MAX_ROWS``.
        seed: 0 to ``MAX_SEED``.

    Raises:
        ValueError: A bound is not met; names every argument at fault.
    """
    return _concatenate(list(iter_chunks(rows=rows, seed=seed)))


def iter_chunks(*, rows: int, seed: int) -> Iterator[Customers]:
    """The same customers as :func:`simulate`, at most ``CHUNK_ROWS`` at a time, in bounded memory.

    Raises:
        ValueError: A bound is not met; raised by the call, not by the first iteration.
    """
    _check(rows=rows, seed=seed)
    starts = range(0, rows, CHUNK_ROWS)
    return (_head(_chunk(start=start, seed=seed), rows=rows - start) for start in starts)


def _check(*, rows: int, seed: int) -> None:
    problems = []
    for name, value, low, high in (("rows", rows, 1, MAX_ROWS), ("seed", seed, 0, MAX_SEED)):
        if isinstance(value, bool) or not hasattr(value, "__index__"):
            problems.append(f"{name} must be a whole number from {low} to {high}, not {type(value).__name__}")
        elif not low <= operator.index(value) <= high:
            problems.append(f"{name} must be from {low} to {high}, not {value}")
    if problems:
        raise ValueError("; ".join(problems))


def _chunk(*, start: int, seed: int) -> Customers:
    """A whole chunk, however many of its rows are wanted: that keeps rows independent of the row count."""
    stream = np.random.SeedSequence(seed, spawn_key=(start // CHUNK_ROWS,))
    draws = uniform_draws(generator=np.random.Generator(np.random.PCG64(stream)), rows=CHUNK_ROWS)
    rows = np.arange(start, start + CHUNK_ROWS, dtype=np.uint64)
    columns = customers_without_churn(draws=draws, identifiers=identifiers(rows=rows, seed=seed))
    truth = truth_of(columns)
    return Customers(
        columns={**columns, "Churn": churn_column(draws=draws, true_risk=truth.true_risk)}, truth=truth
    )


def _head(customers: Customers, *, rows: int) -> Customers:
    if rows >= len(customers):
        return customers
    truth = customers.truth
    return Customers(
        columns={
            name: Categorical(column.codes[:rows], column.categories)
            if isinstance(column, Categorical)
            else column[:rows]
            for name, column in customers.columns.items()
        },
        truth=Truth(
            true_risk=truth.true_risk[:rows],
            offer_effect=truth.offer_effect[:rows],
            baseline=truth.baseline,
            contributions={name: part[:rows] for name, part in truth.contributions.items()},
        ),
    )


def _concatenate(chunks: Sequence[Customers]) -> Customers:
    truths = [chunk.truth for chunk in chunks]
    first = chunks[0]
    return Customers(
        columns={name: _join([chunk.columns[name] for chunk in chunks]) for name in first.columns},
        truth=Truth(
            true_risk=np.concatenate([truth.true_risk for truth in truths]),
            offer_effect=np.concatenate([truth.offer_effect for truth in truths]),
            baseline=first.truth.baseline,
            contributions=_join_parts([truth.contributions for truth in truths]),
        ),
    )


def _join(parts: Sequence[SimulatedColumn]) -> SimulatedColumn:
    categorical = [part for part in parts if isinstance(part, Categorical)]
    if categorical:
        return Categorical(np.concatenate([part.codes for part in categorical]), categorical[0].categories)
    return np.concatenate([part for part in parts if not isinstance(part, Categorical)])


def _join_parts(parts: Sequence[Mapping[str, Floats]]) -> dict[str, Floats]:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
