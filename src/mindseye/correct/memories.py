"""The MLPs of text encoders as ReFACT meets them: of the default encoder, and of any that is a torch module."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from mindseye.errors import BadInput
from mindseye.observe.minilm import MiniLM
from mindseye.observe.text import TextEncoder

LAYER = 5  # of six, the last: chosen by looking at what earlier ones make of a few edits, which is less
AT_ONCE = 64


class MiniLMMemory:
    """The output matrix of the MLP in one layer of all-MiniLM-L6-v2; a `refact.Memory`.

    Attributes:
        matrix: its name among the encoder's weights.
        weight: the matrix.
    """

    def __init__(self, encoder: TextEncoder, layer: int = LAYER) -> None:
        if not isinstance(encoder.reader, MiniLM):
            raise BadInput(
                f"ReFACT does not know the inside of {encoder.name}", next_step="use --time or --uce for this model"
            )
        self._encoder, self._reader, self._layer = encoder, encoder.reader, layer
        self.matrix = f"encoder.layer.{layer}.output.dense.weight"
        self.weight = self._reader.weight(self.matrix)

    def all_keys(self, texts: Sequence[str]) -> Float[Tensor, "token in"]:
        """See `refact.Memory.all_keys`."""
        texts = sorted(texts, key=len)  # those of about one length go together
        keys = []
        for begin in range(0, len(texts), AT_ONCE):
            ids, mask = self._padded(texts[begin : begin + AT_ONCE])
            keys.append(self._inner(ids, mask)[mask])
        return torch.cat(keys)

    def keys(self, texts: Sequence[str], subject: str) -> Float[Tensor, "text in"]:
        """See `refact.Memory.keys`."""
        ids, mask = self._padded(texts)
        return self._inner(ids, mask)[torch.arange(len(texts)), self._places(texts, subject)]

    def sentences(
        self, texts: Sequence[str], subject: str | None = None, delta: Float[Tensor, "out"] | None = None
    ) -> Float[Tensor, "text width"]:
        """See `refact.Memory.sentences`: the mean of the token states."""
        ids, mask = self._padded(texts)
        at = torch.zeros(mask.shape)
        if subject is not None and delta is not None:
            at[torch.arange(len(texts)), self._places(texts, subject)] = 1

        def meet(layer: int, inner: Tensor, made: Tensor) -> Tensor:
            return made if delta is None or layer != self._layer else made + at[..., None] * delta

        states = self._reader.states(ids, mask, meet) * mask[..., None]
        return states.sum(1) / mask.sum(1, keepdim=True)

    @torch.no_grad()
    def _inner(self, ids: Int[Tensor, "text token"], mask: Bool[Tensor, "text token"]) -> Tensor:
        seen = []

        def meet(layer: int, inner: Tensor, made: Tensor) -> Tensor:
            if layer == self._layer:
                seen.append(inner)
            return made

        self._reader.states(ids, mask, meet)
        return seen[0]

    def _padded(self, texts: Sequence[str]) -> tuple[Int[Tensor, "text token"], Bool[Tensor, "text token"]]:
        tokens = self._encoder.tokens(texts)
        length = max(map(len, tokens))
        ids = torch.tensor([[*each, *[0] * (length - len(each))] for each in tokens])
        return ids, torch.arange(length) < torch.tensor([[len(each)] for each in tokens])

    def _places(self, texts: Sequence[str], subject: str) -> list[int]:
        return [last_place(ids, self._encoder.tokens([subject])[0][1:-1]) for ids in self._encoder.tokens(texts)]


def last_place(ids: Sequence[int], subject: Sequence[int]) -> int:
    """The place of the last token of the subject in a text that says it.

    Raises:
        BadInput: the text was cut before it.
    """
    for end in range(len(ids), len(subject) - 1, -1):
        if list(ids[end - len(subject) : end]) == list(subject):
            return end - 1
    raise BadInput("the source prompt is too long", next_step="say the same in fewer words")
