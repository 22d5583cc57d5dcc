"""The discriminators of AttnGAN: one a stage, each asked twice (Xu et al. 2018, section 3.1; code of the authors).

Is this a real picture, whatever it shows (unconditional)? Is it one of this sentence (conditional)?
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mindseye.imagine.attngan.config import AttnGanConfig

SLOPE = 0.2  # of the leaky rectifier, below 0
WIDTHS = (1, 2, 4, 8)  # times Nd, of the last four convolutions that halve the grid
LAST = 8  # times Nd, of the coarsest grid


class Discriminator(nn.Module):
    """For pictures of one stage, `edge_px` along the edge."""

    def __init__(self, config: AttnGanConfig, edge_px: int) -> None:
        super().__init__()
        features = LAST * config.ndf
        self.trunk = trunk(config.channels, config.ndf, halvings=(edge_px // config.base_px).bit_length() - 1)
        self.unconditional = nn.Conv2d(features, 1, config.base_px)
        self.with_sentence = nn.Sequential(*block3x3(features + config.matcher.width, features))
        self.conditional = nn.Conv2d(features, 1, config.base_px)

    def forward(
        self, pictures: Float[Tensor, "batch channel height width"]
    ) -> Float[Tensor, "batch features row column"]:
        """What it sees in the pictures, before it is asked anything."""
        return self.trunk(pictures)

    def real(self, seen: Float[Tensor, "batch features row column"]) -> Float[Tensor, "batch"]:
        """The logit of: this is a real picture."""
        return self.unconditional(seen).flatten().float()

    def fits(
        self, seen: Float[Tensor, "batch features row column"], sentence: Float[Tensor, "batch width"]
    ) -> Float[Tensor, "batch"]:
        """The logit of: this is a real picture of this sentence, which stands at every place of the grid."""
        everywhere = sentence[:, :, None, None].expand(-1, -1, *seen.shape[2:])
        return self.conditional(self.with_sentence(torch.cat([seen, everywhere], dim=1))).flatten().float()


def trunk(channels: int, ndf: int, halvings: int) -> nn.Sequential:
    """Convolutions of stride 2 down to 8 Nd channels. With more than four they end wider than that, and 3 x 3
    convolutions lead back; without any a single one leads there."""
    if halvings == 0:
        return nn.Sequential(nn.Conv2d(channels, LAST * ndf, 3, padding=1), nn.LeakyReLU(SLOPE))
    beyond = [LAST * 2**more for more in range(1, halvings - len(WIDTHS) + 1)]
    widths = [factor * ndf for factor in (*WIDTHS[-halvings:], *beyond)]
    layers: list[nn.Module] = [nn.Conv2d(channels, widths[0], 4, 2, 1, bias=False), nn.LeakyReLU(SLOPE)]
    for width, width_out in zip(widths[:-1], widths[1:], strict=True):
        layers += [nn.Conv2d(width, width_out, 4, 2, 1, bias=False), norm(width_out), nn.LeakyReLU(SLOPE)]
    for _ in beyond:
        layers += block3x3(widths[-1], widths[-1] // 2)
        widths.append(widths[-1] // 2)
    return nn.Sequential(*layers)


def block3x3(width: int, width_out: int) -> list[nn.Module]:
    return [nn.Conv2d(width, width_out, 3, padding=1, bias=False), norm(width_out), nn.LeakyReLU(SLOPE)]


def norm(width: int) -> nn.BatchNorm2d:
    """It keeps no statistics: a discriminator only ever looks at whole batches, in training."""
    return nn.BatchNorm2d(width, track_running_stats=False)
