"""Words to features: a frozen text encoder, by default all-MiniLM-L6-v2, whose weights come inside a Python package.

Nothing is downloaded for the default. Any other text encoder that `transformers` can open is taken by its hub name or
folder instead.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from mindseye.errors import BadInput
from mindseye.learn.batch import Words
from mindseye.observe import minilm
from mindseye.observe.any_transformer import AnyTransformer, fetched
from mindseye.observe.taught import Spelt, TaughtWord, spell

DEFAULT_ENCODER = minilm.NAME


class Reader(Protocol):
    """A tokeniser and a network that belong together.

    Attributes:
        width: features a token.
    """

    width: int

    def tokens(self, captions: Sequence[str]) -> list[list[int]]:
        """Each caption's tokens, all of them, special ones included."""
        ...

    def words(self, caption: str) -> list[tuple[str, list[int]]]:
        """Each word of a caption with the places of its tokens among all of them."""
        ...

    def states(
        self, tokens: Int[Tensor, "batch token"], mask: Bool[Tensor, "batch token"]
    ) -> Float[Tensor, "batch token width"]:
        """The last hidden state of every token, float32; what padded ones hold does not matter."""
        ...

    @property
    def parameters(self) -> int:
        """How many numbers it has learnt."""
        ...

    def weight(self, name: str) -> Tensor:
        """The parameter of this name; `KeyError` where there is none."""
        ...

    def changed(self, weights: Mapping[str, Tensor]) -> Reader:
        """The same with other weights under these names; this one stays as it is."""
        ...


class TextEncoder:
    """A frozen text encoder with captions padded (or cut) to one fixed number of tokens.

    Attributes:
        name: how it was asked for.
        sha256: digest of its weights; a model folder names it, so that another encoder is noticed.
        width: features a token.
        token_limit: tokens a caption, special ones included.
        reader: its tokeniser and network.
        taught: words that it reads as they were taught, and not as the network would.
    """

    def __init__(self, name: str, folder: Path, token_limit: int) -> None:
        self.name = name
        self.sha256 = _weights_digest(folder)
        self.token_limit = token_limit
        self.reader: Reader = minilm.MiniLM(folder) if name == DEFAULT_ENCODER else AnyTransformer(folder)
        self.width = self.reader.width
        self.taught: Mapping[str, TaughtWord] = {}
        [self._nothing] = self.reader.tokens([""])

    @property
    def parameters(self) -> int:
        """How many numbers it has learnt."""
        return self.reader.parameters

    def changed(self, weights: Mapping[str, Tensor]) -> TextEncoder:
        """The same with other weights under these names; this one stays as it is."""
        other = copy.copy(self)
        other.reader = self.reader.changed(weights)
        return other

    def knowing(self, words: Sequence[TaughtWord]) -> TextEncoder:
        """The same with more words that were taught; this one stays as it is."""
        other = copy.copy(self)
        other.taught = {**self.taught, **{word.word: word for word in words}}
        return other

    def spelt(self, caption: str) -> Spelt:
        """A caption as it is read: with known words in place of taught ones, and where those stand."""
        return spell(caption, self.taught, self.reader.words)

    @torch.no_grad()
    def encode(self, captions: Sequence[str]) -> Words:
        """Features of `captions`, float32; a caption without words has none.

        Each is encoded as its own fixed-size problem, so the bytes do not depend on its neighbours.
        """
        return Words.cat([self._encode([caption], self.token_limit) for caption in captions])

    @torch.no_grad()
    def encode_together(self, captions: Sequence[str]) -> Words:
        """As `encode`, padded to the longest only, and equal up to the last bits: for captions by the thousand."""
        return self._encode(captions, None)

    def tokens(self, captions: Sequence[str]) -> list[list[int]]:
        """The captions' tokens; of longer ones the first, and the last, which says that it ends; none without words."""
        limit = self.token_limit
        texts = [self.spelt(caption).text for caption in captions] if self.taught else captions
        read = [[] if ids == self._nothing else ids for ids in self.reader.tokens(texts)]
        return [ids if len(ids) <= limit else [*ids[: limit - 1], ids[-1]] for ids in read]

    def _encode(self, captions: Sequence[str], length: int | None) -> Words:
        tokens = self.tokens(captions)
        length = length or max(1, *map(len, tokens))
        padded = torch.tensor([[*ids, *[0] * (length - len(ids))] for ids in tokens])
        mask = torch.arange(length) < torch.tensor([[len(ids)] for ids in tokens])
        states = self.reader.states(padded, mask) * mask[..., None]
        for row, caption in enumerate(captions if self.taught else ()):
            for word, places in self.spelt(caption).places:
                for place, change in zip(places, word.change, strict=False):
                    if place < self.token_limit - 1:  # a longer caption is cut
                        states[row, place] += change
        return Words(states, mask, states.sum(1) / mask.sum(1, keepdim=True).clamp(min=1))

    def words(self, caption: str) -> list[tuple[str, list[int]]]:
        """The words of a caption that are read, each with the places of its tokens."""
        spelt = self.spelt(caption)
        begun = {places[0]: (word.word, places) for word, places in spelt.places}
        inside = {place for _, places in spelt.places for place in places}
        read = [
            (word, [place for place in places if place < self.token_limit - 1])
            for word, places in (
                begun.get(places[0], (word, places))
                for word, places in self.reader.words(spelt.text)
                if places[0] in begun or places[0] not in inside
            )
        ]
        return [(word, places) for word, places in read if places]

    def too_long(self, caption: str) -> bool:
        """Whether `caption` has more tokens than are read."""
        return len(self.reader.tokens([self.spelt(caption).text])[0]) > self.token_limit


def load_text_encoder(name: str = DEFAULT_ENCODER, *, token_limit: int = 32, sha256: str | None = None) -> TextEncoder:
    """Opens a text encoder by name.

    Args:
        name: "all-MiniLM-L6-v2", a folder, or a hub name that `transformers` knows.
        token_limit: tokens a caption; longer ones are cut.
        sha256: the digest its weights must have, when a model was trained with them.

    Raises:
        BadInput: there is no such encoder, or its weights are not the ones asked for.
        Unavailable: the package with the default weights is missing.
    """
    encoder = TextEncoder(name, _encoder_folder(name), token_limit)
    if sha256 is not None and encoder.sha256 != sha256:
        raise BadInput(
            f"the text encoder {name} is not the one this model was trained with",
            why=f"its weights have SHA-256 {encoder.sha256[:12]}, the model expects {sha256[:12]}",
            next_step="install the version of the encoder that the model card names",
        )
    return encoder


def _encoder_folder(name: str) -> Path:
    if name == DEFAULT_ENCODER:
        return minilm.folder()
    return Path(name) if Path(name).is_dir() else fetched(name)


def _weights_digest(folder: Path) -> str:
    digest = hashlib.sha256()
    weights = sorted(folder.glob("*.safetensors"))
    if not weights:
        raise BadInput(
            f"{folder} is not a text encoder",
            why="it holds no .safetensors weights (other weight formats can run code and are not opened)",
            next_step="convert its weights to safetensors",
        )
    for path in weights:
        with open(path, "rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()
