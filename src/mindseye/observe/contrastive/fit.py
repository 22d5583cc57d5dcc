"""Training of a matcher, in a minute or two.

The towers are small and the features are computed beforehand, so a whole batch of hundreds of pairs takes milliseconds.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor, nn

from mindseye.errors import BadInput
from mindseye.observe.contrastive.config import FitSettings, MatcherConfig
from mindseye.observe.contrastive.network import BagOfWords, Matcher
from mindseye.observe.contrastive.objective import LOG_SCALE_LIMIT, agreeing, info_nce
from mindseye.randomness import rng_at

FEWEST = 16  # pairs


@dataclass(frozen=True)
class Pairs:
    """Pictures with what may be said of them.

    Two of one concept do not contradict each other, unless both have a detail and the details differ: "a blue apple"
    contradicts "a red apple", but "an apple" neither.

    Attributes:
        pictures: features, as `joined` gives them.
        captions: of each picture, one or more, each of which fits it; the first is the main one.
        concepts: what each shows.
        details: what more is known of each; "" where nothing is.
    """

    pictures: Float[Tensor, "picture width"]
    captions: Sequence[Sequence[str]]
    concepts: Sequence[str]
    details: Sequence[str]

    def rows(self, index: Sequence[int] | NDArray[np.int64]) -> Pairs:
        """The pairs at `index`, in that order."""
        places = [int(place) for place in index]
        return Pairs(
            self.pictures[places],
            [self.captions[place] for place in places],
            [self.concepts[place] for place in places],
            [self.details[place] for place in places],
        )


@dataclass(frozen=True)
class Fitted:
    """A trained matcher and how its training went.

    Attributes:
        matcher: as it was when the held-out pairs fitted best.
        steps: after how many steps that was.
        held_out: (steps, loss of the held-out pairs) at every look.
    """

    matcher: Matcher
    steps: int
    held_out: tuple[tuple[int, float], ...]


def fit(
    pairs: Pairs,
    config: MatcherConfig,
    settings: FitSettings | None = None,
    *,
    seed: int = 0,
    log: Callable[[int, float], None] = lambda step, held_out: None,
) -> Fitted:
    """Trains a matcher; equal arguments give equal weights on one machine.

    Args:
        pairs: what it learns from.
        config: what it is.
        settings: how it is trained.
        seed: of the first weights, the order and the noise, 0 to 2^32 - 1.
        log: called with (step, loss of the held-out pairs) at every look.

    Raises:
        BadInput: there are too few pairs, or a picture has no caption.
    """
    settings = settings or FitSettings()
    _refuse_too_little(pairs)
    matcher = _initialised(Matcher(config), seed)
    shuffled = rng_at(seed, "held out").permutation(len(pairs.captions))
    held = max(2, round(settings.held_out_share * len(shuffled)))
    train, held_out = _Read(pairs.rows(shuffled[held:]), matcher), _Read(pairs.rows(shuffled[:held]), matcher)
    deviation, mean = torch.std_mean(train.pairs.pictures, dim=0)
    matcher.picture.mean.copy_(mean)
    matcher.picture.deviation.copy_(deviation.clamp(min=1e-4))
    optimiser = torch.optim.AdamW(
        _parameter_groups(matcher, settings.weight_decay), lr=settings.learning_rate, fused=True
    )
    looks: list[tuple[int, float]] = []
    best, best_weights = math.inf, matcher.state_dict()
    for step in range(settings.steps):
        rng = rng_at(seed, "batch", step)
        loss = _loss(matcher, train, _batch(train, settings, rng), settings, rng)
        optimiser.zero_grad()
        loss.backward()
        for group in optimiser.param_groups:
            group["lr"] = settings.learning_rate * _schedule(step, settings.steps)
        optimiser.step()
        with torch.no_grad():
            matcher.log_scale.clamp_(max=LOG_SCALE_LIMIT)
        if (step + 1) % settings.check_every == 0 or step + 1 == settings.steps:
            looks.append((step + 1, _held_out_loss(matcher, held_out)))
            log(*looks[-1])
            if looks[-1][1] < best:
                best, best_weights = looks[-1][1], copy.deepcopy(matcher.state_dict())
            elif all(value > best for _, value in looks[-settings.patience :]) and len(looks) >= settings.patience:
                break
    matcher.load_state_dict(best_weights)
    steps = next((at for at, value in looks if value == best), 0)
    return Fitted(matcher.eval().requires_grad_(False), steps, tuple(looks))


class _Read:
    """Pairs with all their captions read once: captions of picture i are rows start[i] to start[i + 1]."""

    def __init__(self, pairs: Pairs, matcher: Matcher) -> None:
        self.pairs = pairs
        texts = sorted({text for captions in pairs.captions for text in captions})
        place = {text: index for index, text in enumerate(texts)}
        self.read = matcher.text.read(texts)
        self.of_picture = [[place[text] for text in captions] for captions in pairs.captions]
        self.concepts = _numbers(pairs.concepts)
        self.details = torch.where(torch.tensor([bool(detail) for detail in pairs.details]), _numbers(pairs.details), 0)
        self.members: dict[int, list[int]] = {}
        for index, concept in enumerate(self.concepts.tolist()):
            self.members.setdefault(concept, []).append(index)


def _batch(train: _Read, settings: FitSettings, rng: np.random.Generator) -> list[int]:
    """Concepts by chance, and of each a few pictures by chance, so that those which differ in a detail meet."""
    rows: list[int] = []
    for concept in rng.permutation(list(train.members)):
        members = train.members[int(concept)]
        rows += [members[place] for place in rng.permutation(len(members))[: settings.pictures_per_concept]]
        if len(rows) >= settings.batch:
            break
    return rows[: settings.batch]


def _loss(
    matcher: Matcher, train: _Read, rows: Sequence[int], settings: FitSettings, rng: np.random.Generator
) -> Float[Tensor, ""]:
    texts = [train.of_picture[row][int(rng.integers(len(train.of_picture[row])))] for row in rows]
    pictures, read = train.pairs.pictures[list(rows)], train.read[texts]
    kept = torch.from_numpy(rng.random(pictures.shape, dtype=np.float32)) >= settings.feature_drop
    pictures = torch.where(kept, pictures, matcher.picture.mean)
    kept = torch.from_numpy(rng.random(read.shape[:2], dtype=np.float32)) >= settings.word_drop
    read = read * kept.view(*read.shape[:2], *[1] * (read.ndim - 2))
    agree = agreeing(train.concepts[list(rows)], train.details[list(rows)])
    return info_nce(matcher.picture(pictures), matcher.text(read), matcher.log_scale, agree)


@torch.no_grad()
def _held_out_loss(matcher: Matcher, held_out: _Read) -> float:
    """Of the main captions, with the temperature of the moment."""
    texts = [captions[0] for captions in held_out.of_picture]
    agree = agreeing(held_out.concepts, held_out.details)
    vectors = matcher.picture(held_out.pairs.pictures), matcher.text(held_out.read[texts])
    return float(info_nce(*vectors, matcher.log_scale, agree))


def _initialised(matcher: Matcher, seed: int) -> Matcher:
    """Weights from the seed: linear layers by He et al. 2015, word vectors of unit length."""
    with torch.no_grad():
        for index, (name, parameter) in enumerate(matcher.named_parameters()):
            if parameter.ndim == 2:
                normal = rng_at(seed, "weights", index).standard_normal(parameter.shape, dtype=np.float32)
                gain = 1.0 if name == "text.parts.weight" else 2.0**0.5
                parameter.copy_(torch.from_numpy(normal) * gain / parameter.shape[1] ** 0.5)
            elif name.endswith("bias"):
                parameter.zero_()
        if isinstance(matcher.text, BagOfWords):
            matcher.text.parts.weight[0] = 0
    return matcher.train()


def _parameter_groups(matcher: Matcher, weight_decay: float) -> list[dict[str, object]]:
    matrices = [p for name, p in matcher.named_parameters() if p.ndim == 2 and name != "text.parts.weight"]
    chosen = {id(parameter) for parameter in matrices}
    others: list[nn.Parameter] = [p for p in matcher.parameters() if id(p) not in chosen]
    return [{"params": matrices, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}]


def _schedule(step: int, steps: int) -> float:
    """Warm-up over the first twentieth, then half a cosine to 0."""
    warm = max(1, steps // 20)
    return (step + 1) / warm if step < warm else 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))


def _numbers(names: Sequence[str]) -> Int[Tensor, "pair"]:
    """A number for each name, from 1, equal for equal names."""
    places = {name: index for index, name in enumerate(sorted(set(names)), start=1)}
    return torch.tensor([places[name] for name in names])


def _refuse_too_little(pairs: Pairs) -> None:
    if len(pairs.captions) < FEWEST:
        raise BadInput(
            f"{len(pairs.captions)} captioned pictures are too few for a matcher",
            why=f"it needs at least {FEWEST}",
            next_step="give more pictures with captions",
        )
    if not all(pairs.captions):
        raise BadInput("a picture without a caption cannot be learnt from", next_step="leave such pictures out")
