"""Rectified flow as diffusers' own training scripts do it; for the peers whose networks come from that library.

x_s = (1 - s) x + s e, and the network predicts e - x (SD3, Esser et al. 2024). Sampling is that library's
`FlowMatchEulerDiscreteScheduler` with classifier-free guidance: as much as ours has, at the same noise levels, and with
clean pictures cut to [-1, 1], too, so that none draws with what the other goes without.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from diffusers import FlowMatchEulerDiscreteScheduler
from torch import Tensor, nn
from torch.nn import functional as F

import ours
from mindseye.learn.batch import Words

SHIFT = 3.0  # SD3's, and ours
CAPTION_DROP = 0.1
Network = Callable[[Tensor, Tensor, Words], Tensor]  # (noisy, timestep 0 to 1000, words) to velocity


def loss(network: Network, pictures: Tensor, words: Words, sigma: Tensor, noise: Tensor) -> Tensor:
    """Mean squared error of the velocity."""
    s = sigma[:, None, None, None]
    return F.mse_loss(network((1 - s) * pictures + s * noise, 1000 * sigma, words), noise - pictures)


def noise_for(pictures: Tensor, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
    """Noise levels, logit-normal as in SD3, and noise."""
    sigma = torch.randn(len(pictures), generator=generator).sigmoid()
    return sigma, torch.randn(pictures.shape, generator=generator)


def drop_captions(words: Words, empty: Words, generator: torch.Generator) -> Words:
    """A tenth of the captions replaced by the empty prompt, for guidance."""
    dropped = torch.rand(len(words.mask), generator=generator) < CAPTION_DROP
    none = empty.rows([0] * len(words.mask))
    return Words(
        torch.where(dropped[:, None, None], none.tokens, words.tokens),
        torch.where(dropped[:, None], none.mask, words.mask),
        torch.where(dropped[:, None], none.sentence, words.sentence),
    )


@torch.no_grad()
def sample(network: Network, words: Words, empty: Words, noise: Tensor, calls: int) -> Tensor:
    """Pictures from noise in so many network calls, each over both conditions at once where guidance has a say."""
    scheduler = FlowMatchEulerDiscreteScheduler(shift=SHIFT)
    scheduler.set_timesteps(calls)
    both = Words.cat([words, empty.rows([0] * len(words.mask))])
    x = noise
    for t in scheduler.timesteps:
        sigma = float(t) / 1000
        weight = ours.guidance_at(sigma)
        if weight == 1:
            velocity = network(x, t.expand(len(x)), words)
        else:
            with_caption, without = network(torch.cat([x, x]), t.expand(2 * len(x)), both).chunk(2)
            velocity = without + weight * (with_caption - without)
        clean = (x - sigma * velocity).clamp(-1, 1)
        x = scheduler.step((x - clean) / sigma, t, x).prev_sample
    return x


def noise_of(seeds: Sequence[int], shape: tuple[int, ...]) -> Tensor:
    """A picture's noise from its own seed."""
    return torch.stack([torch.randn(shape, generator=torch.Generator().manual_seed(seed)) for seed in seeds])


def parameters_of(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def in_groups(count: int, size: int) -> list[range]:
    """0 to count - 1 in ranges of at most `size`."""
    return [range(begin, min(begin + size, count)) for begin in range(0, count, size)]
