"""The networks of DF-GAN (Tao et al. 2022, sections 3.2 to 3.4). There is no normalisation layer in either."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from mindseye.imagine.adversarial.blocks import Squashed
from mindseye.imagine.adversarial.convolution import Convolution
from mindseye.imagine.dfgan.config import DfGanConfig

SLOPE = 0.2  # of the leaky rectifier, below 0


class Generator(nn.Module):
    """From z and a sentence to a picture; the sentence speaks in every block."""

    def __init__(self, config: DfGanConfig) -> None:
        super().__init__()
        widths = config.widths
        self.shape = (widths[0], config.base_px, config.base_px)
        self.start = nn.Linear(config.latent, widths[0] * config.base_px**2)
        about = config.latent + config.text_width
        self.blocks = nn.ModuleList(
            UpBlock(width, width_out, about, config.hidden)
            for width, width_out in zip(widths[:-1], widths[1:], strict=True)
        )
        self.to_picture = Convolution(widths[-1], config.channels, 3, padding=1)
        self.squashed = Squashed()

    def forward(
        self, latent: Float[Tensor, "batch latent"], sentence: Float[Tensor, "batch text"]
    ) -> Float[Tensor, "batch channel height width"]:
        """The picture, in [-1, 1].

        Args:
            sentence: as `normalised` gives it.
        """
        y = torch.cat([latent, sentence], dim=1)
        grid = self.start(latent).unflatten(1, self.shape)
        for block in self.blocks:
            grid = block(grid, y)
        return self.squashed(self.to_picture(F.leaky_relu(grid, SLOPE)))


class UpBlock(nn.Module):
    """Twice the resolution (nearest neighbour), then shortcut + residual with two deep fusion blocks."""

    def __init__(self, width: int, width_out: int, about: int, hidden: int) -> None:
        super().__init__()
        self.fuse1 = DeepFusion(width, about, hidden)
        self.conv1 = Convolution(width, width_out, 3, padding=1)
        self.fuse2 = DeepFusion(width_out, about, hidden)
        self.conv2 = Convolution(width_out, width_out, 3, padding=1)
        self.shortcut = shortcut(width, width_out)

    def forward(self, x: Float[Tensor, "batch width row column"], y: Float[Tensor, "batch about"]) -> Tensor:
        x = F.interpolate(x, scale_factor=2)
        residual = self.conv2(self.fuse2(self.conv1(self.fuse1(x, y)), y))
        return self.shortcut(x) + residual


class DeepFusion(nn.Module):
    """Affine, rectified, affine, rectified: more than one affine change by the text between two convolutions."""

    def __init__(self, width: int, about: int, hidden: int) -> None:
        super().__init__()
        self.first = Affine(width, about, hidden)
        self.second = Affine(width, about, hidden)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return F.leaky_relu(self.second(F.leaky_relu(self.first(x, y), SLOPE), y), SLOPE)


class Affine(nn.Module):
    """gamma(y) x + beta(y), a scale and a shift for each channel (Eqs. 2 and 3); starts as x itself."""

    def __init__(self, width: int, about: int, hidden: int) -> None:
        super().__init__()
        self.gamma, self.beta = perceptron(about, hidden, width, start=1.0), perceptron(about, hidden, width, start=0.0)

    def forward(
        self, x: Float[Tensor, "batch width row column"], y: Float[Tensor, "batch about"]
    ) -> Float[Tensor, "batch width row column"]:
        return self.gamma(y)[:, :, None, None] * x + self.beta(y)[:, :, None, None]


def perceptron(width: int, hidden: int, width_out: int, start: float) -> nn.Sequential:
    """Two layers, which give `start` at first, whatever they are given."""
    last = nn.Linear(hidden, width_out)
    nn.init.zeros_(last.weight)
    nn.init.constant_(last.bias, start)
    return nn.Sequential(nn.Linear(width, hidden), nn.ReLU(), last)


class Discriminator(nn.Module):
    """How real a picture looks and how well it fits a sentence, in one score: the one-way output."""

    def __init__(self, config: DfGanConfig) -> None:
        super().__init__()
        widths = config.widths[::-1]
        self.first = Convolution(config.channels, widths[0], 3, padding=1)
        self.blocks = nn.Sequential(
            *(DownBlock(width, width_out) for width, width_out in zip(widths[:-1], widths[1:], strict=True))
        )
        self.with_sentence = Convolution(widths[-1] + config.text_width, 2 * config.nf, 3, padding=1, bias=False)
        self.score = Convolution(2 * config.nf, 1, config.base_px, bias=False)

    def forward(
        self, pictures: Float[Tensor, "batch channel height width"]
    ) -> Float[Tensor, "batch features row column"]:
        """What it sees in the pictures."""
        return self.blocks(self.first(pictures))

    def fits(
        self, seen: Float[Tensor, "batch features row column"], sentence: Float[Tensor, "batch text"]
    ) -> Float[Tensor, "batch"]:
        """D(x, e), with the sentence at every place of the grid."""
        everywhere = sentence[:, :, None, None].expand(-1, -1, *seen.shape[2:])
        joint = F.leaky_relu(self.with_sentence(torch.cat([seen, everywhere], dim=1)), SLOPE)
        return self.score(joint).flatten().float()


class DownBlock(nn.Module):
    """Half the resolution: shortcut of averages + a residual, whose learnt weight starts at 0."""

    def __init__(self, width: int, width_out: int) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            Convolution(width, width_out, 4, 2, 1, bias=False),
            nn.LeakyReLU(SLOPE),
            Convolution(width_out, width_out, 3, padding=1, bias=False),
            nn.LeakyReLU(SLOPE),
        )
        self.weight = nn.Parameter(torch.zeros(1))
        self.shortcut = shortcut(width, width_out)

    def forward(self, x: Tensor) -> Tensor:
        return F.avg_pool2d(self.shortcut(x), 2) + self.weight * self.residual(x)


def shortcut(width: int, width_out: int) -> nn.Module:
    """A 1 x 1 convolution where the widths differ."""
    return nn.Identity() if width == width_out else Convolution(width, width_out, 1)


def normalised(sentence: Float[Tensor, "batch text"]) -> Float[Tensor, "batch text"]:
    """Sentence vectors e of root mean square 1, so that a gradient by them means the same for all; none stays 0."""
    return F.rms_norm(sentence.float(), sentence.shape[-1:])
