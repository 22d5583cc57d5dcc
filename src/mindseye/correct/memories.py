"""The MLPs of text encoders as ReFACT meets them: of the default encoder, and of CLIP-, T5- and BERT-like ones of the
`transformers` library, those of diffusers pipelines among them.

Which layer is changed. CLIP is causal: what a word says reaches the end of the text, which stands for all of it,
through the layers above. The paper chose layer 9 of 12 for TIMED and 7 for RoAD, on validation sets; the default is the
former's place. In all-MiniLM-L6-v2 only the last of the five layers that were tried did what it should (in few edits),
so it is the last in other encoders that read both ways, too; for T5 that is unmeasured.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from mindseye.errors import BadInput
from mindseye.observe.any_transformer import AnyTransformer
from mindseye.observe.minilm import LAYERS, MiniLM
from mindseye.observe.text import TextEncoder

AT_ONCE = 64  # texts
LONGEST = 512  # tokens of a text, where a tokeniser has no limit
DEPTH = 0.75  # of a causal encoder, at which its memory is: layer 9 of 12
# The output matrices of the MLPs, with the number of the layer: of CLIP, T5 and BERT.
OUTPUTS = re.compile(
    r"(?:.*\.)?(?:layers\.(\d+)\.mlp\.fc2|block\.(\d+)\.layer\.\d+\.DenseReluDense\.wo|layer\.(\d+)\.output\.dense)"
)

# Is shown the inner features of the MLP [text, token, inner] and what it makes of them [text, token, width], and gives
# what is to be used for that.
Meet = Callable[[Tensor, Tensor], Tensor]


class Inside(Protocol):
    """A text encoder that is open at the MLP of one layer.

    Attributes:
        matrix: the name of the MLP's output matrix among the encoder's weights.
        weight: the matrix.
    """

    matrix: str
    weight: Float[Tensor, "out in"]

    def tokens(self, texts: Sequence[str]) -> list[list[int]]:
        """The tokens of each text, special ones included."""
        ...

    def subject(self, text: str) -> list[int]:
        """Its tokens without special ones."""
        ...

    def states(
        self, ids: Int[Tensor, "text token"], mask: Bool[Tensor, "text token"], meet: Meet
    ) -> Float[Tensor, "text token width"]:
        """The last hidden state of every token, float32; `meet` may change what the MLP says on the way."""
        ...

    def whole(
        self, states: Float[Tensor, "text token width"], mask: Bool[Tensor, "text token"]
    ) -> Float[Tensor, "text width"]:
        """What stands for each text as a whole."""
        ...


class Memory:
    """One MLP of a text encoder; a `refact.Memory`.

    Attributes:
        matrix: the name of its output matrix among the encoder's weights.
        weight: the matrix.
    """

    def __init__(self, inside: Inside) -> None:
        self._inside = inside
        self.matrix, self.weight = inside.matrix, inside.weight

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
        """See `refact.Memory.sentences`."""
        ids, mask = self._padded(texts)
        at = torch.zeros(mask.shape)
        if subject is not None and delta is not None:
            at[torch.arange(len(texts)), self._places(texts, subject)] = 1

        def meet(inner: Tensor, made: Tensor) -> Tensor:
            return made if delta is None else made + (at[..., None] * delta).to(made)

        return self._inside.whole(self._inside.states(ids, mask, meet), mask)

    @torch.no_grad()
    def _inner(self, ids: Int[Tensor, "text token"], mask: Bool[Tensor, "text token"]) -> Tensor:
        seen = []

        def meet(inner: Tensor, made: Tensor) -> Tensor:
            seen.append(inner.float().cpu())
            return made

        self._inside.states(ids, mask, meet)
        return seen[0]

    def _padded(self, texts: Sequence[str]) -> tuple[Int[Tensor, "text token"], Bool[Tensor, "text token"]]:
        tokens = self._inside.tokens(texts)
        length = max(map(len, tokens))
        ids = torch.tensor([[*each, *[0] * (length - len(each))] for each in tokens])
        return ids, torch.arange(length) < torch.tensor([[len(each)] for each in tokens])

    def _places(self, texts: Sequence[str], subject: str) -> list[int]:
        tokens = self._inside.subject(subject)
        return [last_place(ids, tokens) for ids in self._inside.tokens(texts)]


def memory_of(encoder: TextEncoder, layer: int | None = None) -> Memory:
    """The memory of a text encoder of our own models.

    Args:
        encoder: the default one, or any CLIP-, T5- or BERT-like one.
        layer: the layer of its MLP, from 0; see above for the default.

    Raises:
        BadInput: its MLPs are of another kind.
    """
    reader = encoder.reader
    if isinstance(reader, MiniLM):
        return Memory(MiniLMInside(encoder, reader, LAYERS - 1 if layer is None else layer))
    if isinstance(reader, AnyTransformer):
        return Memory(TransformerInside(reader.network, reader.tokeniser, encoder.tokens, layer))
    raise BadInput(f"ReFACT does not know the inside of {encoder.name}", next_step="use --time or --uce for this model")


def pipeline_memory(text_encoder: nn.Module, tokeniser: Any, layer: int | None = None) -> Memory:
    """The memory of a text encoder of a diffusers pipeline, which stays as it is.

    Args:
        text_encoder, tokeniser: of `transformers`, and belonging together.
        layer, Raises: as `memory_of`.
    """
    limit = min(tokeniser.model_max_length, LONGEST)

    def tokens(texts: Sequence[str]) -> list[list[int]]:
        return [list(ids) for ids in tokeniser(list(texts), truncation=True, max_length=limit)["input_ids"]]

    return Memory(TransformerInside(text_encoder, tokeniser, tokens, layer))


class MiniLMInside:
    """The default encoder; an `Inside`. The mean of the token states stands for a text."""

    def __init__(self, encoder: TextEncoder, reader: MiniLM, layer: int) -> None:
        self.tokens = encoder.tokens
        self._reader, self._layer = reader, layer
        self.matrix = f"encoder.layer.{layer}.output.dense.weight"
        self.weight = reader.weight(self.matrix)

    def subject(self, text: str) -> list[int]:
        return self.tokens([text])[0][1:-1]

    def states(self, ids: Tensor, mask: Tensor, meet: Meet) -> Tensor:
        def at_layer(layer: int, inner: Tensor, made: Tensor) -> Tensor:
            return meet(inner, made) if layer == self._layer else made

        return self._reader.states(ids, mask, at_layer)

    def whole(self, states: Tensor, mask: Tensor) -> Tensor:
        return mean_state(states, mask)


class TransformerInside:
    """An encoder of `transformers`; an `Inside`. In CLIP the state of the end stands for a text, in the others the mean
    of the token states.

    Raises:
        BadInput: its MLPs are of an unknown kind, or it has no such layer.
    """

    def __init__(
        self, network: nn.Module, tokeniser: Any, tokens: Callable[[Sequence[str]], list[list[int]]], layer: int | None
    ) -> None:
        self._network, self._tokeniser, self.tokens = network, tokeniser, tokens
        self._causal = is_causal(network)
        outputs = mlp_outputs(network)
        if layer is None:  # in a causal one another layer must follow, or the end does not hear of the change
            layer = min(int(DEPTH * len(outputs)), len(outputs) - 2) if self._causal else len(outputs) - 1
        if not 0 <= layer < len(outputs) - self._causal:
            raise BadInput(
                f"ReFACT cannot change layer {layer} of {type(network).__name__}",
                why=f"{len(outputs)} of its layers have an MLP of a known kind (CLIP's, T5's, BERT's)"
                + (", and of the last the end of a text does not hear" if self._causal else ""),
                next_step="use another layer, or TIME or UCE",
            )
        name = outputs[layer]
        self._output = network.get_submodule(name)
        self.matrix = f"{name}.weight"
        self.weight = network.get_parameter(self.matrix).detach().float().cpu()

    def subject(self, text: str) -> list[int]:
        return list(self._tokeniser(text, add_special_tokens=False)["input_ids"])

    def states(self, ids: Tensor, mask: Tensor, meet: Meet) -> Tensor:
        device = next(self._network.parameters()).device
        handle = self._output.register_forward_hook(lambda module, given, made: meet(given[0], made))
        try:
            read = self._network(input_ids=ids.to(device), attention_mask=mask.long().to(device))
        finally:
            handle.remove()
        return read.last_hidden_state.float().cpu()

    def whole(self, states: Tensor, mask: Tensor) -> Tensor:
        if self._causal:
            return states[torch.arange(len(states)), mask.sum(1) - 1]
        return mean_state(states, mask)


def is_causal(text_encoder: nn.Module) -> bool:
    """Whether its tokens know the words before them only, as CLIP's do."""
    return "CLIP" in type(text_encoder).__name__


def mlp_outputs(network: nn.Module) -> list[str]:
    """The names of the output matrices of its MLPs, layer by layer."""
    found = {}
    for name, module in network.named_modules():
        match = OUTPUTS.fullmatch(name)
        if match and isinstance(module, nn.Linear):
            found[int(next(filter(None, match.groups())))] = name
    return [found[layer] for layer in sorted(found)]


def mean_state(
    states: Float[Tensor, "text token width"], mask: Bool[Tensor, "text token"]
) -> Float[Tensor, "text width"]:
    """The mean over the tokens that are there."""
    return (states * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)


def last_place(ids: Sequence[int], subject: Sequence[int]) -> int:
    """The place of the last token of the subject in a text that says it.

    Raises:
        BadInput: the text was cut before it.
    """
    for end in range(len(ids), len(subject) - 1, -1):
        if list(ids[end - len(subject) : end]) == list(subject):
            return end - 1
    raise BadInput("the source prompt is too long", next_step="say the same in fewer words")
