"""The PixelRNN model as the rest of the program meets it: what a pixel is, a network, and the caption put together."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from mindseye.errors import BadInput
from mindseye.imagine.family import Abilities, Given, Progress, Settings, Surprise
from mindseye.imagine.pixelrnn.config import PixelRNNConfig
from mindseye.imagine.pixelrnn.network import NETWORKS, Network
from mindseye.imagine.pixelrnn.objective import draw, loss
from mindseye.imagine.pixelrnn.pixels import PIXELS, Pixels
from mindseye.imagine.pixelrnn.sample import Chance, draw_pictures
from mindseye.learn.batch import Words
from mindseye.learn.learner import Objective
from mindseye.pictures.indexed import indexing

ABILITIES = Abilities(
    prompt=True, negative_prompt=True, guidance=True, temperature=True, top_p=True, complete=True, likelihood=True
)


class PixelRNN(nn.Module):
    """A model of pictures pixel by pixel."""

    def __init__(self, config: PixelRNNConfig) -> None:
        super().__init__()
        self.config = config
        self.pixels: Pixels = PIXELS[config.pixels](config)
        self.network: Network = NETWORKS[config.network](config)
        self.sentence_in = nn.Linear(config.text_width, config.width)
        self.no_caption = nn.Parameter(torch.zeros(config.width))

    def condition(self, words: Words, without_caption: Bool[Tensor, "batch"]) -> Float[Tensor, "batch feature"]:
        """The captions as the network is told of them; a learned vector where there is none."""
        sentence = F.rms_norm(words.sentence.float(), words.sentence.shape[-1:])
        return torch.where((without_caption | words.absent)[:, None], self.no_caption, self.sentence_in(sentence))

    def forward(
        self, pixels: Int[Tensor, "batch height width number"], words: Words, without_caption: Bool[Tensor, "batch"]
    ) -> Float[Tensor, "batch height width feature"]:
        """What is known at each place from the pixels before it and the caption."""
        return self.network.forward(self.pixels.embed(pixels), self.condition(words, without_caption))

    @torch.no_grad()
    def likelihood(
        self, pictures: Float[Tensor, "batch channel height width"], words: Words
    ) -> Float[Tensor, "batch height width"]:
        """How many bits each pixel of these pictures costs, given its caption and the pixels before it.

        Their mean is the usual bits a pixel; divided by the channels, where those are predicted, bits a dimension.
        With a palette these are the bits of the index: the recoloured picture's.

        Args:
            pictures: in [-1, 1], RGBA premultiplied.
            words: a caption of each.

        Raises:
            BadInput: the model gives no probabilities.
        """
        if not self.pixels.probabilistic:
            raise BadInput(
                f"a model of pixels={self.config.pixels} has no likelihood", why="it gives a colour, no probabilities"
            )
        pixels = self.pixels.read(pictures)
        features = self(pixels, words, torch.zeros(len(pixels), dtype=torch.bool, device=pixels.device))
        return self.pixels.cost(features, pixels) / math.log(2)

    def surprise(
        self, pictures: Float[Tensor, "picture channel height width"], words: Words, seeds: Sequence[int]
    ) -> Surprise | None:
        """See `family.Likely.surprise`; it is `likelihood`, summed over a picture."""
        if not self.pixels.probabilistic:
            return None
        device = self.no_caption.device
        bits = self.likelihood(pictures.to(device), words.to(device)).flatten(1)
        return Surprise(bits.sum(1), bits.shape[1] * self.pixels.numbers, self.pixels.levels, exact=True)

    def objectives(self) -> Sequence[Objective]:
        names = frozenset(name for name, _ in self.named_parameters())
        return [Objective("loss", names, partial(draw, config=self.config), loss)]

    def hidden_matrices(self) -> frozenset[str]:
        """The parameters that Muon may move: the matrices inside the layers."""
        return frozenset(
            name
            for name, parameter in self.named_parameters()
            if name.startswith("network.blocks.") and parameter.ndim == 2
        )

    def settings(self, asked: Settings) -> Settings:
        """See `family.Model.settings`."""
        chance = self._chance(asked)
        return Settings(guidance=chance.guidance, temperature=chance.temperature, top_p=chance.top_p)

    def _chance(self, asked: Settings) -> Chance:
        config = self.config
        return Chance(
            temperature=asked.temperature_or(config.temperature),
            top_p=config.top_p if asked.top_p is None else asked.top_p,
            guidance=config.guidance if asked.guidance is None else asked.guidance,
        )

    def draw(
        self,
        words: Words,
        negative: Words | None,
        seeds: Sequence[int],
        settings: Settings,
        given: Given | None = None,
    ) -> Iterator[Progress]:
        """See `family.Model.draw`."""
        device = self.no_caption.device
        return draw_pictures(
            self, words.to(device), negative and negative.to(device), seeds, self._chance(settings), given
        )


def build(config: PixelRNNConfig, seed: int) -> PixelRNN:
    """A freshly initialised model; the same seed gives the same weights.

    Raises:
        BadInput: a palette is wanted and the settings have none.
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return PixelRNN(config)


def measure(config: PixelRNNConfig, pictures: NDArray[np.uint8], log: Callable[[str], None]) -> PixelRNNConfig:
    """The settings with the palette of these pictures, where pixels are of one; see `Learner.measure`."""
    if config.pixels != "palette" or config.palette:
        return config
    found = indexing(pictures, config.colours)
    log(str(found))
    return config.model_copy(update={"palette": found.palette})
