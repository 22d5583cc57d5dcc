"""The objective: maximum likelihood, with every pixel of a picture predicted from the real ones before it.

loss = -1/n sum_i log p(x_i | x_<i, caption)         van den Oord et al. 2016, Eq. 1, over all n numbers at once
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mindseye.imagine.pixelrnn.config import PixelRNNConfig
from mindseye.learn.batch import Batch
from mindseye.learn.learner import Draws


def draw(rng: np.random.Generator, config: PixelRNNConfig) -> Mapping[str, Any]:
    """The random numbers of one training sample: whether its caption is dropped, and whether it is mirrored."""
    return {
        "without_caption": bool(rng.random() < config.caption_drop),
        "mirrored": bool(rng.random() < config.mirror),
    }


def loss(model: Any, batch: Batch, draws: Draws) -> Tensor:
    """Nats a number, the mean over the batch; `model` is a `PixelRNN`."""
    pictures = torch.where(draws["mirrored"][:, None, None, None], batch.pictures.flip(3), batch.pictures)
    pixels = model.pixels.read(pictures)
    features = model(pixels, batch.words, draws["without_caption"])
    return model.pixels.cost(features, pixels).mean() / pixels.shape[-1]
