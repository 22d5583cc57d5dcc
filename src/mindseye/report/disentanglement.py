"""Does each dimension of a code hold one thing? Figures for pictures whose truth is known, made of independent factors.

Without such truth nobody can say, and with it the seed of a training decides as much as its objective (Locatello et al.
2019): report several seeds.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from mindseye.errors import BadInput

BINS = 20  # of equal width, from the least to the greatest value of a dimension


def mutual_information_gap(
    codes: Float[np.ndarray, "picture code"], factors: Int[np.ndarray, "picture factor"]
) -> float:
    """MIG: mean over factors of (I(c_first; v) - I(c_second; v)) / H(v) (Chen et al. 2018, Eq. 6).

    First and second are the two dimensions that say most of the factor: 1 where a single one says all, 0 where two say
    the same, or none anything.

    Args:
        codes: the means of the posteriors, for some thousands of pictures.
        factors: what is true of each picture, as numbers of classes.

    Raises:
        BadInput: a factor never changes, so that nothing can be said of it.
    """
    binned = np.stack([_binned(dimension) for dimension in codes.T], axis=1)
    gaps = []
    for number, truth in enumerate(factors.T):
        entropy = _entropy(np.unique(truth, return_counts=True)[1])
        if entropy == 0:
            raise BadInput(f"factor {number} has one value in all pictures", next_step="leave it out")
        known = sorted((_information(dimension, truth) for dimension in binned.T), reverse=True)
        gaps.append((known[0] - (known[1] if len(known) > 1 else 0.0)) / entropy)
    return float(np.mean(gaps))


def disentanglement(importance: Float[np.ndarray, "code factor"]) -> float:
    """D of DCI: how far each dimension serves one factor only (Eastwood & Williams 2018, section 2).

    sum_i rho_i (1 - H_K(P_i)), with P_ij the share of factor j in what dimension i serves for, the entropy to the base
    of the number of factors, and rho_i the share of the dimension in all importance.

    Args:
        importance: how much each dimension counts where each factor is predicted from the code, by any model that says
            so; at least 0. Nothing anywhere gives 0.
    """
    total = importance.sum()
    if total == 0 or importance.shape[1] < 2:
        return 0.0
    weights = importance.sum(1) / total
    serves = importance / np.where(weights > 0, importance.sum(1), 1)[:, None]
    return float(sum(weight * (1 - _entropy(row, base=len(row))) for weight, row in zip(weights, serves, strict=True)))


def completeness(importance: Float[np.ndarray, "code factor"]) -> float:
    """C of DCI: how far each factor is served by one dimension only; as `disentanglement`, with the roles exchanged."""
    return disentanglement(importance.T)


def _binned(values: Float[np.ndarray, "picture"]) -> NDArray[np.int64]:
    """The bin of each value."""
    edges = np.linspace(values.min(), values.max(), BINS + 1)[1:-1]
    bins: NDArray[np.int64] = np.digitize(values, edges)
    return bins


def _information(one: NDArray[np.int64], other: NDArray[np.int64]) -> float:
    """I(one; other) = H(one) + H(other) - H(both), in nats."""
    joint = np.unique(np.stack([one, other]), axis=1, return_counts=True)[1]
    alone = [_entropy(np.unique(values, return_counts=True)[1]) for values in (one, other)]
    return max(0.0, sum(alone) - _entropy(joint))


def _entropy(counts: NDArray[np.int64] | NDArray[np.float64], base: float = np.e) -> float:
    """- sum p log p of counts or shares."""
    total = counts.sum()
    shares = counts[counts > 0] / total if total else counts[:0]
    return float(-(shares * np.log(shares)).sum() / np.log(base)) + 0.0
