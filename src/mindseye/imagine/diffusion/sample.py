"""Drawing: samplers as functions of one signature, guidance, and the loop from noise to picture.

A sampler goes along dx/dt = v(x, t) from t = 1 to t = 0. It is given `velocity(x, t)`, the noise, the times, and fresh
noise by the number of the step, should it want any; it yields x after each step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor

from mindseye.imagine.diffusion.config import DiffusionConfig
from mindseye.imagine.diffusion.network import DiffusionTransformer, Look
from mindseye.imagine.diffusion.objective import noised, velocity
from mindseye.imagine.family import Given, Progress, Seed, normal_numbers
from mindseye.imagine.groups import Rows, draw_in_groups
from mindseye.learn.batch import Words
from mindseye.learn.device import fast_arithmetic

Velocity = Callable[[Tensor, Tensor], Tensor]
Fresh = Callable[[int], Tensor]
Sampler = Callable[[Velocity, Tensor, Tensor, Fresh], Iterator[Tensor]]


def euler(field: Velocity, x: Tensor, times: Float[Tensor, "step_and_one"], fresh: Fresh) -> Iterator[Tensor]:
    """First order, one call of the network a step."""
    for t, t_next in zip(times[:-1], times[1:], strict=True):
        x = x + (t_next - t) * field(x, t)
        yield x


def heun(field: Velocity, x: Tensor, times: Float[Tensor, "step_and_one"], fresh: Fresh) -> Iterator[Tensor]:
    """Second order, two calls a step; the last step, to t = 0, is Euler's (as in EDM, Karras et al. 2022)."""
    for t, t_next in zip(times[:-1], times[1:], strict=True):
        slope = field(x, t)
        ahead = x + (t_next - t) * slope
        if t_next > 0:
            slope = (slope + field(ahead, t_next)) / 2
            ahead = x + (t_next - t) * slope
        x = ahead
        yield x


def adams_bashforth(field: Velocity, x: Tensor, times: Float[Tensor, "step_and_one"], fresh: Fresh) -> Iterator[Tensor]:
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


def ancestral(field: Velocity, x: Tensor, times: Float[Tensor, "step_and_one"], fresh: Fresh) -> Iterator[Tensor]:
    """First order, one call a step, with fresh noise in each.

    With a_t = 1 - t, the noise e of x_t = a_t x + t e is kept to the share r = a_t s / (a_s t) on the way from t to s
    and the rest of its variance is new: x_s = a_s x + s (r e + sqrt(1 - r^2) z). That is the posterior of x_s, given x
    and x_t, of a process that adds independent noise (Ho et al. 2020, Eqs. 6 and 7, for these a_t and t).
    """
    for step, (t, s) in enumerate(zip(times[:-1], times[1:], strict=True)):
        slope = field(x, t)
        clean, noise = x - t * slope, x + (1 - t) * slope
        kept = (1 - t) * s / ((1 - s) * t)
        x = (1 - s) * clean + s * (kept * noise + (1 - kept**2).sqrt() * fresh(step))
        yield x


def shifted_times(steps: int, shift: float, begin: float = 1.0) -> Float[Tensor, "step_and_one"]:
    """Even steps u from `begin` down to 0, moved to t = s u / (1 + (s - 1) u) (Esser et al. 2024, Eq. 23)."""
    even = torch.linspace(begin, 0, steps + 1, dtype=torch.float64)
    return (shift * even / (1 + (shift - 1) * even)).float()


SAMPLERS: dict[str, Sampler] = {
    "heun": heun,
    "euler": euler,
    "adams-bashforth": adams_bashforth,
    "ancestral": ancestral,
}


def guided(with_caption: Tensor, against: Tensor, weight: float) -> Tensor:
    """Classifier-free guidance (Ho & Salimans 2022): U + w (C - U); w = 1 is C itself, w = 0 is U itself, bit for bit.

    `against` is the prediction without a caption, or with the negative prompt.
    """
    if weight == 1:
        return with_caption
    return against + weight * (with_caption - against) if weight else against


def weight_at(t: float, guidance: float, interval: tuple[float, float]) -> float:
    """The weight at noise level t: outside of the interval no more than 1 (Kynkäänniemi et al. 2024). More would narrow
    the choice of pictures where all is still open, and roughen what is nearly done."""
    low, high = interval
    return guidance if low <= t <= high else min(guidance, 1.0)


def draw_pictures(
    network: DiffusionTransformer,
    config: DiffusionConfig,
    words: Words,
    negative: Words | None,
    seeds: Sequence[Seed],
    *,
    sampler: Sampler,
    times: Float[Tensor, "step_and_one"],
    guidance: float,
    given: Given | None = None,
    look: Look | None = None,
) -> Iterator[Progress]:
    """Draws one picture a seed.

    A variation begins at the given picture, noised to the first of the times (SDEdit, Meng et al. 2022). In a
    completion the network is not asked what is behind the known pixels: they go straight from their noise to what they
    are, and the others follow them.

    Args:
        words: one caption a picture.
        negative: one negative caption a picture; None draws against the empty condition.
        times: down to 0; from 1, but for a variation, which is the given picture itself where they begin at 0.
        given: a picture to go on from.
        look: called for each block in each call of the network with the attention of its picture tokens; see
            `attention`.

    Yields: as `draw_in_groups`; the pictures are where the sampler stands by now.
    """
    keep = _keeping(given, network.device)
    varied = given.picture.to(network.device) if given and given.known is None else None
    shape = (config.channels, config.size_px, config.size_px)

    def noise(rows: Sequence[int], purpose: str, step: int = 0) -> Tensor:
        return torch.stack([normal_numbers(seeds[row], shape, purpose, step) for row in rows]).to(network.device)

    def drawing(rows: Rows) -> Iterator[Tensor]:
        x = noise(rows, "picture" if given is None else "given")  # else a picture of ours would lead back to itself
        if varied is not None:
            x = noised(varied, x, times[:1].to(x))
        if times[0] == 0:
            yield x
            return
        weight = partial(weight_at, guidance=guidance, interval=config.guidance_interval)
        field = _guided_field(network, words.rows(rows), negative and negative.rows(rows), weight, keep, look)
        with torch.no_grad():
            yield from map(keep, sampler(field, x, times.to(x), lambda step: noise(rows, "fresh", step)))

    return draw_in_groups(drawing, count=len(seeds), shape=shape, steps=len(times) - 1, device=network.device)


def _keeping(given: Given | None, device: torch.device) -> Callable[[Tensor], Tensor]:
    """Puts the known pixels, if there are any, in their places."""
    if given is None or given.known is None:
        return lambda pictures: pictures
    known, picture = given.known.to(device), given.picture.to(device)
    return lambda pictures: torch.where(known, picture, pictures)


def _guided_field(
    network: DiffusionTransformer,
    words: Words,
    negative: Words | None,
    weight: Callable[[float], float],
    keep: Callable[[Tensor], Tensor],
    look: Look | None,
) -> Velocity:
    """The velocity with guidance, whose weight is a function of the noise level: one pass of the network, over both
    conditions at once where both have a say. Guidance leads beyond what a picture can be, so the clean pictures are cut
    to [-1, 1] in every call (static thresholding, Saharia et al. 2022); `keep` corrects them where they are known."""
    rows = len(words.mask)
    both = Words.cat([words, negative or words])
    words = both.rows(range(rows))  # as long as the longest of both
    without = torch.tensor([False] * rows + [negative is None] * rows, device=network.device)

    def field(x: Tensor, t: Tensor) -> Tensor:
        w, level = weight(float(t)), t.expand(2 * rows)
        with fast_arithmetic(x.device):
            if w == 1:
                clean = network(x, level[:rows], words, without[:rows], look)
            else:
                clean, clean_against = network(torch.cat([x, x]), level, both, without, look).chunk(2)
                clean = guided(clean, clean_against, w)
        return velocity(x, keep(clean.clamp(-1, 1)), level[:rows])

    return field
