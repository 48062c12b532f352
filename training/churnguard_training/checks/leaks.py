"""Leaks: a feature that predicts the label alone almost surely was written after the customer left."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from churnguard_scoring.columns import CategoricalColumn, Column
from churnguard_training.checks.counts import FLOOR_CLASS_ROWS
from churnguard_training.checks.findings import Finding, warning
from churnguard_training.checks.grouping import Hashes, mixed

MAX_SINGLE_AUC: Final = 0.95
"""Honest churn models reach 0.85 with all columns together; one column above this is no luck."""

_HALVES_SALT: Final = np.uint64(0x5851F42D4C957F2D)


def leaky_columns(
    features: Mapping[str, Column], label: NDArray[np.uint8], *, groups: Hashes, allowed: Collection[str]
) -> tuple[Finding, ...]:
    """A refusal for each feature whose ROC AUC alone, in either direction, is above 0.95; a warning when allowed."""
    if min(np.count_nonzero(label), np.count_nonzero(label == 0)) < FLOOR_CLASS_ROWS:
        return ()  # of so few rows, a random column tells some apart; their number is refused anyway
    first_half = (mixed(groups ^ _HALVES_SALT) & np.uint64(1)).astype(bool)
    findings = []
    for name, column in features.items():
        auc = single_auc(column, label, first_half=first_half)
        if auc > MAX_SINGLE_AUC:
            findings.append(_finding(name, auc, is_allowed=name in allowed))
    return tuple(findings)


def single_auc(column: Column, label: NDArray[np.uint8], *, first_half: NDArray[np.bool_]) -> float:
    """How well one feature alone ranks the label, from 0.5 up; 0.5 when a class is absent."""
    if isinstance(column, CategoricalColumn):
        return _category_auc(column, label, first_half=first_half)
    return _numeric_auc(column.values, label)


def auc_of_counts(positive: NDArray[np.float64], negative: NDArray[np.float64]) -> float:
    """ROC AUC when rows are ranked in tied groups, from the group least likely to be positive; ties count half.

    Args:
        positive: Positive rows per group, shape (groups,).
        negative: Negative rows per group, shape (groups,).
    """
    pairs = positive.sum() * negative.sum()
    if pairs == 0:
        return 0.5
    below = np.cumsum(negative) - negative
    return float((positive * (below + negative / 2)).sum() / pairs)


def _numeric_auc(values: NDArray[np.float64], label: NDArray[np.uint8]) -> float:
    """Missing values are a group of their own, at whichever end of the ranking says more."""
    missing = np.isnan(values)
    positive, negative = _counts_by_value(values[~missing], label[~missing])
    missing_positive = float(np.count_nonzero(label[missing]))
    missing_negative = float(np.count_nonzero(missing)) - missing_positive
    aucs = (
        auc_of_counts(np.append(missing_positive, positive), np.append(missing_negative, negative)),
        auc_of_counts(np.append(positive, missing_positive), np.append(negative, missing_negative)),
    )
    return max(max(auc, 1 - auc) for auc in aucs)


def _counts_by_value(
    values: NDArray[np.float64], label: NDArray[np.uint8]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Positive and negative rows of each distinct value, in its order."""
    if not len(values):
        return np.zeros(0), np.zeros(0)
    order = np.argsort(values)
    ordered = values[order]
    starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
    positive = np.add.reduceat(label[order].astype(np.float64), starts)
    return positive, np.diff(np.append(starts, len(values))) - positive


def _category_auc(
    column: CategoricalColumn, label: NDArray[np.uint8], *, first_half: NDArray[np.bool_]
) -> float:
    """Rates are learnt on one half and ranked on the other, so that many small categories do not look like a leak."""
    codes, kinds = column.codes + 1, len(column.categories) + 1
    rows = np.bincount(codes[first_half], minlength=kinds)
    left = np.bincount(codes[first_half & (label == 1)], minlength=kinds)
    prevalence = left.sum() / max(1, rows.sum())
    # Categories of one rate are tied, above all those that the first half has not seen.
    rates, rank = np.unique((left + prevalence) / (rows + 1), return_inverse=True)
    ranks = rank[codes]
    judged = ~first_half
    positive = np.bincount(ranks[judged & (label == 1)], minlength=len(rates))
    negative = np.bincount(ranks[judged & (label == 0)], minlength=len(rates))
    return auc_of_counts(positive.astype(np.float64), negative.astype(np.float64))


def _finding(name: str, auc: float, *, is_allowed: bool) -> Finding:
    text = f"{name}: predicts the label alone with ROC AUC {auc:.3f}"
    if is_allowed:
        return warning(f"{text}; accepted by allow.leakyColumns")
    return Finding(f"{text}, above {MAX_SINGLE_AUC}; is it known before a customer leaves?", "LeakyColumns")
