"""What extra examples are like, apart from whether they help: enough to learn from alone, of their class, no copies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from mindseye.think.few_shot.arms import Extra, Task
from mindseye.think.few_shot.classifier import accuracy, fit, minimised
from mindseye.think.few_shot.episodes import Episode, Pool
from mindseye.think.few_shot.space import unit

COPY_QUANTILE = 0.99


@dataclass(frozen=True)
class Judge:
    """What all real pictures of a pool say of its concepts. It judges extra examples and takes part in no arm.

    Attributes:
        weights: of the classifier fitted on all pictures of all concepts.
        copy_cosine: 99 of 100 pairs of different real pictures of one concept are less alike.
    """

    weights: Float[np.ndarray, "width concept"]
    copy_cosine: float


def judge_of(pool: Pool) -> Judge:
    """The judge of a pool, in which some concept has two pictures."""
    rows = unit(np.concatenate([pool.features[members] for members in pool.members]))
    counts = [len(members) for members in pool.members]
    targets = np.repeat(np.eye(len(counts), dtype=np.float32), counts, axis=0)
    weights = np.repeat(1 / (len(counts) * np.array(counts, np.float32)), counts)
    alike = []
    for members in pool.members:
        seen = unit(pool.features[members])
        alike.append((seen @ seen.T)[np.triu_indices(len(seen), 1)])
    return Judge(minimised(rows, targets, weights), float(np.quantile(np.concatenate(alike), COPY_QUANTILE)))


def about_extra(extra: Extra, task: Task, episode: Episode, pool: Pool, judge: Judge) -> dict[str, float]:
    """Three figures of one episode's extra examples.

    Returns:
        alone: the accuracy of a classifier that has seen nothing but them (Ravuri and Vinyals 2019); of their class:
        the share that the judge, asked about the concepts of the episode, puts where they stand; copies: the share
        that is more like a picture shown than the judge's bound.
    """
    scores = extra.rows @ judge.weights[:, episode.concepts]
    near = np.einsum("wcd,wsd->wcs", unit(extra.rows), unit(task.support)).max(2)
    return {
        "alone": accuracy(fit(task.support, extra, share=1.0), pool, episode),
        "of_their_class": float((scores.argmax(2) == extra.targets.argmax(2)).mean()),
        "copies": float((near > judge.copy_cosine).mean()),
    }
