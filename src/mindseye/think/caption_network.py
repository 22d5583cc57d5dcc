"""The network of the captioner: a small transformer decoder that looks at the regions of a picture while it speaks.

Words are read with masked self-attention, regions with cross-attention (Vaswani et al. 2017, arXiv 1706.03762, section
3), norms come first. The words that are spoken have the vectors of the words that are read (Press and Wolf 2017).
Marks and the unknown word can be read only, so they are never spoken.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Self, cast

import torch
from jaxtyping import Float, Int
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import Tensor, nn
from torch.nn import functional as F

from mindseye.observe.vocabulary import words_of

MAIN, OTHER, UNKNOWN, END = range(4)  # the vectors before those of the words; the first two begin a caption
SPOKEN = END  # from here on a vector can be spoken: the end mark, then the words
IGNORED = -100  # a target that is not asked for

KeysValues = tuple[Float[Tensor, "picture head region channel"], Float[Tensor, "picture head region channel"]]


class CaptionerConfig(BaseModel):
    """Everything that defines a captioner but its weights."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    regions: int = Field(ge=1, le=4096, description="regions a picture")
    region_width: int = Field(ge=1, le=8192, description="features a region")
    words: tuple[str, ...] = Field(min_length=1, max_length=100_000, description="what it can say")
    longest: int = Field(ge=1, le=256, description="words in its longest caption; longer ones are cut")
    width: int = Field(128, ge=8, le=1024, multiple_of=4, description="features of a word inside")
    layers: int = Field(2, ge=1, le=12, description="decoder layers")
    heads: int = Field(4, ge=1, le=16, description="attention heads; divides the width")

    @model_validator(mode="after")
    def _heads_divide_the_width(self) -> Self:
        if self.width % self.heads:
            raise ValueError(f"width {self.width} is not a multiple of {self.heads} heads")
        return self


class CaptionNetwork(nn.Module):
    """Regions and the words so far to logits of the next word."""

    def __init__(self, config: CaptionerConfig) -> None:
        super().__init__()
        width = config.width
        self.regions_norm = nn.LayerNorm(config.region_width)
        self.regions_in = nn.Linear(config.region_width, width)
        self.region_places = nn.Parameter(torch.zeros(config.regions, width))
        self.words = nn.Embedding(SPOKEN + 1 + len(config.words), width)
        self.word_places = nn.Parameter(torch.zeros(config.longest + 1, width))
        self.layers = nn.ModuleList(Layer(width, config.heads) for _ in range(config.layers))
        self.norm = nn.LayerNorm(width)
        self.bias = nn.Parameter(torch.zeros(1 + len(config.words)))
        nn.init.normal_(self.words.weight, std=width**-0.5)

    def look(self, regions: Float[Tensor, "picture region width"], drop: Dropout) -> list[KeysValues]:
        """What each layer's cross-attention sees of the pictures; computed once for all words."""
        seen = drop(self.regions_in(self.regions_norm(regions)) + self.region_places)
        return [cast(Layer, layer).across.keys_values(seen) for layer in self.layers]

    def forward(
        self, looks: list[KeysValues], said: Int[Tensor, "picture caption word"], drop: Dropout
    ) -> Float[Tensor, "picture caption word width"]:
        """The state after each word, from which `logits` tells the next; several captions a picture are apart.

        A state depends on the words before it alone, so padding at the end needs no mask.
        """
        x = drop(math.sqrt(self.words.embedding_dim) * self.words(said) + self.word_places[: said.shape[2]])
        for layer, look in zip(self.layers, looks, strict=True):
            x = layer(x, look, drop)
        states: Tensor = self.norm(x)
        return states

    def logits(self, states: Float[Tensor, "*state width"]) -> Float[Tensor, "*state spoken"]:
        """Of the end mark and of every word, in the order of their vectors."""
        return F.linear(states, self.words.weight[SPOKEN:], self.bias)


class Layer(nn.Module):
    """x + self-attention, + cross-attention, + two linears with a GELU between."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(3))
        self.along = Attention(width, heads)
        self.across = Attention(width, heads)
        self.wide = nn.Linear(width, 4 * width)
        self.narrow = nn.Linear(4 * width, width)

    def forward(
        self, x: Float[Tensor, "picture caption word width"], look: KeysValues, drop: Dropout
    ) -> Float[Tensor, "picture caption word width"]:
        shape = x.shape
        x = x.flatten(0, 1)  # [picture * caption, word, width]: words of one caption see each other
        normed = self.norms[0](x)
        x = x + drop(self.along(normed, self.along.keys_values(normed), causal=True))
        x = x.view(shape).flatten(1, 2)  # [picture, caption * word, width]: all look at the same regions
        x = x + drop(self.across(self.norms[1](x), look, causal=False))
        x = x + drop(self.narrow(F.gelu(self.wide(self.norms[2](x)))))
        return x.view(shape)


class Attention(nn.Module):
    """softmax(q k^T / sqrt(channels)) v, in several heads."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, width)

    def keys_values(self, seen: Float[Tensor, "batch place width"]) -> KeysValues:
        key, value = self.key_value(seen).chunk(2, dim=-1)
        return self._in_heads(key), self._in_heads(value)

    def forward(
        self, x: Float[Tensor, "batch word width"], seen: KeysValues, *, causal: bool
    ) -> Float[Tensor, "batch word width"]:
        mixed = F.scaled_dot_product_attention(self._in_heads(self.query(x)), *seen, is_causal=causal)
        out: Tensor = self.out(mixed.transpose(1, 2).flatten(2))
        return out

    def _in_heads(self, x: Float[Tensor, "batch place width"]) -> Float[Tensor, "batch head place channel"]:
        heads: Tensor = x.unflatten(-1, (self.heads, -1)).transpose(1, 2)
        return heads


class Dropout:
    """Dropout (Srivastava et al. 2014) from its own generator; with a share of 0 it does nothing.

    Args:
        share: of the numbers that become 0; the others grow by as much.
        seed: of this step's masks.
    """

    def __init__(self, share: float = 0.0, seed: int = 0) -> None:
        self.share = share
        self.generator = torch.Generator().manual_seed(seed)

    def __call__(self, x: Tensor) -> Tensor:
        if self.share == 0:
            return x
        kept = torch.rand(x.shape, generator=self.generator) >= self.share
        return x * kept / (1 - self.share)


def build(config: CaptionerConfig, seed: int) -> CaptionNetwork:
    """A freshly initialised network; the same seed gives the same weights."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return CaptionNetwork(config)


def tokens(
    config: CaptionerConfig, pairs: Sequence[tuple[str, str]], places: int | None = None
) -> tuple[Int[Tensor, "picture 2 word"], Int[Tensor, "picture 2 word"]]:
    """What is said before each word, and the word that then comes, for main and other captions; unknown: not asked."""
    known = {word: number + 1 for number, word in enumerate(config.words)}  # 0 is the end mark
    told = [[words_of(caption)[: config.longest] for caption in pair] for pair in pairs]
    places = places or 1 + max(len(words) for pair in told for words in pair)
    said = torch.full((len(pairs), 2, places), END)
    next_word = torch.full((len(pairs), 2, places), IGNORED)
    for picture, pair in enumerate(told):
        for which, (mark, words) in enumerate(zip((MAIN, OTHER), pair, strict=True)):
            numbers = [known.get(word, IGNORED) for word in words]
            read = [mark, *(UNKNOWN if number == IGNORED else number + SPOKEN for number in numbers)]
            said[picture, which, : len(read)] = torch.tensor(read)
            next_word[picture, which, : len(read)] = torch.tensor([*numbers, 0])
    return said, next_word
