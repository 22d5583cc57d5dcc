"""The network: a transformer over picture patches that looks at the caption's words in every block.

A diffusion transformer (DiT, Peebles & Xie 2023) in pixel space with large patches (JiT, Li & He 2025): bottleneck
patch embedding, RMS norms, queries and keys normalised, SwiGLU, one shared modulation with a table a block (PixArt's
adaLN-single, Chen et al. 2023), everything that writes to the residual stream gated and zero at the start. Picture
tokens attend to picture and caption tokens in one softmax; caption tokens are not themselves updated (as in PRX).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional as F

from mindseye.learn.batch import Words

Look = Callable[[Tensor], None]  # is shown the attention [batch, head, token, token_and_word] of a block

TIME_FEATURES = 256
TIME_SCALE = 1000.0  # t in [0, 1] is scaled before the sinusoids; part of the checkpoint's meaning, never change it


class DiffusionTransformer(nn.Module):
    """Predicts the clean picture from a noisy one, the noise level and a caption.

    Parameters are those of `DiffusionConfig` that shape the network.
    """

    def __init__(
        self,
        size_px: int,
        channels: int,
        patch_px: int,
        width: int,
        depth: int,
        heads: int,
        hidden: int,
        bottleneck: int,
        text_width: int,
        text_tokens: int,
    ) -> None:
        super().__init__()
        self.patch_px, self.channels = patch_px, channels
        self.side = size_px // patch_px
        patch_numbers = channels * patch_px**2

        self.patch_in = nn.Sequential(nn.Linear(patch_numbers, bottleneck, bias=False), nn.Linear(bottleneck, width))
        self.position = nn.Parameter(position_2d(self.side, width))
        self.time_in = nn.Sequential(nn.Linear(TIME_FEATURES, width), nn.SiLU(), nn.Linear(width, width))
        self.sentence_in = nn.Linear(text_width, width)
        self.words_in = nn.Linear(text_width, width)
        self.null_words = nn.Parameter(torch.zeros(text_tokens, width))
        self.null_sentence = nn.Parameter(torch.zeros(width))
        self.modulation = nn.Linear(width, 6 * width)
        self.blocks = nn.ModuleList(Block(width, heads, hidden) for _ in range(depth))
        self.modulation_out = nn.Linear(width, 2 * width)
        self.patch_out = nn.Linear(width, patch_numbers)
        self._initialise()

    @property
    def device(self) -> torch.device:
        return self.position.device

    def _initialise(self) -> None:
        for name, parameter in self.named_parameters():
            if name.endswith("bias"):
                nn.init.zeros_(parameter)
            elif isinstance(self.get_submodule(name.rpartition(".")[0]), nn.Linear):
                nn.init.xavier_uniform_(parameter)
            elif name.startswith("null"):
                nn.init.normal_(parameter, std=0.02)
        for layer in (self.modulation, self.modulation_out, self.patch_out):
            nn.init.zeros_(layer.weight)

    def forward(
        self,
        noisy: Float[Tensor, "batch channel height width"],
        t: Float[Tensor, "batch"],
        words: Words,
        without_caption: Bool[Tensor, "batch"],
        look: Look | None = None,
    ) -> Float[Tensor, "batch channel height width"]:
        """The clean picture expected behind `noisy`.

        Args:
            noisy: x_t = (1 - t) x + t e.
            t: noise level, 0 (clean) to 1 (pure noise).
            words: the captions.
            without_caption: where True, or where there is no caption, the learned null condition stands in for it.
            look: called with the attention of each block's picture tokens to picture and caption, in turn.
        """
        without_caption = without_caption | words.absent
        caption = self.words_in(normalise(words.tokens))
        sentence = self.sentence_in(normalise(words.sentence))
        caption = torch.where(without_caption[:, None, None], self.null_words, caption)
        sentence = torch.where(without_caption[:, None], self.null_sentence, sentence)
        readable = words.mask | without_caption[:, None]

        condition = F.silu(self.time_in(time_features(t)) + sentence)
        modulation = self.modulation(condition).unflatten(1, (6, -1))
        attended = torch.cat([readable.new_ones(len(noisy), self.side**2), readable], dim=1)
        bias = torch.zeros_like(attended, dtype=torch.float32).masked_fill(~attended, -1e9)[:, None, None, :]

        tokens = self.patch_in(self._patchify(noisy)) + self.position
        caption = normalise(caption)
        for block in self.blocks:
            tokens = block(tokens, caption, modulation, bias, look)
        shift, scale = self.modulation_out(condition).unflatten(1, (2, -1)).unbind(1)
        tokens = normalise(tokens) * (1 + scale[:, None]) + shift[:, None]
        return self._unpatchify(self.patch_out(tokens)).float()

    def _patchify(self, pictures: Tensor) -> Tensor:
        patches = pictures.unflatten(3, (self.side, self.patch_px)).unflatten(2, (self.side, self.patch_px))
        return patches.permute(0, 2, 4, 3, 5, 1).flatten(3).flatten(1, 2)  # batch, token, (y x channel)

    def _unpatchify(self, tokens: Tensor) -> Tensor:
        patches = tokens.unflatten(2, (self.patch_px, self.patch_px, self.channels))
        patches = patches.unflatten(1, (self.side, self.side))
        return patches.permute(0, 5, 1, 3, 2, 4).flatten(4).flatten(2, 3)


class Block(nn.Module):
    """Joint attention over picture and caption, then SwiGLU; both modulated and gated by the condition."""

    def __init__(self, width: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.caption_kv = nn.Linear(width, 2 * width, bias=False)
        self.attended = nn.Linear(width, width, bias=False)
        self.gate_up = nn.Linear(width, 2 * hidden, bias=False)
        self.down = nn.Linear(hidden, width, bias=False)
        self.query_gain = nn.Parameter(torch.ones(width // heads))
        self.key_gain = nn.Parameter(torch.ones(width // heads))
        self.table = nn.Parameter(torch.zeros(6, width))

    def forward(
        self,
        tokens: Float[Tensor, "batch token width"],
        caption: Float[Tensor, "batch word width"],
        modulation: Float[Tensor, "batch 6 width"],
        bias: Float[Tensor, "batch 1 1 token_and_word"],
        look: Look | None,
    ) -> Float[Tensor, "batch token width"]:
        shift1, scale1, gate1, shift2, scale2, gate2 = (modulation + self.table)[:, :, None].unbind(1)
        tokens = tokens + gate1 * self._attend(normalise(tokens) * (1 + scale1) + shift1, caption, bias, look)
        gate, up = self.gate_up(normalise(tokens) * (1 + scale2) + shift2).chunk(2, dim=-1)
        return tokens + gate2 * self.down(F.silu(gate) * up)

    def _attend(self, tokens: Tensor, caption: Tensor, bias: Tensor, look: Look | None) -> Tensor:
        """softmax(q k^T / sqrt(d)) v, written out: for so few tokens this compiles to faster code on a CPU than
        the fused attention kernels."""
        query, key, value = self.qkv(tokens).unflatten(2, (3, self.heads, -1)).unbind(2)
        caption_key, caption_value = self.caption_kv(caption).unflatten(2, (2, self.heads, -1)).unbind(2)
        key = torch.cat([key, caption_key], dim=1)
        value = torch.cat([value, caption_value], dim=1)
        query = (normalise(query) * self.query_gain).to(value.dtype).transpose(1, 2)
        key = (normalise(key) * self.key_gain).to(value.dtype).transpose(1, 2)
        scores = (query @ key.transpose(2, 3)).float() / math.sqrt(query.shape[-1]) + bias
        attention = scores.softmax(-1)
        if look is not None:
            look(attention)
        mixed = attention.to(value.dtype) @ value.transpose(1, 2)
        return self.attended(mixed.transpose(1, 2).flatten(2))


def normalise(features: Tensor) -> Tensor:
    """Root-mean-square norm over the last axis, in float32, without gain."""
    features = features.float()
    return features * torch.rsqrt(features.square().mean(-1, keepdim=True) + 1e-6)


def time_features(t: Float[Tensor, "batch"]) -> Float[Tensor, "batch features"]:
    """Sinusoids of 1000 t with periods from 2 pi to 2 pi 10,000 (Vaswani et al. 2017)."""
    half = TIME_FEATURES // 2
    frequency = torch.exp(-math.log(10_000) * torch.arange(half, device=t.device) / half)
    angle = TIME_SCALE * t.float()[:, None] * frequency
    return torch.cat([angle.cos(), angle.sin()], dim=1)


def position_2d(side: int, width: int) -> Float[Tensor, "token width"]:
    """Where a position embedding starts to learn from: sinusoids of row and column."""
    frequency = torch.exp(-math.log(10_000) * torch.arange(width // 4) / (width // 4))
    angle = torch.arange(side)[:, None] * frequency
    line = torch.cat([angle.sin(), angle.cos()], dim=1)  # side, width / 2
    rows = line[:, None].expand(-1, side, -1)
    columns = line[None].expand(side, -1, -1)
    return torch.cat([rows, columns], dim=2).flatten(0, 1)
