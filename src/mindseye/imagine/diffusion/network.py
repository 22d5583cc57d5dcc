"""The network: a transformer that looks at the caption's words in every block, between levels of convolutions.

On the way in each level looks at its surroundings by convolutions and halves the grid; on the way out it is doubled
again and joined with what the level kept (U-ViT, Hoogeboom et al. 2023). What is left between them is about 8 x 8
tokens: a diffusion transformer (DiT, Peebles & Xie 2023) in pixel space that predicts the clean picture (JiT, Li & He
2025), with RMS norms, queries and keys normalised, SwiGLU, everything that writes to the residual stream gated and zero
at the start. The condition, which is noise level and sentence, says what each place begins with (`Layout`) and
modulates the blocks: each by a matrix of its own, or all by one with a table a block (PixArt's adaLN-single, Chen et
al. 2023). Picture tokens attend to picture and caption tokens in one softmax; caption tokens are not themselves updated
(as in PRX).

Without levels, a patch becomes a token at once, by a bottleneck embedding as in JiT.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional as F

from mindseye.learn.batch import Words

Look = Callable[[Tensor], None]  # is shown the attention [batch, head, token, token_and_word] of a block

SPREAD = 0.6  # standard deviation of pictures, about
ZERO_AT_THE_START = ("modulation", "modulation_out", "patch_out", "picture_out", "second", "spread", "change_in")
GROUP = 16  # features that are normalised together in the levels
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
        levels: Sequence[int] = (),
        own_modulation: bool = False,
        layout: int = 0,
        told: int = 0,
    ) -> None:
        super().__init__()
        self.patch_px, self.channels = patch_px, channels
        self.fine_side = size_px // patch_px
        self.levels = len(levels)
        self.side = self.fine_side >> self.levels
        patch_numbers = channels * patch_px**2

        if levels:
            pairs = list(zip(levels, [*levels[1:], width], strict=True))
            self.picture_in = nn.Conv2d(patch_numbers, levels[0], 3, padding=1)
            self.levels_in = nn.ModuleList(LevelIn(*pair, width) for pair in pairs)
            self.levels_out = nn.ModuleList(LevelOut(*pair, width) for pair in pairs)
            self.picture_out = nn.Conv2d(levels[0], patch_numbers, 3, padding=1)
        else:
            to_bottleneck = nn.Linear(patch_numbers, bottleneck, bias=False)
            self.patch_in = nn.Sequential(to_bottleneck, nn.Linear(bottleneck, width))
            self.modulation_out = nn.Linear(width, 2 * width)
            self.patch_out = nn.Linear(width, patch_numbers)
        self.position = nn.Parameter(position_2d(self.side, width))
        self.time_in = nn.Sequential(nn.Linear(TIME_FEATURES, width), nn.SiLU(), nn.Linear(width, width))
        self.change_in = nn.Linear(told, width, bias=False) if told else None
        self.sentence_in = nn.Linear(text_width, width)
        self.words_in = nn.Linear(text_width, width)
        self.null_words = nn.Parameter(torch.zeros(text_tokens, width))
        self.null_sentence = nn.Parameter(torch.zeros(width))
        self.modulation = nn.Linear(width, 6 * width * (depth if own_modulation else 1))
        self.layout_in = Layout(width, layout, self.side**2) if layout else None
        self.blocks = nn.ModuleList(Block(width, heads, hidden) for _ in range(depth))
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
        for name, layer in self.named_modules():
            if name.rpartition(".")[2] in ZERO_AT_THE_START:
                nn.init.zeros_(layer.weight)

    def forward(
        self,
        noisy: Float[Tensor, "batch channel height width"],
        t: Float[Tensor, "batch"],
        words: Words,
        without_caption: Bool[Tensor, "batch"],
        look: Look | None = None,
        told: Float[Tensor, "batch told"] | None = None,
    ) -> Float[Tensor, "batch channel height width"]:
        """The clean picture expected behind `noisy`.

        Args:
            noisy: x_t = (1 - t) x + t e.
            t: noise level, 0 (clean) to 1 (pure noise).
            words: the captions.
            without_caption: where True, or where there is no caption, the learned null condition stands in for it.
            look: called with the attention of each block's picture tokens to picture and caption, in turn.
            told: how the pictures were changed (`changes`); not at all unless given.
        """
        without_caption = without_caption | words.absent
        caption = self.words_in(normalise(words.tokens))
        sentence = self.sentence_in(normalise(words.sentence))
        caption = torch.where(without_caption[:, None, None], self.null_words, caption)
        sentence = torch.where(without_caption[:, None], self.null_sentence, sentence)
        readable = words.mask | without_caption[:, None]

        said = self.time_in(time_features(t)) + sentence
        if told is not None and self.change_in is not None:
            said = said + self.change_in(told)
        condition = F.silu(said)
        attended = torch.cat([readable.new_ones(noisy.shape[0], self.side**2), readable], dim=1)
        bias = torch.zeros_like(attended, dtype=torch.float32).masked_fill(~attended, -1e9)[:, None, None, :]

        tokens, kept = self._to_tokens(noisy, t, condition)
        tokens = tokens + self.position
        if self.layout_in is not None:
            tokens = tokens + self.layout_in(condition)
        caption = normalise(caption)
        modulations = self.modulation(condition).unflatten(1, (-1, 6, tokens.shape[2]))
        each = modulations.expand(-1, len(self.blocks), -1, -1).unbind(1)
        for block, modulation in zip(self.blocks, each, strict=True):
            tokens = block(tokens, caption, modulation, bias, look)
        return self._unpatchify(self._to_patches(tokens, kept, condition)).float()

    def _to_tokens(self, noisy: Tensor, t: Tensor, condition: Tensor) -> tuple[Tensor, list[Tensor]]:
        """What the transformer works on, and what each level kept, the finest first."""
        patches = self._patchify(noisy)
        if not self.levels:
            return self.patch_in(patches), []
        spread = (SPREAD**2 * (1 - t) ** 2 + t**2).sqrt()  # about the standard deviation of x_t
        grid = self.picture_in(as_grid(patches / spread[:, None, None]))
        kept = []
        for level in self.levels_in:
            grid, fine = level(grid, condition)
            kept.append(fine)
        return as_tokens(grid), kept

    def _to_patches(self, tokens: Tensor, kept: list[Tensor], condition: Tensor) -> Tensor:
        if not self.levels:
            shift, scale = self.modulation_out(condition).unflatten(1, (2, -1)).unbind(1)
            return self.patch_out(normalise(tokens) * (1 + scale[:, None]) + shift[:, None])
        grid = as_grid(tokens)
        for level, fine in zip(reversed(self.levels_out), reversed(kept), strict=True):
            grid = level(grid, fine, condition)
        return as_tokens(self.picture_out(F.silu(in_groups(grid))))

    def _patchify(self, pictures: Tensor) -> Tensor:
        cut = (self.fine_side, self.patch_px)
        patches = pictures.unflatten(3, cut).unflatten(2, cut)
        return patches.permute(0, 2, 4, 3, 5, 1).flatten(3).flatten(1, 2)  # batch, token, (y x channel)

    def _unpatchify(self, tokens: Tensor) -> Tensor:
        patches = tokens.unflatten(2, (self.patch_px, self.patch_px, self.channels))
        patches = patches.unflatten(1, (self.fine_side, self.fine_side))
        return patches.permute(0, 5, 1, 3, 2, 4).flatten(4).flatten(2, 3)


class Layout(nn.Module):
    """What each place begins with, by the condition alone: where the caption's thing will be, before any place has
    looked at the words. As the first layer of a GAN's generator, but for its few features between; it has many weights
    and costs next to nothing, being computed once a picture."""

    def __init__(self, width: int, features: int, places: int) -> None:
        super().__init__()
        self.places = places
        self.gather = nn.Linear(width, features)
        self.spread = nn.Linear(features, places * width, bias=False)

    def forward(self, condition: Float[Tensor, "batch width"]) -> Float[Tensor, "batch token width"]:
        return self.spread(F.silu(self.gather(condition))).unflatten(1, (self.places, -1))


class LevelIn(nn.Module):
    """On the way in: a look at the surroundings, then half the side."""

    def __init__(self, width: int, coarse_width: int, condition_width: int) -> None:
        super().__init__()
        self.surroundings = Surroundings(width, condition_width)
        self.down = nn.Conv2d(width, coarse_width, 2, stride=2)

    def forward(
        self, grid: Float[Tensor, "batch width row column"], condition: Float[Tensor, "batch features"]
    ) -> tuple[Float[Tensor, "batch coarse_width half_row half_column"], Float[Tensor, "batch width row column"]]:
        """The coarser grid, and what is kept for the way out."""
        grid = self.surroundings(grid, condition)
        return self.down(grid), grid


class LevelOut(nn.Module):
    """On the way out: twice the side, joined with what the way in kept, then a look at the surroundings."""

    def __init__(self, width: int, coarse_width: int, condition_width: int) -> None:
        super().__init__()
        self.up = nn.ConvTranspose2d(coarse_width, width, 2, stride=2)
        self.surroundings = Surroundings(width, condition_width)

    def forward(
        self,
        grid: Float[Tensor, "batch coarse_width half_row half_column"],
        kept: Float[Tensor, "batch width row column"],
        condition: Float[Tensor, "batch features"],
    ) -> Float[Tensor, "batch width row column"]:
        return self.surroundings(self.up(grid) + kept, condition)


class Surroundings(nn.Module):
    """Two 3 x 3 convolutions, the second modulated by the condition and zero at the start (a residual block as in
    Dhariwal & Nichol 2021)."""

    def __init__(self, width: int, condition_width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.modulation = nn.Linear(condition_width, 2 * width)
        self.second = nn.Conv2d(width, width, 3, padding=1)

    def forward(
        self, grid: Float[Tensor, "batch width row column"], condition: Float[Tensor, "batch features"]
    ) -> Float[Tensor, "batch width row column"]:
        shift, scale = self.modulation(condition)[:, :, None, None].chunk(2, dim=1)
        inner = self.first(F.silu(in_groups(grid)))
        return grid + self.second(F.silu(in_groups(inner) * (1 + scale) + shift))


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
        query = (normalise(query) * (self.query_gain / math.sqrt(query.shape[-1]))).to(value.dtype).transpose(1, 2)
        key = (normalise(key) * self.key_gain).to(value.dtype).transpose(1, 2)
        attention = ((query @ key.transpose(2, 3)).float() + bias).softmax(-1)
        if look is not None:
            look(attention)
        mixed = attention.to(value.dtype) @ value.transpose(1, 2)
        return self.attended(mixed.transpose(1, 2).flatten(2))


def as_grid(tokens: Float[Tensor, "batch token width"]) -> Float[Tensor, "batch width row column"]:
    side = math.isqrt(tokens.shape[1])
    return tokens.unflatten(1, (side, side)).permute(0, 3, 1, 2)  # and so the convolutions work channels last


def as_tokens(grid: Float[Tensor, "batch width row column"]) -> Float[Tensor, "batch token width"]:
    return grid.flatten(2).transpose(1, 2)


def in_groups(grid: Float[Tensor, "batch width row column"]) -> Float[Tensor, "batch width row column"]:
    """Group norm without gain (Wu & He 2018): it keeps how much stronger one place is than another, which a norm of
    each place by itself would lose."""
    return F.group_norm(grid.float(), grid.shape[1] // GROUP)


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
