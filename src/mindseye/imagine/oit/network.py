"""The three modules, with the idea's own names. A child sees a picture card, imagines others, and thinks about them.

    Observer  h = E(x)          a picture to what is remembered of it
    Imaginer  x' = G(h, z, p)   from that, chance and the hint of a prompt to another picture of the same
    Thinker   T(h)              is what was observed real or imagined, and what does it show?

Observer and Imaginer are built of R3GAN's blocks (`adversarial/blocks.py`).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional as F

from mindseye.imagine.adversarial.blocks import SLOPE, Growing, Looking, normalised
from mindseye.imagine.oit.config import OitConfig
from mindseye.learn.batch import Words

Features = Float[Tensor, "batch feature"]


@dataclass(frozen=True)
class Thought:
    """What the Thinker makes of a hidden feature.

    Attributes:
        real: the log odds that it was observed in a real picture, not in an imagined one.
        description: the sentence vector of a caption that would fit, of length 1.
    """

    real: Float[Tensor, "batch"]
    description: Float[Tensor, "batch text"]


class Observer(Looking):
    """From a picture to its hidden feature, of root mean square 1 as normal random numbers have it."""

    def __init__(self, config: OitConfig) -> None:
        super().__init__(config, config.feature)

    def forward(self, pictures: Float[Tensor, "batch channel height width"]) -> Features:
        return normalised(self.seen(pictures))


class Imaginer(Growing):
    """From a hidden feature, chance and a prompt to a picture, in one pass."""

    def __init__(self, config: OitConfig) -> None:
        super().__init__(config, config.latent + config.feature + config.condition + 1)
        self.sentence_in = nn.Linear(config.text_width, config.condition)
        self.null_sentence = nn.Parameter(torch.zeros(config.condition))

    def forward(
        self,
        remembered: Features,
        strength: Float[Tensor, "batch"],
        latent: Float[Tensor, "batch latent"],
        words: Words,
        without_caption: Bool[Tensor, "batch"],
    ) -> Float[Tensor, "batch channel height width"]:
        """The picture.

        Args:
            remembered: as `blurred` gives it.
            strength: how much of that is chance, 0 to 1.
            latent: z.
            words: the prompt p; where `without_caption` is True, or there are no words, there is no hint.
        """
        prompt = self.sentence_in(normalised(words.sentence)).float()
        prompt = torch.where((without_caption | words.absent)[:, None], self.null_sentence, prompt)
        return self.grown(torch.cat([latent, remembered, prompt, strength[:, None]], dim=1))


class Thinker(nn.Module):
    """Two answers to one hidden feature."""

    def __init__(self, config: OitConfig) -> None:
        super().__init__()
        self.doubts = nn.Sequential(
            nn.Linear(config.feature, config.feature), nn.LeakyReLU(SLOPE), nn.Linear(config.feature, 1)
        )
        self.describes = nn.Linear(config.feature, config.text_width)

    def forward(self, observed: Features) -> Thought:
        description = F.normalize(self.describes(observed).float(), dim=1)
        return Thought(self.doubts(observed)[:, 0].float(), description)


def blurred(observed: Features, strength: Float[Tensor, "batch"], chance: Features) -> Features:
    """h_s = sqrt(1 - s^2) h + s e: what is remembered of an observation. The strength s of imagination is 0 where
    everything is, and 1 where nothing is, as when there was nothing to observe."""
    s = strength[:, None]
    return (1 - s.square()).sqrt() * observed + s * chance
