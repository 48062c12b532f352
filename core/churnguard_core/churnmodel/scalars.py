"""Texts and choices that several parts of a ChurnModel use, and the base of those parts.

``Meta(extra={"expected": ...})`` says in words what a pattern wants: people see it instead of the pattern.
Patterns are anchored and mean the same to Python's ``re`` and to the API server's RE2.
Fractions are strings, as Kubernetes asks: floats do not survive every client unchanged.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

Fraction = Annotated[
    str,
    Meta(
        pattern=r"^(0(\.[0-9]{1,6})?|1(\.0{1,6})?)$",
        max_length=8,
        extra={"expected": 'a fraction from 0 to 1 with at most 6 decimals, such as "0.80"'},
    ),
]
Number = Annotated[
    str,
    Meta(
        pattern=r"^-?[0-9]{1,9}(\.[0-9]{1,6})?$",
        max_length=17,
        extra={"expected": 'a decimal number with at most 6 decimals, such as "0.01"'},
    ),
]
ColumnName = Annotated[str, Meta(min_length=1, max_length=128)]
SecretName = Annotated[
    str,
    Meta(
        pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$",
        min_length=1,
        max_length=253,
        extra={"expected": "the name of a Secret: lower-case letters, digits, `-` and `.`"},
    ),
]
Quantity = Annotated[
    str,
    Meta(
        pattern=r"^[0-9]{1,9}(\.[0-9]{1,3})?(m|k|Ki|M|Mi|G|Gi)?$",
        max_length=16,
        extra={"expected": 'a Kubernetes quantity, such as "500m" or "2Gi"'},
    ),
]

Algorithm = Literal["XGBoost", "LogisticRegression", "RandomForest", "SVM"]
Balancing = Literal["None", "ClassWeight", "SMOTE"]
ColumnType = Literal["numeric", "categorical", "boolean"]
Metric = Literal[
    "rocAuc", "prAuc", "logLoss", "brier", "ece", "f1", "f1Tuned", "precisionTopDecile", "liftTopDecile"
]


class Part(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel", omit_defaults=True):
    """A part of a ChurnModel: immutable, closed, camelCase outside."""


class Resources(Part, frozen=True, kw_only=True):
    """Resources of one pod; empty fields take measured defaults."""

    cpu: Annotated[Quantity | None, Meta(description="CPU request, such as `500m`.")] = None
    memory: Annotated[Quantity | None, Meta(description="Memory request and limit, such as `1Gi`.")] = None
