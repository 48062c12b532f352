"""Exact path-dependent Shapley values of single leaves.

For a leaf whose path tests m features, the value of a coalition S is ``value * prod(o_j for j in S) *
prod(z_j for j not in S)``: o_j is 1 when the record meets j's conditions, z_j is the share of training weight that
does (Lundberg, Erion, Lee 2018, "Consistent individualized feature attribution for tree ensembles", path-dependent
TreeSHAP). Then

    phi_i = value (o_i - z_i) sum_s  s! (m - s - 1)! / m!  e_s

with e_s the coefficient of t^s in ``prod_{j != i} (z_j + o_j t)``. It depends on the record only through the bits o:
2^m patterns, all computed here.
"""

from __future__ import annotations

from math import factorial

import numpy as np
from numpy.typing import NDArray


def leaf_shapley(*, values: NDArray[np.float64], ratios: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shapley values of leaves with the same number of features, for every pattern.

    Args:
        values: Leaf values, shape (leaves,).
        ratios: z, shape (leaves, m).

    Returns:
        Array of shape (leaves, 2^m, m); bit j of the pattern says that feature j's conditions are met.
    """
    leaves, m = ratios.shape
    met = (np.arange(2**m)[:, None] >> np.arange(m) & 1).astype(np.float64)
    weights = np.array([factorial(s) * factorial(m - s - 1) / factorial(m) for s in range(m)])
    phi = np.empty((leaves, 2**m, m))
    for i in range(m):
        others = [j for j in range(m) if j != i]
        coefficients = _product(ratios[:, others], met[:, others])
        phi[:, :, i] = (met[:, i] - ratios[:, i, None]) * (coefficients @ weights) * values[:, None]
    return phi


def _product(ratios: NDArray[np.float64], met: NDArray[np.float64]) -> NDArray[np.float64]:
    """Coefficients of ``prod_j (z_j + o_j t)``: shape (leaves, patterns, factors + 1)."""
    factors = ratios.shape[1]
    coefficients = np.zeros((ratios.shape[0], met.shape[0], factors + 1))
    coefficients[:, :, 0] = 1.0
    for j in range(factors):
        shifted = np.zeros_like(coefficients)
        shifted[:, :, 1:] = coefficients[:, :, :-1] * met[:, j, None]
        coefficients = coefficients * ratios[:, j, None, None] + shifted
    return coefficients
