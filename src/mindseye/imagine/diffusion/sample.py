"""Drawing: samplers as functions of one signature, guidance, and the loop from noise to picture.

A sampler solves dx/dt = v(x, t) from t = 1 to t = 0. It is given `velocity(x, t)`, the noise and the times, and yields
x after each step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor

from mindseye.imagine.diffusion.config import DiffusionConfig
from mindseye.imagine.diffusion.network import DiffusionTransformer
from mindseye.imagine.diffusion.objective import velocity
from mindseye.imagine.family import Progress
from mindseye.learn.batch import Words
from mindseye.learn.device import fast_arithmetic
from mindseye.learn.side_by_side import side_by_side
from mindseye.randomness import rng_at

# Pictures drawn in one pass; always this many rows, so that the bytes do not depend on the request. A processor draws
# one on each core; a graphics card several at once.
TOGETHER = {"cpu": 1}
TOGETHER_ELSEWHERE = 16

Velocity = Callable[[Tensor, Tensor], Tensor]
Sampler = Callable[[Velocity, Tensor, Tensor], Iterator[Tensor]]


def euler(field: Velocity, x: Tensor, times: Float[Tensor, "step_and_one"]) -> Iterator[Tensor]:
    """First order, one call of the network a step."""
    for t, t_next in zip(times[:-1], times[1:], strict=True):
        x = x + (t_next - t) * field(x, t)
        yield x


def heun(field: Velocity, x: Tensor, times: Float[Tensor, "step_and_one"]) -> Iterator[Tensor]:
    """Second order, two calls a step; the last step, to t = 0, is Euler's (as in EDM, Karras et al. 2022)."""
    for t, t_next in zip(times[:-1], times[1:], strict=True):
        slope = field(x, t)
        ahead = x + (t_next - t) * slope
        if t_next > 0:
            slope = (slope + field(ahead, t_next)) / 2
            ahead = x + (t_next - t) * slope
        x = ahead
        yield x


def adams_bashforth(field: Velocity, x: Tensor, times: Float[Tensor, "step_and_one"]) -> Iterator[Tensor]:
    """Second order, one call a step: the slope of the step before is used again (variable-step Adams-Bashforth)."""
    before = None
    for t, t_next in zip(times[:-1], times[1:], strict=True):
        slope = field(x, t)
        step = t_next - t
        if before is None:
            x = x + step * slope
        else:
            slope_before, step_before = before
            x = x + step * (slope + (step / step_before) / 2 * (slope - slope_before))
        before = slope, step
        yield x


def shifted_times(steps: int, shift: float) -> Float[Tensor, "step_and_one"]:
    """From 1 down to 0: even steps u, moved to t = s u / (1 + (s - 1) u) (Esser et al. 2024, Eq. 23)."""
    even = torch.linspace(1, 0, steps + 1, dtype=torch.float64)
    return (shift * even / (1 + (shift - 1) * even)).float()


SAMPLERS: dict[str, Sampler] = {"heun": heun, "euler": euler, "adams-bashforth": adams_bashforth}


def guided(with_caption: Tensor, against: Tensor, weight: float) -> Tensor:
    """Classifier-free guidance (Ho & Salimans 2022): U + w (C - U); w = 1 is C itself, w = 0 is U itself, bit for bit.

    `against` is the prediction without a caption, or with the negative prompt.
    """
    if weight == 1:
        return with_caption
    return against + weight * (with_caption - against) if weight else against


def draw_pictures(
    network: DiffusionTransformer,
    config: DiffusionConfig,
    words: Words,
    negative: Words | None,
    seeds: Sequence[int],
    *,
    sampler: Sampler,
    times: Float[Tensor, "step_and_one"],
    guidance: float,
) -> Iterator[Progress]:
    """Draws one picture a seed, in groups of a fixed size.

    Args:
        words: one caption a picture.
        negative: one negative caption a picture; None draws against the empty condition.
        times: from 1 down to 0.

    Yields:
        `Progress` with a picture a seed: where the sampler stands by now, finished in the last one. Pictures not begun
        are blank (-1).
    """
    steps = len(times) - 1
    together = TOGETHER.get(network.device.type, TOGETHER_ELSEWHERE)
    groups = [range(begin, min(begin + together, len(seeds))) for begin in range(0, len(seeds), together)]
    shape = (config.channels, config.size_px, config.size_px)

    def drawing(group: range) -> Iterator[Tensor]:
        rows = [*group, *[group[-1]] * (together - len(group))]  # padded: the shape never changes
        noise = torch.stack([picture_noise(seeds[row], shape) for row in rows]).to(network.device)
        field = _guided_field(network, words.rows(rows), negative and negative.rows(rows), guidance)
        with torch.no_grad():
            yield from sampler(field, noise, times.to(network.device))

    pictures = torch.full((len(seeds), *shape), -1.0, device=network.device)
    drawings = [partial(drawing, group) for group in groups]
    for step, (which, x) in enumerate(side_by_side(drawings, network.device), start=1):
        pictures[list(groups[which])] = x[: len(groups[which])]
        yield Progress(step, len(groups) * steps, pictures.clone())


def picture_noise(seed: int, shape: tuple[int, ...]) -> Tensor:
    """The noise a picture starts from: a function of its own seed alone."""
    return torch.from_numpy(rng_at(seed, "picture").standard_normal(shape, dtype="float32"))


def _guided_field(network: DiffusionTransformer, words: Words, negative: Words | None, guidance: float) -> Velocity:
    """The velocity with guidance: one pass of the network over both conditions at once."""
    rows = len(words.mask)
    both = Words.cat([words, negative or words])
    without = torch.tensor([False] * rows + [negative is None] * rows, device=network.device)

    def field(x: Tensor, t: Tensor) -> Tensor:
        level = t.expand(2 * rows)
        with fast_arithmetic(x.device):
            clean, clean_against = network(torch.cat([x, x]), level, both, without).chunk(2)
        return velocity(x, guided(clean, clean_against, guidance), level[:rows])

    return field
