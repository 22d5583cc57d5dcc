"""Drawing: samplers as functions of one signature, guidance, and the way of a picture from noise to what it becomes.

A sampler goes along dx/dt = v(x, t) from t = 1 to t = 0. It is a coroutine for one picture: it yields (x, t) where it
wants to know the velocity, and is sent it; after each step it yields x alone. It is given the noise, the times, and
fresh noise by the number of the step, should it want any.

So who drives it may ask the network for as many pictures at once as there are, wherever on its own way each of them
is: a picture drawn alone and one that joins others are drawn by the same code.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
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

Asks = tuple[Tensor, Tensor]  # x and t, for the velocity there
Sampling = Generator[Asks | Tensor, Tensor, None]
Fresh = Callable[[int], Tensor]
Sampler = Callable[[Tensor, Tensor, Fresh], Sampling]


def euler(x: Tensor, times: Float[Tensor, "step_and_one"], fresh: Fresh) -> Sampling:
    """First order, one call of the network a step."""
    for t, t_next in zip(times[:-1], times[1:], strict=True):
        slope = yield x, t
        x = x + (t_next - t) * slope
        yield x


def heun(x: Tensor, times: Float[Tensor, "step_and_one"], fresh: Fresh) -> Sampling:
    """Second order, two calls a step; the last step, to t = 0, is Euler's (as in EDM, Karras et al. 2022)."""
    for t, t_next in zip(times[:-1], times[1:], strict=True):
        slope = yield x, t
        ahead = x + (t_next - t) * slope
        if t_next > 0:
            slope_ahead = yield ahead, t_next
            slope = (slope + slope_ahead) / 2
            ahead = x + (t_next - t) * slope
        x = ahead
        yield x


def adams_bashforth(x: Tensor, times: Float[Tensor, "step_and_one"], fresh: Fresh) -> Sampling:
    """Second order, one call a step: the slope of the step before is used again (variable-step Adams-Bashforth)."""
    before = None
    for t, t_next in zip(times[:-1], times[1:], strict=True):
        slope = yield x, t
        step = t_next - t
        if before is None:
            x = x + step * slope
        else:
            slope_before, step_before = before
            x = x + step * (slope + (step / step_before) / 2 * (slope - slope_before))
        before = slope, step
        yield x


def ancestral(x: Tensor, times: Float[Tensor, "step_and_one"], fresh: Fresh) -> Sampling:
    """First order, one call a step, with fresh noise in each.

    With a_t = 1 - t, the noise e of x_t = a_t x + t e is kept to the share r = a_t s / (a_s t) on the way from t to s
    and the rest of its variance is new: x_s = a_s x + s (r e + sqrt(1 - r^2) z). That is the posterior of x_s, given x
    and x_t, of a process that adds independent noise (Ho et al. 2020, Eqs. 6 and 7, for these a_t and t).
    """
    for step, (t, s) in enumerate(zip(times[:-1], times[1:], strict=True)):
        slope = yield x, t
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


class Drawing:
    """One picture on its way; a `family.Drawing`.

    A variation begins at the given picture, noised to the first of the times (SDEdit, Meng et al. 2022). In a
    completion the network is not asked what is behind the known pixels: they go straight from their noise to what they
    are, and the others follow them.

    Args:
        config: of the model.
        words: the caption.
        negative: a negative one; None draws against the empty condition.
        seed: of its noise.
        sampler: one of `SAMPLERS`.
        times: down to 0; from 1, but for a variation, which is the given picture itself where they begin at 0.
        guidance: weight, inside of the interval of the config.
        given: a picture to go on from.
        device: of the network.

    Attributes:
        words, negative: as above.
        now: where the sampler stands.
        asks: where it wants to know the velocity; None when it is finished.
    """

    def __init__(
        self,
        config: DiffusionConfig,
        words: Words,
        negative: Words | None,
        seed: Seed,
        *,
        sampler: Sampler,
        times: Float[Tensor, "step_and_one"],
        guidance: float,
        given: Given | None,
        device: torch.device,
    ) -> None:
        shape, steps = (config.channels, config.size_px, config.size_px), len(times) - 1

        def noise(purpose: str, step: int = 0) -> Float[Tensor, "1 channel height width"]:
            return normal_numbers(seed, shape, purpose, step)[None].to(device)

        self.words, self.negative = words, negative
        self._weight_at = partial(weight_at, guidance=guidance, interval=config.guidance_interval)
        self._keep = _keeping(given, device)
        x = noise("picture" if given is None else "given")  # else a picture of ours would lead back to itself
        if given is not None and given.known is None:
            x = noised(given.picture.to(device), x, times[:1].to(x))
        self._sampling = sampler(x, times, partial(noise, "fresh"))
        self.now = Progress(0 if times[0] > 0 else steps, steps, x)
        self.asks = self._next() if times[0] > 0 else None

    @property
    def weight(self) -> float:
        """Of guidance, where it asks."""
        assert self.asks is not None
        return self._weight_at(float(self.asks[1]))

    def velocity(self, clean: Float[Tensor, "1 channel height width"], t: Float[Tensor, "1"]) -> Tensor:
        """The velocity where it asks, by the clean picture expected there. Guidance leads beyond what a picture can be,
        so that is cut to [-1, 1] in every call (static thresholding, Saharia et al. 2022); where pixels are known, it
        is corrected."""
        assert self.asks is not None
        return velocity(self.asks[0], self._keep(clean.clamp(-1, 1)), t)

    def go_on(self, slope: Float[Tensor, "1 channel height width"]) -> bool:
        """Goes on with the velocity that it asked for, to where it asks again; whether a step ended on the way."""
        came = self._sampling.send(slope)
        if isinstance(came, tuple):
            self.asks = came
            return False
        self.now = Progress(self.now.step + 1, self.now.steps, self._keep(came))
        self.asks = self._next()
        return True

    def _next(self) -> Asks | None:
        came = next(self._sampling, None)
        assert not isinstance(came, Tensor)
        return came


def advance(
    network: DiffusionTransformer, drawings: Sequence[Drawing], rows: int, look: Look | None = None
) -> list[Drawing]:
    """Tells each picture the velocity that it asks for, wherever on its way it is.

    Those whose guidance weight is 1 there go through the network in `rows` rows, with their captions alone; the others
    in twice as many, with both conditions, since both have a say. So how many go through depends on a picture's own
    weight, and its bytes not on those of the others.

    Args:
        network: the network.
        drawings: up to `rows` pictures, each of its own request.
        rows: of a pass; what is left empty is filled up.
        look: called for each block with the attention of its picture tokens; see `attention`.

    Returns:
        Those of them that ended a step by it, or were finished.
    """
    assert len(drawings) <= rows
    asking = [drawing for drawing in drawings if drawing.asks is not None]
    alone = [drawing for drawing in asking if drawing.weight == 1]
    against = [drawing for drawing in asking if drawing.weight != 1]
    slopes: dict[Drawing, Tensor] = {}
    for some, both in ((alone, False), (against, True)):
        if some:
            slopes |= zip(some, _velocities(network, some, rows, both, look), strict=True)
    return [drawing for drawing in drawings if drawing not in slopes or drawing.go_on(slopes[drawing])]


def _velocities(
    network: DiffusionTransformer, drawings: Sequence[Drawing], rows: int, both: bool, look: Look | None
) -> list[Tensor]:
    """The velocity of each picture where it asks, by one call of the network: with its caption alone, or with both
    conditions."""
    filled = [*drawings, *[drawings[-1]] * (rows - len(drawings))]
    asks = [drawing.asks for drawing in filled if drawing.asks is not None]
    x, t = torch.cat([x for x, _ in asks]), torch.stack([t for _, t in asks]).to(network.device)
    words, without = [drawing.words for drawing in filled], [False] * rows
    if both:
        x, t = torch.cat([x, x]), torch.cat([t, t])
        words += [drawing.negative or drawing.words for drawing in filled]
        without += [drawing.negative is None for drawing in filled]
    with torch.no_grad(), fast_arithmetic(x.device):
        seen = network(x, t, Words.cat(words), torch.tensor(without, device=x.device), look).split(rows)
    each = zip(drawings, seen[0].split(1), seen[-1].split(1), t.split(1), strict=False)  # but for what filled it up
    return [drawing.velocity(guided(clean, against, drawing.weight), level) for drawing, clean, against, level in each]


def draw_pictures(
    network: DiffusionTransformer,
    config: DiffusionConfig,
    begin: Callable[[int], Drawing],
    *,
    count: int,
    steps: int,
    look: Look | None = None,
) -> Iterator[Progress]:
    """Draws the pictures of one request.

    Args:
        begin: gives the drawing of picture 0, 1, ...
        count: how many pictures.
        steps: how many each of them has.
        look: as for `advance`.

    Yields: as `draw_in_groups`; the pictures are where the sampler stands by now.
    """

    def drawing(rows: Rows) -> Iterator[Tensor]:
        drawings = [begin(row) for row in dict.fromkeys(rows)]
        for _ in range(steps):
            while not advance(network, drawings, len(rows), look):  # they ask alike: all end a step together
                pass
            yield torch.cat([each.now.pictures for each in drawings])

    shape = (config.channels, config.size_px, config.size_px)
    return draw_in_groups(drawing, count=count, shape=shape, steps=steps, device=network.device)


def _keeping(given: Given | None, device: torch.device) -> Callable[[Tensor], Tensor]:
    """Puts the known pixels, if there are any, in their places."""
    if given is None or given.known is None:
        return lambda pictures: pictures
    known, picture = given.known.to(device), given.picture.to(device)
    return lambda pictures: torch.where(known, picture, pictures)
