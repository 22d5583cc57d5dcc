"""The memorisation clock: does a training begin to give back what it was shown?

Good pictures come after a time that hardly depends on how many there are to learn from, copies after one that grows
with their number (Bonnaire et al. 2025, arXiv 2505.17638). So what has few pictures is to end between the two, and the
sample sheet, which is drawn every few minutes anyway, tells when: by the copies on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mindseye.collection.cleaning import Looks, looks
from mindseye.collection.collection import Split
from mindseye.think.copies import memorised, nearest_by_pixels
from mindseye.think.figure import share_interval

MOST = 3000  # training pictures: more are not learnt by heart in hours


class Copying:
    """Counts the copies among drawn pictures.

    Args:
        train: what is trained on.
    """

    def __init__(self, train: Split) -> None:
        self._train = train

    @classmethod
    def of(cls, train: Split) -> Copying | None:
        """None where there is nothing to count: too many pictures, or none to compare the nearest with."""
        return cls(train) if len(train) <= MOST and len(set(train.groups)) > 1 else None

    @cached_property
    def _looks(self) -> list[Looks]:
        return [looks(self._train.image(row)) for row in range(len(self._train))]

    def count(self, pictures: Sequence[NDArray[np.uint8]]) -> tuple[int, float]:
        """How many are copies (`mindseye.think.copies.memorised`), and what share of all that a model draws are copies
        at least: the lower end of the 95 % interval.

        Args:
            pictures: [height, width, channel] each, straight alpha.
        """
        drawn = [looks(Image.fromarray(picture)) for picture in pictures]
        nearest, _ = nearest_by_pixels(drawn, self._looks, training_groups=self._train.groups)
        copies = memorised(nearest)
        return int(copies.sum()), share_interval(copies, np.arange(len(copies)))[0]
