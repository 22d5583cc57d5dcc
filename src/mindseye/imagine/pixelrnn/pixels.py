"""What a pixel is: how it is written as whole numbers, what a network is told of it, and how likely it is.

A pixel is one or several whole numbers: the index of a colour, or a level for each channel. The numbers of one pixel
are predicted one after another, each knowing those before it:

    p(pixel | h) = p(n_1 | h) p(n_2 | h, n_1) ...        van den Oord et al. 2016, Eq. 2; h is what the network gives

so every arm here is a table of log-probabilities of the next number, and all of them are drawn from in one way.

| name         | numbers a pixel | the distribution of each                              |
| ------------ | --------------- | ----------------------------------------------------- |
| `palette`    | 1               | softmax over the colours of the collection            |
| `levels`     | 1 a channel     | softmax over 256 levels                               |
| `logistics`  | 1 a channel     | a mixture of discretised logistics (PixelCNN++)       |
| `regression` | 1 a channel     | none: a single guess, the mean, which is grey         |
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from mindseye.imagine.palette import Palette
from mindseye.imagine.pixelrnn.config import PixelRNNConfig

LEVELS = 256
IMPOSSIBLE = 1e4  # nats; finite, so that guidance can reckon with it
LEAST_LOG_SCALE = -7.0  # of a logistic, in units of half the range; PixelCNN++'s bound


class Pixels(Protocol):
    """What a pixel is. It is also an `nn.Module`.

    Attributes:
        numbers: how many whole numbers a pixel has.
        levels: how many values each may take.
        probabilistic: whether there is a likelihood.
    """

    numbers: int
    levels: int
    probabilistic: bool

    def read(self, pictures: Float[Tensor, "batch channel height width"]) -> Int[Tensor, "batch height width number"]:
        """Pictures in [-1, 1], RGBA premultiplied, as whole numbers."""
        ...

    def show(self, pixels: Int[Tensor, "batch height width number"]) -> Float[Tensor, "batch channel height width"]:
        """The way back."""
        ...

    def embed(self, pixels: Int[Tensor, "... number"]) -> Float[Tensor, "... feature"]:
        """What a network is told of each pixel."""
        ...

    def cost(self, features: Float[Tensor, "... feature"], pixels: Int[Tensor, "... number"]) -> Float[Tensor, "..."]:
        """The cost of each pixel, -log p(pixel | features) in nats; without a likelihood, its squared error."""
        ...

    def log_probabilities(
        self, features: Float[Tensor, "batch feature"], known: Int[Tensor, "batch number"]
    ) -> Float[Tensor, "batch level"]:
        """log p(number | features, `known`): of a pixel's next number, where `known` are those before it."""
        ...


class OneOfPalette(nn.Module):
    """A pixel is one of N colours, by the collection's palette.

    Raises:
        BadInput: the settings have no palette.
    """

    numbers = 1
    probabilistic = True

    def __init__(self, config: PixelRNNConfig) -> None:
        super().__init__()
        self.palette = Palette(config.palette, config.channels)
        self.levels = len(config.palette)
        self.embedding = nn.Embedding(self.levels, config.width)
        self.out = nn.Linear(config.width, self.levels)

    def read(self, pictures: Tensor) -> Tensor:
        return self.palette.read(pictures)[..., None]

    def show(self, pixels: Tensor) -> Tensor:
        return self.palette.show(pixels[..., 0])

    def embed(self, pixels: Tensor) -> Tensor:
        return self.embedding(pixels[..., 0])

    def cost(self, features: Tensor, pixels: Tensor) -> Tensor:
        return _cross_entropy(self.out(features), pixels[..., 0])

    def log_probabilities(self, features: Tensor, known: Tensor) -> Tensor:
        return self.out(features).log_softmax(-1)


class Levels(nn.Module):
    """A pixel is a level, 0 to 255, for each channel, each of them a softmax.

    The paper lets a channel know those before it by masks on groups of features in every layer; here it is the last
    layer alone that tells it.
    """

    levels = LEVELS
    probabilistic = True
    first: Int[Tensor, "channel"]

    def __init__(self, config: PixelRNNConfig) -> None:
        super().__init__()
        self.numbers = config.channels
        self.register_buffer("first", torch.arange(self.numbers) * LEVELS, persistent=False)
        self.embedding = nn.Embedding(self.numbers * LEVELS, config.width)
        self.known = nn.Embedding(self.numbers * LEVELS, config.width)
        self.out = nn.ModuleList(nn.Linear(config.width, LEVELS) for _ in range(self.numbers))

    def read(self, pictures: Tensor) -> Tensor:
        return _levels_of(pictures)

    def show(self, pixels: Tensor) -> Tensor:
        return _pictures_of(pixels)

    def embed(self, pixels: Tensor) -> Tensor:
        return self.embedding(pixels + self.first).sum(-2)

    def cost(self, features: Tensor, pixels: Tensor) -> Tensor:
        each = [
            _cross_entropy(self._logits(features, pixels[..., :number]), pixels[..., number])
            for number in range(self.numbers)
        ]
        return torch.stack(each, -1).sum(-1)

    def log_probabilities(self, features: Tensor, known: Tensor) -> Tensor:
        return self._logits(features, known).log_softmax(-1)

    def _logits(self, features: Tensor, known: Tensor) -> Tensor:
        number = known.shape[-1]
        told = self.known(known + self.first[:number]).sum(-2)
        return self.out[number](F.relu(features + told))


class Logistics(nn.Module):
    """A pixel is a level for each channel, by one mixture of discretised logistics (Salimans et al. 2017, Eq. 1 to 3).

        P(n | mu, s) = sigma((x + 1/255 - mu) / s) - sigma((x - 1/255 - mu) / s),    x = n / 127.5 - 1

    and the lowest and the highest level take what lies beyond them. A component's mean for a channel depends linearly
    on the pixel's channels before.
    """

    levels = LEVELS
    probabilistic = True

    def __init__(self, config: PixelRNNConfig) -> None:
        super().__init__()
        self.numbers, self.mixtures = config.channels, config.mixtures
        pairs = self.numbers * (self.numbers - 1) // 2
        self.parts = (1, self.numbers, self.numbers, pairs)  # weight, means, log scales, what channels say of others
        self.value_in = nn.Linear(self.numbers, config.width)
        self.out = nn.Linear(config.width, sum(self.parts) * self.mixtures)

    def read(self, pictures: Tensor) -> Tensor:
        return _levels_of(pictures)

    def show(self, pixels: Tensor) -> Tensor:
        return _pictures_of(pixels)

    def embed(self, pixels: Tensor) -> Tensor:
        return self.value_in(_values(pixels))

    def cost(self, features: Tensor, pixels: Tensor) -> Tensor:
        return -self._weights_after(*self._components(features), pixels).logsumexp(-1)

    def log_probabilities(self, features: Tensor, known: Tensor) -> Tensor:
        """log sum_k w_k P_k(n), where w_k is how likely component k is after the channels that are known."""
        log_weights, means, log_scales, slopes = self._components(features)
        weights = self._weights_after(log_weights, means, log_scales, slopes, known).log_softmax(-1)
        number = known.shape[-1]
        mean = _mean(number, means, slopes, _values(known))
        every = torch.arange(LEVELS, device=features.device)[:, None]
        each = log_logistic(every, mean[..., None, :], log_scales[..., None, number, :])
        return (weights[..., None, :] + each).logsumexp(-1)

    def _components(self, features: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Log weights [..., 1, mixture], means and log scales [..., number, mixture], slopes [..., pair, mixture]."""
        out = self.out(features).float().unflatten(-1, (sum(self.parts), self.mixtures))
        weights, means, log_scales, slopes = out.split(self.parts, dim=-2)
        return weights[..., 0, :].log_softmax(-1), means, log_scales.clamp(min=LEAST_LOG_SCALE), slopes.tanh()

    def _weights_after(
        self, log_weights: Tensor, means: Tensor, log_scales: Tensor, slopes: Tensor, known: Tensor
    ) -> Float[Tensor, "... mixture"]:
        """log w_k + log P_k(known): how likely each component and the numbers that are known are together."""
        values = _values(known)
        for number in range(known.shape[-1]):
            mean = _mean(number, means, slopes, values)
            log_weights = log_weights + log_logistic(known[..., number, None], mean, log_scales[..., number, :])
        return log_weights


def log_logistic(level: Int[Tensor, "..."], mean: Float[Tensor, "..."], log_scale: Float[Tensor, "..."]) -> Tensor:
    """log P(level) of a logistic that is cut into 256 levels, in [-1, 1].

    With sigma(a) - sigma(b) = sigma(a) sigma(-b) (1 - e^(b - a)) there is no difference of nearly equal numbers, so no
    special case is needed far from the mean (PixelCNN++ replaces the difference by the density there).
    """
    value = level / ((LEVELS - 1) / 2) - 1
    half_step = 1 / (LEVELS - 1)
    inverse = torch.exp(-log_scale)
    above = F.logsigmoid((value + half_step - mean) * inverse)
    below = F.logsigmoid((mean - value + half_step) * inverse)
    between = above + below + torch.log(-torch.expm1(-2 * half_step * inverse))
    return torch.where(level == 0, above, torch.where(level == LEVELS - 1, below, between))


def _mean(number: int, means: Tensor, slopes: Tensor, values: Float[Tensor, "... number"]) -> Float[Tensor, "... mix"]:
    """The components' means for one channel, given the values of those before."""
    first = number * (number - 1) // 2  # of the pairs that end in this channel
    mine = slopes[..., first : first + number, :]
    return means[..., number, :] + (mine * values[..., :number, None]).sum(-2)


class Regression(nn.Module):
    """A pixel is its mean colour, sigma(h), learnt by squared error: a lesson in what not to do.

    Where a pixel may as well be black as white, the mean of both costs least. So it draws grey, and always the same.
    """

    levels = LEVELS
    probabilistic = False

    def __init__(self, config: PixelRNNConfig) -> None:
        super().__init__()
        self.numbers = config.channels
        self.value_in = nn.Linear(self.numbers, config.width)
        self.out = nn.Linear(config.width, self.numbers)

    def read(self, pictures: Tensor) -> Tensor:
        return _levels_of(pictures)

    def show(self, pixels: Tensor) -> Tensor:
        return _pictures_of(pixels)

    def embed(self, pixels: Tensor) -> Tensor:
        return self.value_in(_values(pixels))

    def cost(self, features: Tensor, pixels: Tensor) -> Tensor:
        guess = self.out(features).float().sigmoid()
        return (guess - pixels / (LEVELS - 1)).square().sum(-1)

    def log_probabilities(self, features: Tensor, known: Tensor) -> Tensor:
        """All on the level that is nearest to the guess; the others are as good as impossible."""
        guess = (self.out(features)[..., known.shape[-1]].sigmoid() * (LEVELS - 1)).round().long()
        return (F.one_hot(guess, LEVELS) - 1.0) * IMPOSSIBLE


PIXELS: dict[str, Callable[[PixelRNNConfig], Any]] = {
    "palette": OneOfPalette,
    "levels": Levels,
    "logistics": Logistics,
    "regression": Regression,
}


def _cross_entropy(logits: Float[Tensor, "... level"], level: Int[Tensor, "..."]) -> Float[Tensor, "..."]:
    flat = F.cross_entropy(logits.float().flatten(0, -2), level.flatten(), reduction="none")
    return flat.unflatten(0, level.shape)


def _levels_of(pictures: Float[Tensor, "batch channel height width"]) -> Int[Tensor, "batch height width channel"]:
    return ((pictures.float() + 1) * ((LEVELS - 1) / 2)).round().clamp(0, LEVELS - 1).long().movedim(1, -1)


def _pictures_of(levels: Int[Tensor, "batch height width channel"]) -> Float[Tensor, "batch channel height width"]:
    return _values(levels).movedim(-1, 1)


def _values(levels: Int[Tensor, "..."]) -> Float[Tensor, "..."]:
    """Levels as numbers in [-1, 1]."""
    return levels / ((LEVELS - 1) / 2) - 1
