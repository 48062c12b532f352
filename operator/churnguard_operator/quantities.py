"""Kubernetes quantities as numbers: the API server writes ``1024Mi`` as ``1Gi``."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

_QUANTITY = re.compile(r"(?P<number>[0-9]+(\.[0-9]+)?)(?P<unit>m|k|Ki|M|Mi|G|Gi)?")
_UNITS: Final = {
    None: Decimal(1),
    "m": Decimal("0.001"),
    "k": Decimal(10**3),
    "Ki": Decimal(2**10),
    "M": Decimal(10**6),
    "Mi": Decimal(2**20),
    "G": Decimal(10**9),
    "Gi": Decimal(2**30),
}


def amount(quantity: object) -> Decimal | None:
    """The amount that a quantity says; None when it is none of those that a ChurnModel may hold."""
    match = _QUANTITY.fullmatch(str(quantity))
    return None if match is None else Decimal(match["number"]) * _UNITS[match["unit"]]
