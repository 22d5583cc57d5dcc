"""What the first canvas begins its training as: an empty page, where the pictures have one.

The paper's digits begin at -10, which is black. That is the colour of the page that they stand on, and so it is taken
from the pictures: what most of their borders show, as -10 or 10 where it is none or all of a channel. Pictures without
a page of one colour begin at their mean, the best picture to draw while nothing is known. From then on it is learnt,
pixel by pixel, as in the paper.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray

from mindseye.imagine.aligndraw.config import AlignDrawConfig
from mindseye.pictures.tensors import to_model

FURTHEST = 10.0  # from grey; sigmoid(10) is white to five digits
ALIKE = 8 / 255  # that two values may be apart and still be of one page
PICTURES = 1000  # that are looked at, evenly spread


def measure(config: AlignDrawConfig, pictures: NDArray[np.uint8], log: Callable[[str], None]) -> AlignDrawConfig:
    """The settings with the canvas that suits these pictures; see `Learner.measure`."""
    some = pictures[:: max(1, len(pictures) // PICTURES)]
    shown = (to_model(some) + 1) / 2
    page = empty_page(shown)
    canvas = torch.logit(shown.mean((0, 2, 3)) if page is None else page).clamp(-FURTHEST, FURTHEST)
    log("the canvas begins as " + ("the mean picture" if page is None else "the page that the pictures are on"))
    return config.model_copy(update={"blank": tuple(round(float(channel), 4) for channel in canvas)})


def empty_page(shown: Float[torch.Tensor, "picture channel height width"]) -> Float[torch.Tensor, "channel"] | None:
    """The colour that more than half of all border pixels have, in [0, 1]; None if there is none."""
    rows, columns = shown[:, :, [0, -1]], shown[:, :, :, [0, -1]]
    border = torch.cat([rows.flatten(2), columns.flatten(2)], dim=2).movedim(1, -1).flatten(0, 1)
    page = border.median(0).values  # if there is such a colour, each channel of it is the median of that channel
    alike = ((border - page).abs() <= ALIKE).all(1)
    return page if alike.float().mean() > 0.5 else None
