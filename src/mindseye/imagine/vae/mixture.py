"""Better dice: where the codes of the training pictures really lie, as a mixture of Gaussians.

A VAE asks each picture's code to look like N(0, I), and together they still leave holes there, from which it draws
badly. After a training the codes of all training pictures are gathered and a mixture is fitted to them, to draw from
instead; for a plain auto-encoder, which has no prior at all, it is the only dice there are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from mindseye.randomness import rng_at

COMPONENTS = 10
CODES_EACH = 10  # for each dimension of a component, or there are fewer components
ROUNDS = 100
ENOUGH = 1e-4  # nats a code: when a round gains less, the fit is done


@dataclass(frozen=True)
class Mixture:
    """sum_k weight_k N(mean_k, L_k L_k^T)."""

    weights: Float[np.ndarray, "component"]
    means: Float[np.ndarray, "component code"]
    factors: Float[np.ndarray, "component code code"]

    def draw(self, rng: np.random.Generator, temperature: float = 1.0) -> Float[np.ndarray, "code"]:
        """A code: a component by chance, then a point of it; `temperature` scales the spread within the component."""
        component = int(np.searchsorted(np.cumsum(self.weights), rng.random() * self.weights.sum(), side="right"))
        component = min(component, len(self.weights) - 1)
        noise = rng.standard_normal(self.means.shape[1])
        return self.means[component] + temperature * (self.factors[component] @ noise)

    def log_density(self, codes: Float[np.ndarray, "row code"]) -> Float[np.ndarray, "row"]:
        """log p of each code, in nats."""
        return _log_sum(self._joint(codes))

    def _joint(self, codes: NDArray[np.float64]) -> Float[np.ndarray, "row component"]:
        """log (weight_k N(c; mean_k, L_k L_k^T))."""
        parts = np.empty((len(codes), len(self.weights)))
        for k, (weight, mean, factor) in enumerate(zip(self.weights, self.means, self.factors, strict=True)):
            whitened = np.linalg.solve(factor, (codes - mean).T)
            log_scale = np.log(np.diag(factor)).sum() + len(mean) / 2 * np.log(2 * np.pi)
            parts[:, k] = np.log(weight) - log_scale - 0.5 * (whitened**2).sum(0)
        return parts


def fitted(codes: Float[np.ndarray, "row code"], seed: int = 0) -> Mixture:
    """The mixture that makes `codes` likely, by expectation and maximisation (Dempster et al. 1977).

    It has `COMPONENTS` components, or fewer where there are few codes.

    Args:
        codes: one a training picture.
        seed: of the codes that the components begin at.
    """
    codes = np.asarray(codes, np.float64)
    rows, code = codes.shape
    components = int(np.clip(rows // (CODES_EACH * code), 1, COMPONENTS))
    overall = np.cov(codes.T, bias=True).reshape(code, code) + 1e-6 * np.eye(code)
    mixture = Mixture(
        np.full(components, 1 / components),
        _spread(codes, components, rng_at(seed, "mixture")),
        np.broadcast_to(np.linalg.cholesky(overall), (components, code, code)).copy(),
    )
    before = -np.inf
    for _ in range(ROUNDS):
        joint = mixture._joint(codes)
        likelihood = _log_sum(joint)
        mixture = _maximised(codes, np.exp(joint - likelihood[:, None]), overall)
        if likelihood.mean() - before < ENOUGH:
            break
        before = likelihood.mean()
    return mixture


def _maximised(codes: NDArray[np.float64], shares: NDArray[np.float64], overall: NDArray[np.float64]) -> Mixture:
    """Weights, means and covariances, each code counting for a component by its share.

    The covariance of all codes together counts for as many codes as they have dimensions, so that a component of few
    codes stays wide.
    """
    counts = shares.sum(0) + 1e-9
    means = (shares.T @ codes) / counts[:, None]
    factors = np.empty((len(counts), *overall.shape))
    for k, (count, mean) in enumerate(zip(counts, means, strict=True)):
        away = codes - mean
        own = (shares[:, k, None] * away).T @ away / count
        factors[k] = np.linalg.cholesky((count * own + len(mean) * overall) / (count + len(mean)))
    return Mixture(counts / counts.sum(), means, factors)


def _spread(codes: NDArray[np.float64], count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Codes far from each other: each next one by chance, the likelier the farther (Arthur & Vassilvitskii 2007)."""
    chosen = [codes[rng.integers(len(codes))]]
    while len(chosen) < count:
        distance = np.min([((codes - other) ** 2).sum(1) for other in chosen], axis=0)
        total = distance.sum()
        chosen.append(codes[rng.choice(len(codes), p=distance / total)] if total else codes[0])
    return np.stack(chosen)


def _log_sum(logs: NDArray[np.float64]) -> NDArray[np.float64]:
    """log of the sum of exponentials over the last axis."""
    highest = logs.max(-1, keepdims=True)
    total: NDArray[np.float64] = np.log(np.exp(logs - highest).sum(-1)) + highest[..., 0]
    return total
