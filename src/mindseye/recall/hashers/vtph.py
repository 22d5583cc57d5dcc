"""VTPH: prompts from the other kind, and contrast as sharp as captions agree (Chen et al. 2024).

"Enhancing Cross-Modal Retrieval via Visual-Textual Prompt Hashing", IJCAI, after the authors' code. A picture is
[g^v; patches], a caption [g^t; tokens]; beside a caption stand the look of a companion picture and that picture's
retold caption [g^c; tokens].

- VAP: w = softmax(W g^v) of the companion, and every token of the caption is w * token.
- TAP: g^t' = g^t + MLP(g^t).
- A transformer reads [g^v; patches], another [g^t'; prompted tokens; tokens of the retold caption].
- The head is MITH's: h of the whole, p of the parts, each a tanh; the code is sign(h + p).

With A the values of all training rows as last seen, the loss is

    1 L_intra(p)   likelihood of "shares a label" under p, within pictures and within captions
    10 L_inter(h)  the same under h, pictures against captions and back
    8 L_quant      values near one sign for both kinds
    50 L_aacl      contrast of pairs with tau_i = 0.07 + 500 A_i, A_i how far g^t and g^c are apart
    1 L_distill    p from h, and h a little from p
    1 L_triplet    g^t' nearer to the pair's g^c than to others, by a margin of 1

What differs from the paper: CLIP's space is that of canonical correlations, its tokens are those of EfficientNet-Lite0
(25 patches) and all-MiniLM-L6-v2; what mPLUG and a text-to-image model give is retrieved
(`mindseye.recall.companions`); 64 numbers a token, 4 heads and one layer a transformer for 512, 16 and two; AdamW for
BertAdam, at most 120 batches of the 30 epochs, begun nearly as CCA-ITQ; and no epoch is chosen by the queries.

An update is ours, too: the network trains on, in the canonical coordinates that it was begun with, on the new pairs and
a memory of old ones, as towers do. A remembered caption keeps the companion that it had.

`vtph` is the text-only arm: a caption's companion is never its own picture. `vtph_published` is the same fit on rows
whose training captions have their own pictures beside them, as published; codes of such captions hold pictures.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import asdict, dataclass, field, replace
from itertools import islice
from math import cos, pi
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor

from mindseye.randomness import rng_at
from mindseye.recall.bits import checked_bits
from mindseye.recall.hashers.cca_itq import canonical
from mindseye.recall.hashers.hasher import Pairs, from_disk_cannot_go_on, refuse_other_width
from mindseye.recall.hashers.memory import Memory
from mindseye.recall.hashers.towers import MEMORY, MORE_RATE, MORE_STEPS, batches, turned_to_bits
from mindseye.recall.hashers.vtph_losses import affinity, contrast, distillation, likelihood, quantisation, triplet
from mindseye.recall.hashers.vtph_network import Looks, Said, VtphNetwork
from mindseye.recall.hashers.vtph_rows import Layout

INTRA, INTER, QUANTISED, CONTRAST = 1.0, 10.0, 8.0, 50.0
AT_ONCE = 64  # rows, always so many, so that a code does not depend on how many others there are


@dataclass(frozen=True)
class VtphSettings:
    """How VTPH is trained: AdamW, its rate rising over the first 5 % of the steps and falling along half a cosine.

    Attributes:
        epochs: passes over the pictures.
        steps: batches in all, at most.
        batch: pictures at once.
        width: of a token, and canonical directions; fewer where the features have fewer.
        heads, layers: of each of the three transformers.
        rate, decay: of the learning, and of the weights.
    """

    epochs: int = 30
    steps: int = 120
    batch: int = 128
    width: int = 64
    heads: int = 4
    layers: int = 1
    rate: float = 3e-3
    decay: float = 1e-2


SETTINGS, LAYOUT = VtphSettings(), Layout()


@dataclass(frozen=True)
class VtphState:
    """What it goes on from, besides its network.

    Attributes:
        memory: of earlier rows, as they were.
        settings: of the first training.
        seed: of everything that is drawn.
        chunks: how often it went on.
    """

    memory: Memory
    settings: VtphSettings
    seed: int
    chunks: int = 0


@dataclass(frozen=True)
class Vtph:
    """A `Hasher` whose values are those of the whole and of the parts together.

    Attributes:
        network: trained.
        layout: of the rows of features.
        picture_width, word_width: of those rows.
        state: what it goes on learning from; None in a hasher from disk.
    """

    name: str
    bits: int
    network: VtphNetwork = field(repr=False)
    layout: Layout
    picture_width: int
    word_width: int
    state: VtphState | None = field(default=None, repr=False, compare=False)

    def stored(self) -> tuple[dict[str, Any], dict[str, NDArray[np.float32]]]:
        """What it is made of: JSON values and arrays, from which `restored` makes it again."""
        settings = {
            "heads": self.network.heads, "layout": asdict(self.layout),
            "picture_width": self.picture_width, "word_width": self.word_width,
        }  # fmt: skip
        return settings, {name: weight.numpy() for name, weight in self.network.state_dict().items()}

    @classmethod
    def restored(cls, about: Mapping[str, Any], weights: Mapping[str, NDArray[np.float32]]) -> Vtph:
        """From what `stored` gave, and name and bits.

        Raises:
            KeyError, TypeError, ValueError, RuntimeError: something is missing, or does not fit the rest.
        """
        network = VtphNetwork.of_weights(
            {name: torch.from_numpy(array) for name, array in weights.items()}, about["heads"]
        )
        layout = Layout(**about["layout"])
        return cls(about["name"], about["bits"], network, layout, about["picture_width"], about["word_width"])

    @property
    def version(self) -> str:
        digest = hashlib.sha256(f"{self.name} {self.bits} {self.layout}".encode())
        for name, weight in self.network.state_dict().items():
            digest.update(name.encode() + weight.numpy().tobytes())
        return digest.hexdigest()[:16]

    def picture_values(self, features: Float[np.ndarray, "picture width"]) -> Float[np.ndarray, "picture bit"]:
        return self._values(features, self.picture_width, words=False)

    def word_values(self, features: Float[np.ndarray, "caption width"]) -> Float[np.ndarray, "caption bit"]:
        return self._values(features, self.word_width, words=True)

    def update(self, pairs: Pairs) -> Vtph:
        if self.state is None:
            raise from_disk_cannot_go_on(self.name)
        pairs = pairs.captioned()
        refuse_other_width(pairs.pictures, self.picture_width)
        refuse_other_width(pairs.words, self.word_width)
        pairs.labelled()
        before, chunk = self.state, self.state.chunks + 1
        memory = before.memory.plus(pairs, before.seed, chunk)
        network = deepcopy(self.network)
        settings = replace(before.settings, steps=MORE_STEPS, rate=MORE_RATE * before.settings.rate)
        with _seeded(before.seed, chunk):
            _train(network, memory.pairs, self.bits, settings, self.layout, before.seed)
        state = replace(before, memory=memory.at_most(MEMORY), chunks=chunk)
        return replace(self, network=network, state=state)

    @torch.inference_mode()
    def _values(
        self, features: Float[np.ndarray, "row width"], width: int, *, words: bool
    ) -> Float[np.ndarray, "row bit"]:
        refuse_other_width(features, width)
        out = np.empty((len(features), self.bits), np.float32)
        for begin in range(0, len(features), AT_ONCE):
            rows = np.zeros((AT_ONCE, width), np.float32)
            some = features[begin : begin + AT_ONCE]
            rows[: len(some)] = some
            network, layout = self.network, self.layout
            values = network.words(layout.said(rows)) if words else network.pictures(layout.looks(rows))
            out[begin : begin + len(some)] = (values.whole + values.parts)[: len(some)].numpy()
        return out


def fit_vtph(
    pairs: Pairs, bits: int, seed: int = 0, settings: VtphSettings = SETTINGS, layout: Layout = LAYOUT,
    name: str = "vtph",
) -> Vtph:  # fmt: skip
    """The hasher.

    Args:
        pairs: captioned pictures with labels; rows with parts and companions, or wholes alone (see `Layout`).
        bits: of a code.
        seed: of the first weights, the order, the choice of captions and what is left out.
        settings: of the training.
        layout: of the rows.
        name: of the hasher.

    Raises:
        BadInput: there are no labels, fewer than two pictures have captions, or the rows are not laid out so.
    """
    checked_bits(bits)
    pairs = pairs.captioned()
    pairs.labelled()
    looks, said = layout.looks(pairs.pictures), layout.said(pairs.words)
    width = min(settings.width, looks.whole.shape[1], said.whole.shape[1]) // settings.heads * settings.heads
    found = canonical(Pairs(looks.whole.numpy(), said.whole.numpy(), pairs.picture_of), width)
    with _seeded(seed):
        network = VtphNetwork(found, turned_to_bits(found, bits, seed), layout.patch, settings.heads, settings.layers)
        _train(network, pairs, bits, settings, layout, seed)
    state = VtphState(Memory.of(pairs, seed).at_most(MEMORY), settings, seed)
    return Vtph(name, bits, network, layout, pairs.pictures.shape[1], pairs.words.shape[1], state)


def _train(network: VtphNetwork, pairs: Pairs, bits: int, settings: VtphSettings, layout: Layout, seed: int) -> None:
    """Trains a network on pairs, all of them with captions and labels, and freezes it."""
    shared = torch.from_numpy(pairs.labelled()).float()
    looks, said = layout.looks(pairs.pictures), layout.said(pairs.words)
    steps = min(settings.steps, settings.epochs * -(-len(pairs.pictures) // settings.batch))
    network.train().requires_grad_(True)
    objective = VtphObjective(network, len(pairs.pictures), bits)
    optimiser = torch.optim.AdamW(
        network.parameters(), lr=settings.rate, betas=(0.9, 0.98), weight_decay=settings.decay
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _share(step, steps))
    for rows, captions in islice(batches(pairs, settings.batch, seed), steps):
        S = (shared @ shared[rows].T > 0).float()
        seen, heard = (part[rows].float() for part in looks), (part[captions].float() for part in said)
        loss = objective(Looks(*seen), Said(*heard), rows, S)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        schedule.step()
    network.eval().requires_grad_(False)


@contextmanager
def _seeded(seed: int, *counters: int) -> Iterator[None]:
    """Whatever PyTorch draws in the block is drawn from a stream of its own."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(int(rng_at(seed, "vtph", *counters).integers(2**32)))
        yield


def fit_vtph_published(pairs: Pairs, bits: int, seed: int = 0) -> Vtph:
    """The hasher, of rows in which training captions have their own pictures beside them; as `fit_vtph` otherwise."""
    return fit_vtph(pairs, bits, seed, name="vtph_published")


class VtphObjective:
    """The weighed sum of all losses, and the values of every training row as they were last seen."""

    def __init__(self, network: VtphNetwork, pictures: int, bits: int) -> None:
        self.network = network
        self.seen = {
            kind: torch.zeros(pictures, bits) for kind in ("pictures", "words", "picture parts", "word parts")
        }  # fmt: skip

    def __call__(self, looks: Looks, said: Said, rows: Int[Tensor, "batch"], S: Float[Tensor, "all batch"]) -> Tensor:
        network = self.network
        x, y = network.pictures(looks), network.words(said)
        g_t, g_c = network.heard(said.whole), network.heard(said.told)
        for kind, values in zip(self.seen, (x.whole, y.whole, x.parts, y.parts), strict=True):
            self.seen[kind][rows] = values.detach()
        seen = self.seen
        intra = likelihood(S, seen["picture parts"], x.parts) + likelihood(S, seen["word parts"], y.parts)
        inter = likelihood(S, seen["pictures"], y.whole) + likelihood(S, seen["words"], x.whole)
        return (
            INTRA * intra
            + INTER * inter
            + QUANTISED * quantisation(x.whole, y.whole, x.parts, y.parts)
            + CONTRAST * contrast(x.read, y.read, affinity(g_t, g_c))
            + distillation(x.whole, x.parts)
            + distillation(y.whole, y.parts)
            + triplet(network.prompted(said.whole), g_c)
        )


def _share(step: int, of: int) -> float:
    """Of the rate at a step: up to 1 over the first twentieth, then down to 0 along half a cosine."""
    warm = max(1, of // 20)
    return (step + 1) / warm if step < warm else 0.5 * (1 + cos(pi * (step - warm) / max(1, of - warm)))
