"""The two encoders of DAMSM (Xu et al. 2018, section 3.2) and the score that compares what they give.

Text: the paper's bi-directional LSTM. It reads the token states of the frozen text encoder in place of word embeddings
learnt from nothing, since a thousand captions teach few words. Pictures: the paper has the middle and the last layer of
an Inception-v3 of 95 MB, at 299 px; here it is a small convolutional network with an 8 x 8 grid, trained with the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional as F

from mindseye.learn.batch import Words
from mindseye.learn.learner import Objective
from mindseye.observe.damsm.config import GRID, DamsmConfig
from mindseye.observe.damsm.objective import draw, loss, sentence_scores, word_scores

FINE = 16  # grid of the first convolutions


@dataclass(frozen=True)
class PictureCode:
    """Pictures as DAMSM sees them: v and v-bar."""

    regions: Float[Tensor, "picture region width"]
    whole: Float[Tensor, "picture width"]


@dataclass(frozen=True)
class TextCode:
    """Captions as DAMSM reads them: e and e-bar; `mask` is True where a word stands."""

    words: Float[Tensor, "caption word width"]
    mask: Bool[Tensor, "caption word"]
    sentence: Float[Tensor, "caption width"]


class Damsm(nn.Module):
    """Picture encoder and text encoder with one common space."""

    def __init__(self, config: DamsmConfig) -> None:
        super().__init__()
        self.config = config
        self.pictures = PictureNetwork(config)
        self.text = TextNetwork(config)

    def objectives(self) -> Sequence[Objective]:
        names = frozenset(name for name, _ in self.named_parameters())
        return [Objective("loss", names, partial(draw, config=self.config), partial(loss, config=self.config))]

    def match(self, pictures: PictureCode, text: TextCode) -> Float[Tensor, "picture caption"]:
        """How well each caption fits each picture: log of the unnormalised P(caption | picture), by words and sentence.

        The mean of the two scores that the objective sharpens, so differences are in nats.
        """
        by_words, _ = word_scores(pictures.regions, text.words, text.mask, self.config)
        return self.config.gamma3 * (by_words + sentence_scores(pictures.whole, text.sentence)) / 2

    def attention(self, pictures: PictureCode, text: TextCode) -> Float[Tensor, "picture caption word row column"]:
        """Where each word looks: sums to 1 over the grid."""
        _, attention = word_scores(pictures.regions, text.words, text.mask, self.config)
        return attention.unflatten(-1, (GRID, GRID))


class PictureNetwork(nn.Module):
    """Convolutions from pixels to an 8 x 8 grid of regions and one vector for the whole."""

    def __init__(self, config: DamsmConfig) -> None:
        super().__init__()
        fine, coarse = config.channels_fine, config.channels_coarse
        patch = max(1, config.size_px // FINE)
        self.stem = nn.Conv2d(config.channels, fine, patch, stride=patch)
        self.fine = nn.Sequential(*(Residual(fine) for _ in range(config.blocks)))
        halving = 2 if config.size_px // patch > GRID else 1
        self.down = nn.Conv2d(fine, coarse, 3, stride=halving, padding=1)
        self.coarse = nn.Sequential(*(Residual(coarse) for _ in range(config.blocks)))
        self.norm = nn.GroupNorm(8, coarse)
        self.region_out = nn.Linear(coarse, config.width, bias=False)
        self.whole_out = nn.Linear(coarse, config.width, bias=False)

    def forward(self, pictures: Float[Tensor, "picture channel height width"]) -> PictureCode:
        grid = self.coarse(self.down(self.fine(self.stem(pictures))))
        grid = F.adaptive_avg_pool2d(F.silu(self.norm(grid)), GRID)  # only sizes that 16 does not divide are changed
        regions = grid.flatten(2).mT
        return PictureCode(self.region_out(regions).float(), self.whole_out(regions.mean(1)).float())


class Residual(nn.Module):
    """x + conv(silu(norm(conv(silu(norm(x))))))."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.GroupNorm(8, channels), nn.SiLU(), nn.Conv2d(channels, channels, 3, padding=1))
        self.second = nn.Sequential(nn.GroupNorm(8, channels), nn.SiLU(), nn.Conv2d(channels, channels, 3, padding=1))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(self.first(x))


class TextNetwork(nn.Module):
    """A bi-directional LSTM: its states are the words, its two last states the sentence."""

    def __init__(self, config: DamsmConfig) -> None:
        super().__init__()
        self.most_words = config.most_words
        self.words_in = nn.Linear(config.text_width, config.width)
        self.forwards = nn.LSTM(config.width, config.width // 2, batch_first=True)
        self.backwards = nn.LSTM(config.width, config.width // 2, batch_first=True)

    def forward(self, captions: Words, keep: Bool[Tensor, "caption token"] | None = None) -> TextCode:
        """
        Args:
            captions: from the frozen text encoder; its first and last token are marks, not words.
            keep: words to leave out in training are False.
        """
        states, mask = captions.tokens[:, 1:-1], captions.mask[:, 2:]
        if keep is not None:
            mask = mask & keep[:, 1:-1]
        mask = torch.cat([mask[:, :1] | ~mask.any(1, keepdim=True), mask[:, 1:]], dim=1)  # never a caption of no words
        order = torch.argsort((~mask).int(), dim=1, stable=True)[:, : self.most_words]  # words first, in their order
        mask = mask.gather(1, order)
        lengths = mask.sum(1)
        states = states.gather(1, order[..., None].expand(-1, -1, states.shape[2]))
        states = torch.tanh(self.words_in(states)) * mask[..., None]

        position = torch.arange(mask.shape[1], device=mask.device)
        mirrored = torch.where(mask, lengths[:, None] - 1 - position, position)[..., None]
        ahead, _ = self.forwards(states)
        back, _ = self.backwards(states.gather(1, mirrored.expand_as(states)))
        last = (lengths - 1)[:, None, None].expand(-1, 1, ahead.shape[2])
        sentence = torch.cat([ahead.gather(1, last), back.gather(1, last)], dim=2)[:, 0]
        words = torch.cat([ahead, back.gather(1, mirrored.expand_as(back))], dim=2) * mask[..., None]
        return TextCode(words.float(), mask, sentence.float())


def build(config: DamsmConfig, seed: int) -> Damsm:
    """A freshly initialised model; the same seed gives the same weights."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return Damsm(config)
