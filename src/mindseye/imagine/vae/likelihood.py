"""p(x | c): how likely a picture is, given what the decoder gives for its code c.

| name            | the decoder gives                    | -log p(x | c) in training                                  |
| --------------- | ------------------------------------ | ---------------------------------------------------------- |
| `optimal-sigma` | the mean of each number of a picture | Gaussian, sigma from the errors of the batch (sigma-VAE)   |
| `gaussian`      | the same                             | Gaussian, sigma from the settings                          |
| `categorical`   | a logit for each colour at each pixel | cross-entropy over the colours of the collection's palette |
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Protocol

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from mindseye.imagine.palette import Palette
from mindseye.imagine.vae.config import LikelihoodName, VaeConfig

LOG_2PI = math.log(2 * math.pi)
LEVELS = 256  # of each number of a stored picture
CERTAIN = 10.0  # nats by which a colour stands above the others where there is no doubt

Pictures = Float[Tensor, "*batch channel height width"]
Decoded = Float[Tensor, "*batch output height width"]


class Likelihood(Protocol):
    """A kind of p(x | c). It is also an `nn.Module`.

    Attributes:
        levels: values that each of the whole numbers of a picture may take.
    """

    levels: int

    def read(self, pictures: Pictures) -> Tensor:
        """Pictures in [-1, 1], RGBA premultiplied, as that which has a probability."""
        ...

    def show(self, decoded: Decoded) -> Pictures:
        """The likeliest picture, in [-1, 1]."""
        ...

    def certain(self, read: Tensor) -> Decoded:
        """What a decoder gives that has no doubt."""
        ...

    def cost(self, read: Tensor, decoded: Decoded) -> Float[Tensor, "batch"]:
        """-log p(x | c) of each picture in nats, as training counts it."""
        ...

    def log_probability(self, read: Tensor, decoded: Decoded, sigma: float) -> Float[Tensor, "batch"]:
        """log P(x | c) of each picture as it is stored, in nats.

        Args:
            read: by `read`.
            decoded: what the decoder gives.
            sigma: of a finished model; of no account where the likelihood has none.
        """
        ...


# ------------------------------------------------------------------------------------------------ of numbers


class Gaussian(nn.Module):
    """N(x_hat, sigma^2) for every number of a picture."""

    levels = LEVELS

    def __init__(self, config: VaeConfig) -> None:
        super().__init__()
        self.config = config

    def read(self, pictures: Tensor) -> Tensor:
        return pictures

    def show(self, decoded: Tensor) -> Tensor:
        return decoded.clamp(-1, 1)

    def certain(self, read: Tensor) -> Tensor:
        return read

    def cost(self, read: Tensor, decoded: Tensor) -> Tensor:
        return COSTS[self.config.likelihood](read, decoded, self.config)

    def log_probability(self, read: Tensor, decoded: Tensor, sigma: float) -> Tensor:
        return log_probability(read, decoded, sigma)


def optimal_sigma(pictures: Pictures, decoded: Pictures, config: VaeConfig) -> Float[Tensor, "batch"]:
    """-log N(x; x_hat, sigma^2) at the batch's best sigma^2, mean (x - x_hat)^2 (sigma-VAE, Rybkin et al. 2021).

    No weight between the two parts of the loss is left to tune: the better the pictures get, the more precise they must
    be. Sigma stays above `least_sigma`, since pictures that are known by heart are predicted better than any others.
    """
    error = (pictures - decoded).square().mean()
    variance = error.clamp(min=config.least_sigma**2)
    return (config.numbers / 2 * (variance.log() + LOG_2PI + error / variance)).expand(len(pictures))


def fixed_sigma(pictures: Pictures, decoded: Pictures, config: VaeConfig) -> Float[Tensor, "batch"]:
    """-log N(x; x_hat, sigma^2) at the sigma of the settings."""
    return -gaussian_log_likelihood(pictures, decoded, config.sigma)


def gaussian_log_likelihood(pictures: Pictures, decoded: Pictures, sigma: float) -> Float[Tensor, "*batch"]:
    """log N(x; x_hat, sigma^2), summed over a picture."""
    scaled = ((pictures - decoded) / sigma).square()
    return -0.5 * (scaled + LOG_2PI + 2 * math.log(sigma)).flatten(-3).sum(-1)


COSTS: dict[LikelihoodName, Callable[[Tensor, Tensor, VaeConfig], Tensor]] = {
    "optimal-sigma": optimal_sigma,
    "gaussian": fixed_sigma,
}

# The sigma of a finished model, from its root mean squared error: what the loss of its training takes.
SIGMAS: dict[LikelihoodName, Callable[[float, VaeConfig], float]] = {
    "optimal-sigma": lambda error, config: max(error, config.least_sigma),
    "gaussian": lambda error, config: config.sigma,
}


def log_probability(pictures: Pictures, decoded: Pictures, sigma: float) -> Float[Tensor, "*batch"]:
    """log P(x | c) of a picture in 256 levels: N(x_hat, sigma^2), cut in the middle between levels and summed.

        P(n) = Phi((x + 1/255 - x_hat) / sigma) - Phi((x - 1/255 - x_hat) / sigma),    x = n / 127.5 - 1

    and the lowest and the highest level take what lies beyond them (Ho et al. 2020, Eq. 13). Unlike a density, which
    has no upper limit, it is a probability of the picture as it is stored. The difference is taken in the lower tail of
    the normal distribution, where it loses no digits.
    """
    level = ((pictures + 1) * ((LEVELS - 1) / 2)).round().clamp(0, LEVELS - 1)
    value, half_step = level / ((LEVELS - 1) / 2) - 1, 1 / (LEVELS - 1)
    near, far = ((step - (value - decoded).abs()) / sigma for step in (half_step, -half_step))
    upper = torch.special.log_ndtr(near)
    between = upper + torch.log(-torch.expm1(torch.special.log_ndtr(far) - upper))
    below, above = ((sign * (value - decoded) + half_step) / sigma for sign in (1, -1))
    lowest, highest = torch.special.log_ndtr(below), torch.special.log_ndtr(above)
    each = torch.where(level == 0, lowest, torch.where(level == LEVELS - 1, highest, between))
    return each.flatten(-3).sum(-1)


# ------------------------------------------------------------------------------------------------ of colours


class Categorical(nn.Module):
    """A softmax over the colours of the palette for every pixel. The likeliest picture has colours of the palette, each
    in full and none between: what is not known becomes the likelier of two colours instead of a blend of both.

    Raises:
        BadInput: the settings have no palette.
    """

    def __init__(self, config: VaeConfig) -> None:
        super().__init__()
        self.palette = Palette(config.palette, config.channels)
        self.levels = len(config.palette)

    def read(self, pictures: Tensor) -> Int[Tensor, "batch height width"]:
        return self.palette.read(pictures)

    def show(self, decoded: Tensor) -> Tensor:
        return self.palette.show(decoded.argmax(1))

    def certain(self, read: Tensor) -> Tensor:
        return CERTAIN * F.one_hot(read, self.levels).movedim(-1, 1).float()

    def cost(self, read: Tensor, decoded: Tensor) -> Tensor:
        return F.cross_entropy(decoded, read, reduction="none").flatten(1).sum(1)

    def log_probability(self, read: Tensor, decoded: Tensor, sigma: float) -> Tensor:
        return -self.cost(read, decoded)


LIKELIHOODS: dict[LikelihoodName, Callable[[VaeConfig], Any]] = {
    "optimal-sigma": Gaussian,
    "gaussian": Gaussian,
    "categorical": Categorical,
}
