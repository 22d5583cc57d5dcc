"""ReFACT (Arad, Orgad & Belinkov 2024): one rank-one change of one MLP of the text encoder, in the manner of ROME (Meng
et al. 2022).

An MLP's output matrix W is read as a memory: at the last word of the subject its input is a key k, its output a value.
The change stores another value v* under the key and moves other keys as little as their likeness to k makes it,

    u = C^-1 k / |C^-1 k|,      W' = W + r u^T,      r = (v* - W k) / (k . u),      so that W' k = v*.

C is the second moment of the inputs over captions. v* is found by gradient descent: what the memory must say for the
subject's sentence to lie nearer to the destination's than to the source's and to those of other captions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from jaxtyping import Float
from torch import Tensor

from mindseye.errors import BadInput
from mindseye.imagine.edits import Layer

WORDINGS = (
    "{}", "a photo of {}", "a drawing of {}", "a picture of {}", "a portrait of {}", "a painting of {}", "{} in colour",
    "a small picture of {}", "an icon of {}", "one more {}",
)  # fmt: skip
RIDGE = 1e-2  # of the mean of C's diagonal, added to it: there are fewer captions than the paper's 100,000
LEARNING_RATE, STEPS, ENOUGH = 0.05, 100, 0.99
FARTHEST = 4.0  # |delta| at most so many times |v0|
DECAY = 0.1


class Memory(Protocol):
    """One MLP of a text encoder, of which W is the output matrix.

    Attributes:
        weight: W.
    """

    weight: Float[Tensor, "out in"]

    def all_keys(self, texts: Sequence[str]) -> Float[Tensor, "token in"]:
        """The inputs of W at every token of texts."""
        ...

    def keys(self, texts: Sequence[str], subject: str) -> Float[Tensor, "text in"]:
        """The inputs of W at the last token of the subject in each text."""
        ...

    def sentences(
        self, texts: Sequence[str], subject: str | None = None, delta: Float[Tensor, "out"] | None = None
    ) -> Float[Tensor, "text width"]:
        """What stands for each text as a whole, with `delta` added to what W gives at the last token of the subject."""
        ...


@dataclass(frozen=True)
class Found:
    """What the descent came to.

    Attributes:
        value: v*.
        probability: the mean probability of the destination among the texts that it was told from.
        steps: taken.
    """

    value: Float[Tensor, "out"]
    probability: float
    steps: int


def refact(
    memory: Memory, source: str, destination: str, captions: Sequence[str], *, steps: int = STEPS
) -> tuple[Layer, Found]:
    """The rank-one change that makes an encoder read `source` as `destination`.

    Args:
        memory: the MLP.
        source, destination: prompts of any kind.
        captions: others, for C (all of them) and for what the destination is told from (the source and the first 19).
        steps: of gradient descent, at most.

    Raises:
        BadInput: one of the prompts is empty, or there are no captions.
    """
    if not source.strip() or not destination.strip():
        raise BadInput("ReFACT needs two prompts with words", next_step="to make a concept meek, use UCE")
    if not captions:
        raise BadInput("ReFACT needs captions to know what else there is", next_step="give some")
    texts = [wording.format(source) for wording in WORDINGS]
    key = memory.keys(texts, source).mean(0)
    found = find_value(memory, texts, source, destination, [source, *captions[:19]], steps)
    return rank_one(memory.weight.detach(), key, found.value, second_moment(memory.all_keys(captions))), found


def second_moment(keys: Float[Tensor, "token in"]) -> Float[Tensor, "in in"]:
    """C, uncentred, float64, with `RIDGE` of its mean diagonal added, so that it can be inverted."""
    C = keys.double().T @ keys.double() / len(keys)
    return C + RIDGE * C.diagonal().mean() * torch.eye(len(C), dtype=C.dtype)


def rank_one(
    weight: Float[Tensor, "out in"], key: Float[Tensor, "in"], value: Float[Tensor, "out"], C: Float[Tensor, "in in"]
) -> Layer:
    """r u^T, as above: W' gives `value` for `key`. The factors in float64."""
    u = torch.linalg.solve(C.double(), key.double())
    u = u / u.norm()
    r = (value.double() - weight.double() @ key.double()) / (key.double() @ u)
    return Layer(r[:, None], u[None], key[None])


def find_value(
    memory: Memory, texts: Sequence[str], source: str, destination: str, others: Sequence[str], steps: int
) -> Found:
    """v* by Adam on what is added to W k: it maximises log softmax_j(-|E(text) - E(x_j)|)[destination], the mean over
    the texts."""
    with torch.no_grad():
        choices = memory.sentences([destination, *others])
        start = memory.keys(texts, source).mean(0) @ memory.weight.T
    delta = torch.zeros_like(start, requires_grad=True)
    optimiser = torch.optim.Adam([delta], LEARNING_RATE)
    taken, probability = 0, 0.0
    while taken < steps and probability <= ENOUGH:
        taken += 1
        distance = torch.cdist(memory.sentences(texts, source, delta), choices)
        likelihood = (-distance).log_softmax(1)[:, 0]
        probability = float(likelihood.detach().exp().mean())
        loss = -likelihood.mean() + DECAY * delta.norm() / start.norm() ** 2
        delta.grad = torch.autograd.grad(loss, delta)[0]  # and none of the encoder's own
        optimiser.step()
        with torch.no_grad():
            delta *= (FARTHEST * start.norm() / delta.norm().clamp(min=1e-9)).clamp(max=1)
    return Found((start + delta).detach(), probability, taken)
