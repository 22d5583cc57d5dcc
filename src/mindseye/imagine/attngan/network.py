"""The generator of AttnGAN (Xu et al. 2018, section 3.1): m stages, each with a hidden grid h and a picture of its own.

    h_0 = F_0(z, F_ca(e-bar))                                                     from the sentence          (Eq. 1)
    h_i = F_i(h_(i-1), F_i^attn(e, h_(i-1))),   i = 1 ... m - 1                   from the words             (Eq. 1)
    x_i = G_i(h_i)                                                                the stage's picture        (Eq. 1)

Each F_i doubles the grid, so a stage's picture is twice as large as the one before. GLU(a, b) = a sigma(b) is the only
non-linearity. What the words e and the sentence e-bar are, `observe/damsm/network.py` says.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional as F

from mindseye.imagine.adversarial.blocks import Squashed
from mindseye.imagine.attngan.config import AttnGanConfig
from mindseye.imagine.family import Stage

WIDEST = 16  # the first grid has at most this many times Ng channels


class Generator(nn.Module):
    """All stages."""

    def __init__(self, config: AttnGanConfig) -> None:
        super().__init__()
        width, ngf = config.matcher.width, config.ngf
        later = range(1, config.stages)
        self.augment = ConditioningAugmentation(width, config.condition)
        self.first = FirstStage(config)
        self.attend = nn.ModuleList(WordAttention(width, ngf) for _ in later)
        self.next = nn.ModuleList(NextStage(ngf, config.residuals) for _ in later)
        self.to_picture = nn.ModuleList(
            nn.Sequential(conv3x3(ngf, config.channels), Squashed()) for _ in range(config.stages)
        )

    def forward(
        self,
        latent: Float[Tensor, "batch latent"],
        condition: Float[Tensor, "batch condition"],
        words: Float[Tensor, "batch word width"],
        mask: Bool[Tensor, "batch word"],
    ) -> Iterator[Stage]:
        """Yields one stage after another, from the roughest to the finest; the first knows the sentence only.

        Args:
            latent: z, standard normal.
            condition: as `augment` gives it.
            words, mask: e, and True where a word stands; at least one in each caption.
        """
        hidden = self.first(torch.cat([condition, latent], dim=1))
        yield Stage(self.to_picture[0](hidden), None)
        for attend, refine, to_picture in zip(self.attend, self.next, self.to_picture[1:], strict=True):
            context, attention = attend(hidden, words, mask)
            hidden = refine(torch.cat([hidden, context], dim=1))
            yield Stage(to_picture(hidden), attention)


class ConditioningAugmentation(nn.Module):
    """F_ca: the sentence as a normal distribution, so that few captions fill the space between them (Zhang et al. 2017,
    StackGAN, section 3.2)."""

    def __init__(self, width: int, condition: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, 4 * condition)

    def forward(
        self, sentence: Float[Tensor, "batch width"], noise: Float[Tensor, "batch condition"]
    ) -> tuple[Float[Tensor, "batch condition"], Float[Tensor, "batch condition"], Float[Tensor, "batch condition"]]:
        """c = mu + exp(s / 2) noise, with mu and s, the log of the variance."""
        mean, log_variance = F.glu(self.linear(sentence), dim=1).float().chunk(2, dim=1)
        return mean + torch.exp(log_variance / 2) * noise, mean, log_variance


class WordAttention(nn.Module):
    """F^attn: for each place of the grid the words that it needs (Eqs. 2 and 3); e' = U e."""

    def __init__(self, width: int, ngf: int) -> None:
        super().__init__()
        self.U = nn.Linear(width, ngf, bias=False)

    def forward(
        self,
        hidden: Float[Tensor, "batch ngf row column"],
        words: Float[Tensor, "batch word width"],
        mask: Bool[Tensor, "batch word"],
    ) -> tuple[Float[Tensor, "batch ngf row column"], Float[Tensor, "batch word row column"]]:
        """The word context c of every place, and beta."""
        return word_context(hidden, self.U(words), mask)


def word_context(
    hidden: Float[Tensor, "batch ngf row column"],
    words: Float[Tensor, "batch word ngf"],
    mask: Bool[Tensor, "batch word"],
) -> tuple[Float[Tensor, "batch ngf row column"], Float[Tensor, "batch word row column"]]:
    """s_ji = h_j . e'_i,   beta_j = softmax of s_j over the words i of this caption,   c_j = sum_i beta_ji e'_i.

    Words keep an axis of their own, so a caption's padding cannot be laid over the places of another one. (The authors'
    code flattens captions and places into one axis in one order and the mask in the other.)
    """
    scores = torch.einsum("bgrc,bwg->bwrc", hidden, words).float()
    beta = scores.masked_fill(~mask[:, :, None, None], -torch.inf).softmax(dim=1)
    return torch.einsum("bwrc,bwg->bgrc", beta.to(words.dtype), words), beta


class FirstStage(nn.Module):
    """F_0: a vector becomes a small grid, which is doubled until it is the first picture's."""

    def __init__(self, config: AttnGanConfig) -> None:
        super().__init__()
        doublings = (config.edges_px[0] // config.base_px).bit_length() - 1
        widths = [config.ngf * min(2**more, WIDEST) for more in reversed(range(doublings + 1))]
        self.shape = (widths[0], config.base_px, config.base_px)
        numbers = widths[0] * config.base_px**2
        self.linear = nn.Sequential(
            nn.Linear(config.latent + config.condition, 2 * numbers, bias=False), nn.BatchNorm1d(2 * numbers), nn.GLU(1)
        )
        self.doublings = nn.Sequential(*(up_block(*pair) for pair in zip(widths[:-1], widths[1:], strict=True)))

    def forward(self, code: Float[Tensor, "batch code"]) -> Float[Tensor, "batch ngf row column"]:
        return self.doublings(self.linear(code).unflatten(1, self.shape))


class NextStage(nn.Module):
    """F_i: residual blocks on the grid and its word context side by side, then twice the resolution."""

    def __init__(self, ngf: int, residuals: int) -> None:
        super().__init__()
        self.residuals = nn.Sequential(*(Residual(2 * ngf) for _ in range(residuals)))
        self.up = up_block(2 * ngf, ngf)

    def forward(self, x: Float[Tensor, "batch twice_ngf row column"]) -> Float[Tensor, "batch ngf row2 column2"]:
        return self.up(self.residuals(x))


class Residual(nn.Module):
    """x + norm(conv(GLU(norm(conv(x)))))."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            conv3x3(width, 2 * width),
            nn.BatchNorm2d(2 * width),
            nn.GLU(1),
            conv3x3(width, width),
            nn.BatchNorm2d(width),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.branch(x)


def up_block(width: int, width_out: int) -> nn.Sequential:
    """Twice the resolution (nearest neighbour), then a convolution, a batch norm and a GLU."""
    return nn.Sequential(
        nn.Upsample(scale_factor=2, mode="nearest"),
        conv3x3(width, 2 * width_out),
        nn.BatchNorm2d(2 * width_out),
        nn.GLU(1),
    )


def conv3x3(width: int, width_out: int) -> nn.Conv2d:
    return nn.Conv2d(width, width_out, 3, padding=1, bias=False)
