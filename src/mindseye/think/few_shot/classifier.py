"""The one classifier of all arms: multinomial logistic regression on features of length 1, in a fixed number of steps.

It minimises the weighted cross-entropy plus RIDGE / 2 |W|^2. Pictures shown have together the weight 1 - share, extra
examples the weight share, whatever their numbers, so that no arm gains by sheer mass.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from mindseye.think.few_shot.arms import Extra, of_own_concept
from mindseye.think.few_shot.episodes import Episode, Pool
from mindseye.think.few_shot.space import Values, unit

RIDGE = 1e-2
STEPS = 60


def fit(
    support: Float[np.ndarray, "*episode way shot width"],
    extra: Extra | None = None,
    share: float = 0.0,
) -> Float[np.ndarray, "*episode width way"]:
    """The weights W: a picture x is of the concept with the largest entry of x W. Episodes are fitted side by side.

    Args:
        support: what is shown.
        extra: what an arm adds to it.
        share: the weight of what is added, 0 to 1.
    """
    shown = of_own_concept(support)
    parts = [(shown, 1.0)] if extra is None else [(shown, 1 - share), (extra, share)]
    counts = [part.rows.shape[-3] * part.rows.shape[-2] for part, _ in parts]
    rows = np.concatenate([_flat(part.rows) for part, _ in parts], axis=-2)
    targets = np.concatenate([_flat(part.targets) for part, _ in parts], axis=-2)
    weights = np.repeat([weight / count for (_, weight), count in zip(parts, counts, strict=True)], counts)
    return minimised(unit(rows), targets, weights.astype(np.float32))


def _flat(rows: Float[np.ndarray, "*episode way count width"]) -> Float[np.ndarray, "*episode row width"]:
    return rows.reshape(*rows.shape[:-3], -1, rows.shape[-1])


def minimised(
    rows: Float[np.ndarray, "*episode row width"],
    targets: Float[np.ndarray, "*episode row way"],
    weights: Float[np.ndarray, "row"],
) -> Float[np.ndarray, "*episode width way"]:
    """W after `STEPS` steps of Nesterov's method from zero.

    For rows of length 1 and weights that sum to 1 the gradient is Lipschitz with L = 1/2 + RIDGE and the objective
    strongly convex with RIDGE; so the step is 1/L and the momentum (1 - q) / (1 + q), q = (RIDGE / L)^(1/2).
    """
    lipschitz = 0.5 + RIDGE
    q = (RIDGE / lipschitz) ** 0.5
    across = rows.swapaxes(-1, -2)
    now = ahead = np.zeros((*across.shape[:-1], targets.shape[-1]), np.float32)
    for _ in range(STEPS):
        scores = rows @ ahead
        odds = np.exp(scores - scores.max(-1, keepdims=True))
        apart = odds / odds.sum(-1, keepdims=True) - targets
        gradient = across @ (weights[:, None] * apart) + RIDGE * ahead
        before, now = now, ahead - gradient / lipschitz
        ahead = now + (1 - q) / (1 + q) * (now - before)
    result: Values = now.astype(np.float32)
    return result


def accuracy(weights: Float[np.ndarray, "width way"], pool: Pool, episode: Episode) -> float:
    """The share of what is asked about that is recognised: the mean over the concepts of the episode."""
    right = [
        float(((pool.features[rows] @ weights).argmax(1) == concept).mean())
        for concept, rows in enumerate(episode.queries)
    ]
    return float(np.mean(right))
