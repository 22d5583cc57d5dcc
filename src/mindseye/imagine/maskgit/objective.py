"""The objective: pictures survive their codes, and hidden codes are guessed from those that are left.

    loss = mean |x - decode(encode(x))| + mean over hidden cells of -log p(code | codes left, caption)

Both are learnt at once: the second looks at codes as they are by now and sends nothing back to them. With r even
between 0 and 1 a share cos(pi r / 2) of the cells is hidden (MaskGIT, Chang et al. 2022, section 3.3): mostly many,
since a drawing begins with none.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from mindseye.imagine.maskgit.codes import PictureCodes
from mindseye.imagine.maskgit.config import MaskGitConfig
from mindseye.imagine.maskgit.network import MaskedTransformer
from mindseye.learn.batch import Batch
from mindseye.learn.learner import Draws


class Networks(Protocol):
    """Both networks of a model."""

    codes: PictureCodes
    network: MaskedTransformer


def hidden_share(r: float) -> float:
    """cos(pi r / 2): which share of the cells is hidden when a share r of the way is done."""
    return math.cos(math.pi / 2 * r)


def draw(rng: np.random.Generator, config: MaskGitConfig) -> Mapping[str, Any]:
    """The random numbers of one training sample: which cells are hidden, and whether its caption is dropped."""
    count = max(1, math.ceil(hidden_share(rng.random()) * config.cells))
    return {
        "hidden": rng.permutation(config.cells) < count,
        "without_caption": bool(rng.random() < config.caption_drop),
    }


def loss(model: Networks, batch: Batch, draws: Draws, config: MaskGitConfig) -> Tensor:
    """What the docstring of this file says; the mean over the batch, a mean over each picture's own hidden cells."""
    shares = model.codes.encode(batch.pictures)
    off = (model.codes.decode(shares) - batch.pictures).abs().mean()
    index, hidden = model.codes.fsq.index(shares.detach()), draws["hidden"]
    shown = torch.where(hidden, model.network.hidden_code, index)
    logits = model.network(shown, batch.words, draws["without_caption"])
    guessed = F.cross_entropy(logits.mT, index, reduction="none", label_smoothing=config.smoothing)
    return off + ((guessed * hidden).sum(1) / hidden.sum(1)).mean()
