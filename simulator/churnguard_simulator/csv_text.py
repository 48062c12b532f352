"""Customers and their truth as lines of CSV, as fast as numpy copies bytes.

A chunk becomes one structured array: every cell is one or more fixed-width fields, filled at once by
looking up ready-made texts and padded with NUL; dropping every NUL leaves the lines. No cell is ever a
Python object.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from churnguard_simulator.drivers import DRIVERS
from churnguard_simulator.equations import MAX_TENURE
from churnguard_simulator.schema import COLUMN_ORDER, Categorical, Customers, Floats

Texts: TypeAlias = NDArray[np.bytes_]

TRUTH_HEADER: Final = (
    "customerID",
    "true_risk",
    "offer_effect",
    "baseline",
    *(f"contribution:{name}" for name in DRIVERS),
)
"""Columns of a truth file; ``contribution:<column>`` is that driver's part of the log-odds."""

_LARGEST_MONEY: Final = 20_000
_CENTS: Final = 100
_MICRO: Final = 1_000_000

_COMMA: Final = np.array(b",")
_POINT: Final = np.array(b".")
_NEWLINE: Final = np.array(b"\n")
_MINUS: Final = np.array([b"", b"-"])
_MONTHS: Final = np.arange(MAX_TENURE + 1).astype("S2")
_WHOLE: Final = np.arange(_LARGEST_MONEY).astype("S5")
_CENT_DIGITS: Final = np.array(
    [f"{cents / _CENTS:.2f}"[1:].rstrip("0").rstrip(".").encode() for cents in range(_CENTS)]
)
_THREE_DIGITS: Final = np.array([f"{number:03d}".encode() for number in range(1000)])


def customers_header() -> bytes:
    """The first line of IBM's file."""
    return _header(COLUMN_ORDER)


def customers_lines(customers: Customers) -> bytes:
    """Lines as in IBM's file: money without trailing zeros, one blank where nothing was billed yet."""
    return _lines([_cell(customers, name) for name in COLUMN_ORDER])


def truth_header() -> bytes:
    """The first line of a truth file."""
    return _header(TRUTH_HEADER)


def truth_lines(customers: Customers) -> bytes:
    """The truth to six decimals, one line per customer, in the customers' order."""
    truth = customers.truth
    baseline = np.full(len(customers), truth.baseline)
    numbers = (
        truth.true_risk,
        truth.offer_effect,
        baseline,
        *(truth.contributions[name] for name in DRIVERS),
    )
    return _lines([[customers.identifiers()], *(_decimal(values) for values in numbers)])


def _header(names: Sequence[str]) -> bytes:
    return ",".join(names).encode() + b"\n"


def _cell(customers: Customers, name: str) -> list[Texts]:
    """Texts that make up a column's cells, side by side."""
    column = customers.columns[name]
    if isinstance(column, Categorical):
        return [np.array([category.encode() for category in column.categories])[column.codes]]
    if name == "customerID":
        return [customers.identifiers()]
    values = customers.numeric(name)
    return [_MONTHS[values.astype(np.intp)]] if name == "tenure" else _money(values)


def _money(amounts: Floats) -> list[Texts]:
    missing = np.isnan(amounts)
    cents = np.rint(np.where(missing, 0.0, amounts) * _CENTS).astype(np.intp)
    whole, fraction = np.divmod(cents, _CENTS)
    return [np.where(missing, b" ", _WHOLE[whole]), _CENT_DIGITS[fraction]]


def _decimal(values: Floats) -> list[Texts]:
    """Fixed-point text with six decimals; values are below 1000 in size."""
    micro = np.rint(values * _MICRO).astype(np.int64)
    whole, fraction = np.divmod(np.abs(micro), _MICRO)
    high, low = np.divmod(fraction, 1000)
    return [
        _MINUS[(micro < 0).astype(np.intp)],
        _WHOLE[whole],
        _POINT,
        _THREE_DIGITS[high],
        _THREE_DIGITS[low],
    ]


def _lines(cells: Sequence[Sequence[Texts]]) -> bytes:
    parts = [*[part for cell in cells for part in (*cell, _COMMA)][:-1], _NEWLINE]
    rows = max(part.size for part in parts)
    table = np.empty(rows, dtype=[(f"part{number}", part.dtype) for number, part in enumerate(parts)])
    for number, part in enumerate(parts):
        table[f"part{number}"] = part
    return table.tobytes().translate(None, b"\0")
