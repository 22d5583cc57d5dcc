"""Two towers: a small network for pictures and one for words, trained together so that an objective is lessened.

Every deep hasher here is this and an objective. The features are frozen and the towers begin as CCA-ITQ, so a fit takes
seconds on a processor and starts from what captions alone teach. The papers begin with CLIP and train it, too.

Towers go on learning by more training, in the canonical coordinates of all pairs so far, on the new pairs and on a
memory of old ones: a uniform sample of all that came. What an objective has learnt of labels goes on, too; what it
knows of single rows (a bank, a similarity) is made again of the rows at hand.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import count, islice
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor

from mindseye.randomness import rng_at
from mindseye.recall.bits import checked_bits
from mindseye.recall.hashers.cca_itq import RIDGE, Canonical, Moments, canonical, itq_rotation, ridged
from mindseye.recall.hashers.hasher import JointHasher, Pairs, centred
from mindseye.recall.hashers.memory import Memory

DIRECTIONS = 256  # canonical ones, which the towers read
KINDS = ("pictures", "words")
MEMORY = 1000  # pictures of earlier pairs
MORE_STEPS, MORE_RATE = 50, 0.3  # batches of an update, and its rate as a share of the first

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Tower:
    """Features of length 1 with their mean taken off, then a matrix, and a hidden layer with ReLU beside it.

    Attributes:
        mean: of the features of length 1.
        straight: a column a bit.
        hidden, hidden_bias: a column and a number a hidden unit.
        weight, bias: from hidden units to bits.
    """

    mean: Float[np.ndarray, "width"]
    straight: Float[np.ndarray, "width bit"]
    hidden: Float[np.ndarray, "width unit"]
    hidden_bias: Float[np.ndarray, "unit"]
    weight: Float[np.ndarray, "unit bit"]
    bias: Float[np.ndarray, "bit"]

    @property
    def bits(self) -> int:
        return int(self.straight.shape[1])

    def __call__(self, features: Float[np.ndarray, "row width"]) -> Float[np.ndarray, "row bit"]:
        x = centred(features, self.mean)
        units = np.maximum(x @ self.hidden + self.hidden_bias, 0)
        values: NDArray[np.float32] = (x @ self.straight + units @ self.weight + self.bias).astype(np.float32)
        return values


@dataclass(frozen=True)
class Settings:
    """How towers are trained: AdamW, its rate falling to 0 along half a cosine.

    Attributes:
        steps: batches in all, so that a fit takes as long for many pictures as for few.
        batch: pictures at once.
        units: of the hidden layers.
        rate: learning rate at the beginning.
        decay: of the weights.
        dropout: share of the features and of the hidden units that is left out at a time.
    """

    steps: int = 150
    batch: int = 256
    units: int = 256
    rate: float = 1e-2
    decay: float = 1e-2
    dropout: float = 0.3


class Objective(ABC):
    """What is lessened: a function of the values of a batch."""

    @abstractmethod
    def __call__(
        self, x: Float[Tensor, "batch bit"], y: Float[Tensor, "batch bit"], rows: Int[Tensor, "batch"]
    ) -> Tensor:
        """The loss of pictures `x` and their captions `y`, which are the pairs' pictures `rows`."""

    def parameters(self) -> Iterable[Tensor]:
        """What is trained besides the towers, a row a label; an update begins with the rows of earlier labels."""
        return ()

    def begin_epoch(self, epoch: int) -> None:  # noqa: B027
        """Told before every epoch; most have nothing to do then."""


Begun = tuple[Matrix, Matrix, Matrix, Matrix]  # S, H, h and W


def _begun(straight: Matrix, units: int, rng: np.random.Generator) -> Begun:
    """A tower that is straight, with hidden units that are drawn and not heard yet."""
    directions, bits = straight.shape
    hidden = rng.standard_normal((directions, units)) * np.sqrt(2 / directions)
    return straight, hidden, np.zeros(units), np.zeros((units, bits))


def _carried(tower: Tower, scale: float, mean: Matrix, directions: Matrix, covariance: Matrix) -> Begun:
    """A finished tower in other canonical coordinates, A'x with A'CA = I, where M over x is A'CM; values are scaled."""
    into = directions.T @ ridged(covariance)
    bias = tower.hidden_bias + (mean - tower.mean) @ tower.hidden
    return scale * into @ tower.straight, into @ tower.hidden, bias, scale * tower.weight


class _Trained:
    """One tower while it is trained: z, the canonical coordinates, to z S + relu(z H + h) W."""

    def __init__(
        self, features: NDArray[np.floating], mean: Matrix, directions: Matrix, begun: Begun, dropout: float,
        rng: np.random.Generator,
    ) -> None:  # fmt: skip
        self.mean, self.directions = mean, directions
        self.inputs = torch.from_numpy((centred(features, mean) @ directions).astype(np.float32))
        self.straight, self.hidden, self.hidden_bias, self.weight = (
            torch.from_numpy(part.astype(np.float32)).requires_grad_() for part in begun
        )
        self._left_out = dropout
        self._generator = torch.Generator().manual_seed(int(rng.integers(2**32)))

    def parameters(self) -> list[Tensor]:
        return [self.straight, self.hidden, self.hidden_bias, self.weight]

    def __call__(self, rows: Int[Tensor, "batch"]) -> Float[Tensor, "batch bit"]:
        z = self._thinned(self.inputs[rows])
        return z @ self.straight + self._thinned(torch.relu(z @ self.hidden + self.hidden_bias)) @ self.weight

    def _thinned(self, values: Tensor) -> Tensor:
        kept = torch.rand(values.shape, generator=self._generator) >= self._left_out
        return values * kept / (1 - self._left_out)

    def finished(self) -> Tower:
        """The tower without dropout, and with a bias that makes the mean of every bit's values 0."""
        straight, hidden, hidden_bias, weight = (part.detach().numpy() for part in self.parameters())
        z = self.inputs.numpy()
        middle = (z @ straight + np.maximum(z @ hidden + hidden_bias, 0) @ weight).mean(0)
        into = self.directions.astype(np.float32)
        return Tower(self.mean.astype(np.float32), into @ straight, into @ hidden, hidden_bias, weight, -middle)


ObjectiveOf = Callable[[Pairs], Objective]


def fit_towers(
    name: str, pairs: Pairs, bits: int, objective_of: ObjectiveOf, settings: Settings, seed: int = 0
) -> JointHasher:
    """Trains both towers.

    Args:
        name: of the hasher.
        pairs: captioned pictures, all of them with captions.
        bits: of a code.
        objective_of: pairs to what is lessened; its own parameters are trained too.
        settings: how.
        seed: of the first weights, the order, the choice of captions and what is left out.

    Raises:
        BadInput: the objective needs labels that the pairs do not have.
    """
    checked_bits(bits)
    objective = objective_of(pairs)
    found = _canonical(pairs)
    turned = _begin(found, bits, seed)
    rngs = [rng_at(seed, f"tower of {kind}") for kind in KINDS]
    begun = [_begun(turned, settings.units, rng) for rng in rngs]
    towers = _train(pairs, found, begun, objective, settings, seed, rngs)
    memory, learnt = Memory.of(pairs, seed).at_most(MEMORY), list(objective.parameters())
    state = _State(found.moments, memory, objective_of, learnt, settings, seed)
    return JointHasher(name, *towers, partial(_go_on, state=state))


@dataclass(frozen=True)
class _State:
    """What towers go on from, besides themselves.

    Attributes:
        moments: of all pairs so far.
        learnt: what the objective has learnt, a row a label.
        chunks: how often they went on.
    """

    moments: Moments
    memory: Memory
    objective_of: ObjectiveOf
    learnt: list[Tensor]
    settings: Settings
    seed: int
    chunks: int = 0


def _go_on(before: JointHasher, pairs: Pairs, state: _State) -> JointHasher:
    chunk = state.chunks + 1
    found = _canonical(pairs, state.moments)
    memory = state.memory.plus(pairs, state.seed, chunk)
    objective = state.objective_of(memory.pairs)
    own = list(objective.parameters())
    for earlier, now in zip(state.learnt, own, strict=True):
        now.data[: len(earlier)] = earlier.data
    values = np.concatenate([before.picture_values(pairs.pictures), before.word_values(pairs.words)])
    scale = 1 / _size(values)  # values that training made large would learn no more under a tanh
    moments, begun = found.moments, []
    for tower, mean, directions, covariance in (
        (before.pictures, moments.picture_mean, found.a, moments.pictures),
        (before.words, moments.word_mean, found.b, moments.words),
    ):
        assert isinstance(tower, Tower)
        begun.append(_carried(tower, scale, mean, directions, covariance))
    settings = replace(state.settings, steps=MORE_STEPS, rate=MORE_RATE * state.settings.rate)
    rngs = [rng_at(state.seed, f"tower of {kind}", chunk) for kind in KINDS]
    towers = _train(memory.pairs, found, begun, objective, settings, state.seed, rngs)
    after = replace(state, moments=moments, memory=memory.at_most(MEMORY), learnt=own, chunks=chunk)
    return JointHasher(before.name, *towers, partial(_go_on, state=after))


def _canonical(pairs: Pairs, before: Moments | None = None) -> Canonical:
    return canonical(pairs, min(DIRECTIONS, pairs.pictures.shape[1], pairs.words.shape[1]), RIDGE, before)


def _train(
    pairs: Pairs, found: Canonical, begun: list[Begun], objective: Objective, settings: Settings, seed: int,
    rngs: list[np.random.Generator],
) -> tuple[Tower, Tower]:  # fmt: skip
    """Both towers, of pictures and of words, from where they have begun."""
    pictures, words = (
        _Trained(features, mean, directions, begin, settings.dropout, rng)
        for features, mean, directions, begin, rng in (
            (pairs.pictures, found.moments.picture_mean, found.a, begun[0], rngs[0]),
            (pairs.words, found.moments.word_mean, found.b, begun[1], rngs[1]),
        )
    )
    groups: list[dict[str, Any]] = [{"params": [*pictures.parameters(), *words.parameters()]}]
    own = list(objective.parameters())
    if own:
        groups.append({"params": own, "lr": 10 * settings.rate, "weight_decay": 0.0})
    optimiser = torch.optim.AdamW(groups, lr=settings.rate, weight_decay=settings.decay)
    of = max(1, settings.steps)
    falling = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: 0.5 * (1 + np.cos(np.pi * step / of)))
    for rows, captions in islice(batches(pairs, settings.batch, seed, objective.begin_epoch), settings.steps):
        loss = objective(pictures(rows), words(captions), rows)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_([p for group in groups for p in group["params"]], 1.0)
        optimiser.step()
        falling.step()
    return pictures.finished(), words.finished()


def batches(
    pairs: Pairs, batch: int, seed: int, begin_epoch: Callable[[int], None] = lambda epoch: None
) -> Iterator[tuple[Tensor, Tensor]]:
    """Epoch after epoch every picture once, in an order of the epoch's own, with one of its captions.

    Args:
        pairs: captioned pictures, all of them with captions.
        batch: pictures at once.
        seed: of the orders and of the choice of captions.
        begin_epoch: told before every epoch.
    """
    by_picture = np.argsort(pairs.picture_of, kind="stable")
    counts = np.bincount(pairs.picture_of, minlength=len(pairs.pictures))
    for epoch in count():
        begin_epoch(epoch)
        rng = rng_at(seed, "order of a hasher's training", epoch)
        order = rng.permutation(len(counts))
        chosen = by_picture[np.cumsum(counts) - counts + (rng.random(len(counts)) * counts).astype(int)]
        for begin in range(0, len(order), batch):
            rows = order[begin : begin + batch]
            if len(rows) > 1:
                yield torch.from_numpy(rows), torch.from_numpy(chosen[rows])


def _begin(found: Canonical, bits: int, seed: int) -> Matrix:
    """From canonical coordinates to bits as CCA-ITQ does it; where there are more bits than directions, at random.

    The values have a mean square of 1.
    """
    turned = found.correlation[:, None] * turned_to_bits(found, bits, seed)
    values = np.concatenate([found.x @ found.a, found.y @ found.b]) @ turned
    return np.asarray(turned / _size(values))


def _size(values: NDArray[np.floating]) -> float:
    """The root of the mean square."""
    return max(float(np.sqrt(np.square(values).mean())), 1e-12)


def turned_to_bits(found: Canonical, bits: int, seed: int) -> Matrix:
    """A column a bit, from canonical coordinates times their correlations: ITQ's rotation of as many as there are bits.

    Where there are more bits than directions, the columns are drawn at random, the rows orthogonal.
    """
    directions = len(found.correlation)
    if bits > directions:
        drawn = rng_at(seed, "more bits than directions").standard_normal((bits, directions))
        return np.asarray(np.linalg.qr(drawn)[0].T)
    turned = np.zeros((directions, bits))
    turned[:bits] = itq_rotation(found.points[:, :bits], seed)
    return turned
