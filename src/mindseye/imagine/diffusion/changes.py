"""Changed training pictures: more to learn from where there are few, without learning to draw what is changed.

The network is told how a picture was changed, and when it draws it is told that nothing was (non-leaking augmentation,
Karras et al. 2022, Appendix F.2). All changes keep pixels whole, so that pixel art stays what it is: the eight ways to
turn and mirror a square, and a move by whole pixels, where what comes in from outside continues the edge.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from mindseye.learn.learner import Draws

TOLD = 5  # numbers that say what was changed: turned, mirrored along rows and columns, moved along both
MOVE = 1 / 8  # of the edge, at most
CHANCE = 0.12  # of each change, as in the paper's settings for CIFAR-10
FEW = 3000  # pictures; what changes are worth was measured with 120 and 465 of them


def draw(rng: np.random.Generator, size_px: int, chance: float) -> Mapping[str, Any]:
    """The random numbers of one picture's changes, each made with this chance."""
    turned, *mirrored = rng.random(3) < chance
    moves = np.where(rng.random(2) < chance, rng.integers(-int(MOVE * size_px), int(MOVE * size_px) + 1, 2), 0)
    lines = [np.clip(np.arange(size_px) - move, 0, size_px - 1) for move in moves]
    rows, columns = (line[::-1].copy() if mirror else line for line, mirror in zip(lines, mirrored, strict=True))
    told = np.array([turned, *mirrored, *(moves / (MOVE * size_px))], np.float32)
    return {"turned": bool(turned), "rows": rows, "columns": columns, "told": told}


def changed(
    pictures: Float[Tensor, "batch channel height width"], draws: Draws
) -> Float[Tensor, "batch channel height width"]:
    """`pictures`, turned, then moved and mirrored, as `draw` says."""
    pictures = torch.where(draws["turned"][:, None, None, None], pictures.transpose(2, 3), pictures)
    pictures = pictures.gather(2, draws["rows"][:, None, :, None].expand_as(pictures))
    return pictures.gather(3, draws["columns"][:, None, None, :].expand_as(pictures))
