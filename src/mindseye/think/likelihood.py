"""How unlikely does a model find real pictures that it never saw? For models that give every picture a probability.

No picture is drawn for it and no encoder looks on, so it says nothing of how drawn pictures look. But it cannot be
pleased by a few pretty ones: what a model holds to be impossible costs it dearly (Theis et al. 2016, arXiv 1511.01844).
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence

import numpy as np
from jaxtyping import Float

from mindseye.errors import BadInput
from mindseye.think.figure import Figure, block_numbers, bootstrap_interval, resampled

EXACT, BOUND = "bits_per_dimension", "bits_per_dimension_bound"


def bits_per_dimension(
    bits: Float[np.ndarray, "picture"],
    *,
    numbers: int,
    levels: int,
    exact: bool,
    real_blocks: Sequence[Hashable] | None = None,
) -> Figure:
    """The mean of -log2 p(picture) over the numbers of a picture, "bits_per_dimension"; as an upper bound of it
    "bits_per_dimension_bound".

    Args:
        bits: of each picture, as a whole.
        numbers: in which a picture is written; the dimensions.
        levels: that each of them has; knowing nothing costs log2(levels) bits a dimension.
        exact: whether these are the model's own bits and no bound.
        real_blocks: a label a picture, such as its concept.

    Returns:
        The figure with its bootstrap interval over pictures. It is comparable only with those of pictures that are
        written alike; its encoder says how.

    Raises:
        BadInput: there are no pictures.
    """
    if not len(bits):
        raise BadInput("there are no pictures to be surprised by", next_step="give at least one")
    name = EXACT if exact else BOUND
    per_dimension = np.asarray(bits, np.float64) / numbers
    weights = resampled(block_numbers(real_blocks, len(bits)), 0, name)
    interval = bootstrap_interval(weights @ per_dimension / weights.sum(1), within=(0.0, math.inf))
    return Figure(name, float(per_dimension.mean()), *interval, len(bits), 0, f"{numbers:,} numbers of {levels} levels")
