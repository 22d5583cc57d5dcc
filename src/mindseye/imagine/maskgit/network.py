"""The network that fills in codes: a transformer over a picture's cells and the caption's words, looking both ways.

A cell is its code, or a mark where the code is hidden. Words and cells are one sequence, so that each looks at all
others; the words come as the frozen text encoder reads them. (BERT's pre-training, Devlin et al. 2019, on pictures.)
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from mindseye.imagine.maskgit.config import MaskGitConfig
from mindseye.learn.batch import Words


class MaskedTransformer(nn.Module):
    """What each cell's code may be, given those that are known and a caption."""

    def __init__(self, config: MaskGitConfig) -> None:
        super().__init__()
        self.hidden_code = config.codes  # the mark of a hidden one
        self.code = nn.Embedding(config.codes + 1, config.width)
        self.position = nn.Parameter(torch.zeros(config.cells, config.width))
        self.words_in = nn.Linear(config.text_width, config.width)
        self.sentence_in = nn.Linear(config.text_width, config.width)
        self.null_word = nn.Parameter(torch.zeros(config.width))
        self.null_sentence = nn.Parameter(torch.zeros(config.width))
        self.blocks = nn.ModuleList(Block(config.width, config.heads, config.hidden) for _ in range(config.depth))
        self.out = nn.Linear(config.width, config.codes)
        for start in (self.code.weight, self.position, self.null_word, self.null_sentence):
            nn.init.normal_(start, std=0.02)

    @property
    def device(self) -> torch.device:
        return self.position.device

    def forward(
        self, codes: Int[Tensor, "batch cell"], words: Words, without_caption: Bool[Tensor, "batch"]
    ) -> Float[Tensor, "batch cell code"]:
        """The logits of every code in every cell.

        Args:
            codes: the index of each cell's code, `hidden_code` where it is hidden.
            words: the captions.
            without_caption: where True, or where there is no caption, one learned word stands in for it.
        """
        without = without_caption | words.absent
        caption = torch.where(without[:, None, None], self.null_word, self.words_in(normalise(words.tokens)))
        sentence = torch.where(without[:, None], self.null_sentence, self.sentence_in(normalise(words.sentence)))
        first = torch.arange(words.mask.shape[1], device=words.mask.device) == 0
        readable = torch.where(without[:, None], first, words.mask)
        cells = self.code(codes) + self.position + sentence[:, None]
        there = torch.cat([readable, torch.ones_like(codes, dtype=torch.bool)], dim=1)
        bias = torch.zeros_like(there, dtype=torch.float32).masked_fill(~there, -1e9)[:, None, None]
        x = torch.cat([caption, cells], dim=1)
        for block in self.blocks:
            x = block(x, bias)
        logits: Tensor = self.out(normalise(x[:, -codes.shape[1] :])).float()
        return logits


class Block(nn.Module):
    """Attention, then SwiGLU; RMS norms before both, queries and keys normalised."""

    def __init__(self, width: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.attended = nn.Linear(width, width, bias=False)
        self.gate_up = nn.Linear(width, 2 * hidden, bias=False)
        self.down = nn.Linear(hidden, width, bias=False)
        self.query_gain = nn.Parameter(torch.ones(width // heads))
        self.key_gain = nn.Parameter(torch.ones(width // heads))
        for last in (self.attended, self.down):
            nn.init.zeros_(last.weight)

    def forward(
        self, x: Float[Tensor, "batch token width"], bias: Float[Tensor, "batch 1 1 token"]
    ) -> Float[Tensor, "batch token width"]:
        query, key, value = self.qkv(normalise(x)).unflatten(2, (3, self.heads, -1)).transpose(1, 3).unbind(2)
        query = (normalise(query) * self.query_gain).to(value.dtype)
        key = (normalise(key) * self.key_gain).to(value.dtype)
        scores = (query @ key.mT).float() / math.sqrt(query.shape[-1]) + bias
        mixed = scores.softmax(-1).to(value.dtype) @ value
        x = x + self.attended(mixed.transpose(1, 2).flatten(2))
        gate, up = self.gate_up(normalise(x)).chunk(2, dim=-1)
        out: Tensor = x + self.down(F.silu(gate) * up)
        return out


def normalise(features: Tensor) -> Tensor:
    """Root-mean-square norm over the last axis, in float32, without gain."""
    features = features.float()
    return features * torch.rsqrt(features.square().mean(-1, keepdim=True) + 1e-6)
