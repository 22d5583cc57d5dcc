"""The networks of DCGAN (Radford et al. 2016), with a caption as the condition; WGAN-GP is taught with them, too.

Convolutions of stride 2 with batch normalisation, straight to pixels. WGAN-GP's critic has no normalisation, since its
penalty is about each sample by itself (Gulrajani et al. 2017, section 4). The papers have no captions: here the
caption joins the latent, and the critic's features are compared with it, as in `network.py`.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mindseye.imagine.adversarial.blocks import SLOPE, Squashed, normalised
from mindseye.imagine.adversarial.convolution import Convolution
from mindseye.imagine.gan.config import GanConfig
from mindseye.imagine.gan.network import scores

WEIGHT_STD = 0.02  # of all first weights (section 3)


class DcganGenerator(nn.Module):
    """From a latent and a sentence vector to a picture: transposed convolutions, batch norms, tanh."""

    def __init__(self, config: GanConfig) -> None:
        super().__init__()
        widths = dcgan_widths(config)
        self.sentence_in = nn.Linear(config.text_width, config.condition)
        self.start = nn.ConvTranspose2d(config.latent + config.condition, widths[0], config.base_px, bias=False)
        layers: list[nn.Module] = [nn.BatchNorm2d(widths[0]), nn.ReLU()]
        for width, width_out in zip(widths[:-1], widths[1:], strict=True):
            layers += [nn.ConvTranspose2d(width, width_out, 4, 2, 1, bias=False), nn.BatchNorm2d(width_out), nn.ReLU()]
        self.layers = nn.Sequential(*layers, nn.ConvTranspose2d(widths[-1], config.channels, 4, 2, 1), Squashed())
        start_small_(self)

    def forward(
        self, latent: Float[Tensor, "batch latent"], sentence: Float[Tensor, "batch text"]
    ) -> Float[Tensor, "batch channel height width"]:
        """The picture. In training the batch norms take the batch's statistics, in drawing those that they kept."""
        condition = self.sentence_in(normalised(sentence))
        return self.layers(self.start(torch.cat([latent, condition], dim=1)[:, :, None, None]))


class DcganCritic(nn.Module):
    """How real a picture looks for a caption.

    Args:
        norm: the normalisation of so many channels.
    """

    def __init__(self, config: GanConfig, norm: Callable[[int], nn.Module]) -> None:
        super().__init__()
        widths = dcgan_widths(config)[::-1]
        layers: list[nn.Module] = [Convolution(config.channels, widths[0], 4, 2, 1), nn.LeakyReLU(SLOPE)]
        for width, width_out in zip(widths[:-1], widths[1:], strict=True):
            layers += [Convolution(width, width_out, 4, 2, 1), norm(width_out), nn.LeakyReLU(SLOPE)]
        self.layers = nn.Sequential(*layers, Convolution(widths[-1], config.condition, config.base_px), nn.Flatten())
        self.sentence_in = nn.Linear(config.text_width, config.condition)
        start_small_(self.layers)

    def forward(
        self, pictures: Float[Tensor, "batch channel height width"], sentences: Float[Tensor, "batch caption text"]
    ) -> Float[Tensor, "batch caption"]:
        """See `network.Critic.forward`."""
        return scores(self.layers(pictures), self.sentence_in(normalised(sentences)))


def with_batch_norm(config: GanConfig) -> tuple[DcganGenerator, DcganCritic]:
    """DCGAN's networks. The critic keeps no statistics: it only ever looks at whole batches, in training."""
    return DcganGenerator(config), DcganCritic(config, lambda width: nn.BatchNorm2d(width, track_running_stats=False))


def without_norm_in_critic(config: GanConfig) -> tuple[DcganGenerator, DcganCritic]:
    """WGAN-GP's."""
    return DcganGenerator(config), DcganCritic(config, lambda width: nn.Identity())


def dcgan_widths(config: GanConfig) -> list[int]:
    """Channels from the coarsest grid to half the picture's edge."""
    stages = (config.size_px // config.base_px).bit_length() - 1
    return [min(config.width, config.width_out * 2**finer) for finer in reversed(range(stages))]


def start_small_(network: nn.Module) -> None:
    """N(0, 0.02) weights of convolutions, and N(1, 0.02) gains of norms, no biases."""
    for layer in network.modules():
        if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d, nn.BatchNorm2d)):
            nn.init.normal_(layer.weight, mean=float(isinstance(layer, nn.BatchNorm2d)), std=WEIGHT_STD)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
