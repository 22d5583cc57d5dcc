"""The linear maps through which words enter a model: what TIME and UCE change.

In our diffusion family those are `caption_kv` of each block, which makes keys and values of the caption's tokens, and
`sentence_in`, which takes the mean of all tokens into the condition. A diffusers pipeline has `to_k` and `to_v` in each
cross-attention (Stable Diffusion), or one embedder of the caption's tokens before all else (Stable Diffusion 3, FLUX,
PixArt).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mindseye.correct.prompts import Read, Rows, rows_for_all, rows_for_same
from mindseye.errors import BadInput
from mindseye.imagine.diffusion.model import Diffusion
from mindseye.imagine.diffusion.network import normalise
from mindseye.observe.text import TextEncoder

TOKENS, SENTENCE = "tokens", "sentence"  # what a map takes in
ARTICLES = ("a", "an")  # say the same
EMBEDDERS = ("context_embedder", "caption_projection.linear_1", "encoder_hid_proj")  # of a caption's tokens, one by one

States = Callable[[Sequence[str]], Float[Tensor, "prompt token in"]]


@dataclass(frozen=True)
class Entrance:
    """One map.

    Attributes:
        matrix: the parameter's name in the model.
        weight: the parameter.
        takes: `TOKENS` or `SENTENCE`.
        values_from: the first of its rows that make values of attention; those before it make keys.
    """

    matrix: str
    weight: Float[Tensor, "out in"]
    takes: str
    values_from: int


class Entered(Protocol):
    """A model and its text encoder, as they are corrected.

    Attributes:
        entrances: the maps.
        rows: what one token is to mean that stands for several.
    """

    @property
    def entrances(self) -> Sequence[Entrance]: ...

    @property
    def rows(self) -> Rows: ...

    def read(self, prompts: Sequence[str]) -> list[Read]:
        """Prompts as they arrive at the entrances."""
        ...

    def same(self, one: int, other: int) -> bool:
        """Whether two tokens say the same."""
        ...


class DiffusionEntrances:
    """A model of our diffusion family, with levels or without; an `Entered`."""

    rows = staticmethod(rows_for_all)

    def __init__(self, model: Diffusion, encoder: TextEncoder) -> None:
        self._network = model.network
        self._encoder = encoder
        width = model.config.width
        kv = [f"network.blocks.{place}.caption_kv.weight" for place in range(len(self._network.blocks))]
        self.entrances = [
            *(Entrance(name, model.get_parameter(name), TOKENS, width) for name in kv),
            Entrance("network.sentence_in.weight", self._network.sentence_in.weight, SENTENCE, 0),
        ]

    @torch.no_grad()
    def read(self, prompts: Sequence[str]) -> list[Read]:
        """See `Entered.read`. An empty prompt is what the model draws where none is given: one token, the mean of its
        learned null words, and no sentence that the map could take."""
        device = self._network.device
        words = self._encoder.encode_together(prompts).to(device)
        tokens = normalise(self._network.words_in(normalise(words.tokens))).cpu()
        sentences = normalise(words.sentence).cpu()
        nothing = normalise(self._network.null_words).mean(0, keepdim=True).cpu()
        reads = []
        for row, ids in enumerate(self._encoder.tokens(prompts)):
            if ids:
                reads.append(Read(tuple(ids), tokens[row, : len(ids)], sentences[row], 1, len(ids) - 1))
            else:
                reads.append(Read((), nothing, torch.zeros_like(sentences[row]), 0, 1))
        return reads

    @cached_property
    def _articles(self) -> frozenset[int]:
        return frozenset(ids[1] for ids in self._encoder.tokens(ARTICLES))

    def same(self, one: int, other: int) -> bool:
        """See `Entered.same`."""
        return one == other or {one, other} <= self._articles


class PipelineEntrances:
    """The parts of a diffusers pipeline that words go through; an `Entered`.

    Args:
        network: the U-Net or transformer of the pipeline.
        states: what the pipeline tells it of each of some prompts, padded to one length, token by token.
        tokeniser: that of the encoder whose states they are; of several side by side, the first one's.
        causal: whether a token knows the words before it only.

    Raises:
        BadInput: no linear map takes such states.
    """

    def __init__(self, network: nn.Module, states: States, tokeniser: Any, *, causal: bool) -> None:
        self._states, self._tokeniser = states, tokeniser
        self.entrances = text_maps(network, states([""]).shape[-1])
        self.rows: Rows = rows_for_same if causal else rows_for_all

    @torch.no_grad()
    def read(self, prompts: Sequence[str]) -> list[Read]:
        """See `Entered.read`: padding is looked at, too, in such pipelines."""
        states = self._states(prompts)
        encoded = self._tokeniser(list(prompts), padding="max_length", max_length=states.shape[1], truncation=True)
        reads = []
        for ids, row, mask in zip(encoded["input_ids"], states, encoded["attention_mask"], strict=True):
            words = self._tokeniser.get_special_tokens_mask(ids, already_has_special_tokens=True)
            places = [place for place, special in enumerate(words) if mask[place] and not special] or [0]
            reads.append(Read(tuple(ids), row, None, places[0], places[-1] + 1))
        return reads

    @cached_property
    def _articles(self) -> frozenset[int]:
        ids = (self._tokeniser(article, add_special_tokens=False)["input_ids"] for article in ARTICLES)
        return frozenset(tokens[0] for tokens in ids)

    def same(self, one: int, other: int) -> bool:
        """See `Entered.same`."""
        return one == other or {one, other} <= self._articles


def text_maps(network: nn.Module, text_width: int) -> list[Entrance]:
    """The maps of a diffusers network that take states of this width of a text encoder in.

    Raises:
        BadInput: there is none.
    """
    linears = {name: module for name, module in network.named_modules() if isinstance(module, nn.Linear)}
    fitting = {name: module for name, module in linears.items() if module.in_features == text_width}
    crossing = {name: module for name, module in fitting.items() if name.endswith(("attn2.to_k", "attn2.to_v"))}
    embedding = {name: module for name, module in fitting.items() if name in EMBEDDERS}
    if not (embedding or crossing):
        raise BadInput(
            f"{type(network).__name__} has no entrance for words that is known here",
            why=f"none of its cross-attentions and token embedders takes {text_width} numbers a token",
            next_step="use ReFACT, which changes the text encoders",
        )
    return [
        Entrance(f"{name}.weight", module.weight, TOKENS, 0 if name.endswith("to_v") else module.out_features)
        for name, module in (embedding or crossing).items()
    ]
