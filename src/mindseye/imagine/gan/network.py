"""The networks of R3GAN (Huang et al. 2024, "The GAN is dead; long live the GAN!"), with a caption as the condition.

Both are the paper's stacks of blocks (`adversarial/blocks.py`); the class label is a caption's sentence vector.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mindseye.imagine.adversarial.blocks import Growing, Looking, normalised
from mindseye.imagine.gan.config import GanConfig


class Generator(Growing):
    """From a latent and a sentence vector to a picture, in one pass."""

    def __init__(self, config: GanConfig) -> None:
        super().__init__(config, config.latent + config.condition)
        self.sentence_in = nn.Linear(config.text_width, config.condition)

    def forward(
        self, latent: Float[Tensor, "batch latent"], sentence: Float[Tensor, "batch text"]
    ) -> Float[Tensor, "batch channel height width"]:
        """The picture."""
        return self.grown(torch.cat([latent, self.sentence_in(normalised(sentence))], dim=1))


class Critic(Looking):
    """How real a picture looks for its caption: the picture's features times the caption's (Miyato and Koyama 2018)."""

    def __init__(self, config: GanConfig) -> None:
        super().__init__(config, config.condition)
        self.sentence_in = nn.Linear(config.text_width, config.condition)

    def forward(
        self, pictures: Float[Tensor, "batch channel height width"], sentences: Float[Tensor, "batch caption text"]
    ) -> Float[Tensor, "batch caption"]:
        """How real each picture looks for each of its captions: a score, whose differences alone mean something."""
        return scores(self.seen(pictures), self.sentence_in(normalised(sentences)))


def scores(
    features: Float[Tensor, "batch condition"], captions: Float[Tensor, "batch caption condition"]
) -> Float[Tensor, "batch caption"]:
    """The scalar products of a picture with each caption, by the square root of their length."""
    return (features.float()[:, None] * captions.float()).sum(2) / math.sqrt(features.shape[1])
