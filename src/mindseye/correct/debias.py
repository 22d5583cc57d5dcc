"""Debiasing as in UCE (Gandikota et al. 2024, Section 4.3): a concept that always has one attribute is made to have
each of several equally often.

The concept's target is its own meaning with something of each attribute's added, v* = W (c + sum_p alpha_p a_p). What
is drawn with it is counted, alpha_p grows by how much the share of p falls short, and so on until all are near enough.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from mindseye.correct.entrances import Entered
from mindseye.correct.methods import UCE_LAMBDA, solved
from mindseye.errors import BadInput
from mindseye.imagine.edits import Layer

ROUNDS = 30
NEAR = 0.05  # of the wanted share

Shares = Mapping[str, float]


@dataclass(frozen=True)
class Debiased:
    """What came of it.

    Attributes:
        layers: the changes of the round that came nearest.
        history: the shares of each round; the first are those of the model as it was.
    """

    layers: dict[str, Layer]
    history: tuple[Shares, ...]


def debias(
    model: Entered,
    concept: str,
    attributes: Sequence[str],
    observed: Callable[[dict[str, Layer] | None], Shares],
    *,
    preserve: Sequence[str] = (),
    lam: float = UCE_LAMBDA,
    rounds: int = ROUNDS,
    pace: float = 1.0,
    near: float = NEAR,
) -> Debiased:
    """The change that gives each attribute an equal share.

    Args:
        model: what is corrected.
        concept: the prompt that is drawn too often with one attribute.
        attributes: prompts, two or more, e.g. "red" and "blue".
        observed: draws the concept with these changes (None: without) and counts the attributes, as shares.
        preserve: prompts that are to mean what they mean.
        lam: weight of staying as it is.
        rounds: at most.
        pace: how much of a shortfall is added to alpha.
        near: it ends when no share is further than this from an even one.

    Raises:
        BadInput: there are fewer than two attributes.
    """
    if len(set(attributes)) < 2:
        raise BadInput("an even share needs two attributes or more", next_step="name them")
    wanted = 1 / len(attributes)
    prompts = [concept, *attributes]
    reads = dict(zip(prompts, model.read(prompts), strict=True))
    own = reads[concept].tokens[reads[concept].last - 1]
    alphas = dict.fromkeys(attributes, 0.0)
    history = [observed(None)]
    best: tuple[float, dict[str, Layer]] = (_distance(history[0], attributes, wanted), {})
    while len(history) <= rounds and _distance(history[-1], attributes, wanted) > near:
        for attribute in attributes:  # they add up from round to round: it goes on as long as something is lacking
            alphas[attribute] += pace * (wanted - history[-1][attribute])
        target = own + sum(alphas[name] * reads[name].tokens[reads[name].last - 1] for name in attributes)
        layers = solved(model, [own], [(target, target)], [], preserve, lam)
        history.append(observed(layers))
        best = min(best, (_distance(history[-1], attributes, wanted), layers), key=lambda each: each[0])
    return Debiased(best[1], tuple(history))


def _distance(shares: Shares, attributes: Sequence[str], wanted: float) -> float:
    """The largest difference from an even share."""
    return max(abs(shares[name] - wanted) for name in attributes)
