"""A finished model at work: sentences to codes, codes to sentences.

What is written depends on the code and its own seed alone, never on what else is written at the time: networks always
compute the same number of rows, since sums of other shapes have other last bits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from mindseye.errors import BadInput
from mindseye.learn.about import About
from mindseye.learn.folder import find_model, find_ours, load_model, read_about
from mindseye.learn.learner import Learner
from mindseye.observe.sentences.figures import active_units
from mindseye.observe.sentences.network import SentenceVae
from mindseye.observe.sentences.objective import RULES, Posterior
from mindseye.observe.sentences.words import BOS, EOS, MARKS, UNK, Reader
from mindseye.randomness import rng_at

ROWS = 16  # that the networks compute at a time
NEVER_SAID = [one for one in range(len(MARKS)) if one != EOS]  # padding, a beginning, a word that is none


class Writer:
    """A model that reads and writes sentences.

    Attributes:
        name: what people call it.
        model: its networks.
        about: what its folder says of its training.
    """

    def __init__(self, name: str, model: SentenceVae, about: About | None = None) -> None:
        self.name, self.model, self.about = name, model.eval(), about
        self.reader = Reader.of(model.config)

    def __repr__(self) -> str:
        return f"Writer({self.name!r}, {self.kind}, {len(self.reader.vocabulary)} words)"

    @property
    def kind(self) -> str:
        """ "vae", "autoencoder" or "language-model"."""
        return self.model.config.kind

    @property
    def active(self) -> int:
        """Dimensions of the code that go with the sentence."""
        return active_units(self.model.variance)

    @torch.no_grad()
    def posterior(self, sentences: Sequence[str]) -> Posterior:
        """Where the codes of sentences lie.

        Raises:
            BadInput: a sentence has no word that it knows, or the model has no codes.
        """
        if not RULES[self.model.config.kind].code:
            raise BadInput(
                f"{self.name} has no codes",
                why="it is a plain language model, which writes and does not read",
                next_step="train one with model.kind=vae",
            )
        for sentence in sentences:
            self._check(sentence)
        ids, mask = self.reader.padded(sentences)
        parts = [self.model.encode(some, there) for some, there in _in_rows(ids, mask)]
        mean, log_variance = (
            torch.cat([getattr(part, name) for part in parts])[: len(sentences)] for name in ("mean", "log_variance")
        )
        return Posterior(mean, log_variance)

    def encode(self, sentences: Sequence[str]) -> Float[np.ndarray, "sentence code"]:
        """The code of each sentence: the mean of its posterior.

        Raises:
            BadInput: as `posterior`.
        """
        codes: Float[np.ndarray, "sentence code"] = self.posterior(sentences).mean.numpy()
        return codes

    @torch.no_grad()
    def decode(
        self, codes: Float[np.ndarray, "sentence code"], temperature: float = 0.0, seeds: Sequence[int] | None = None
    ) -> list[str]:
        """What each code says.

        Args:
            temperature: 0 takes the likeliest word each time, 1 draws words as likely as they are.
            seeds: of each sentence's chance; 0, 1, 2, ... unless given.

        Raises:
            BadInput: the temperature is below 0.
        """
        if temperature < 0:
            raise BadInput(f"temperature cannot be {temperature}", next_step="use 0 to 2", field="temperature")
        limit, words = self.reader.token_limit, self.model.to_words.out_features
        chance = torch.zeros(len(codes), limit, 1)
        if temperature:  # the greatest of logits / T + Gumbel noise is a draw from softmax(logits / T)
            numbers = range(len(codes)) if seeds is None else seeds
            chance = torch.from_numpy(
                np.stack([rng_at(seed, "sentences words").gumbel(size=(limit, words)).astype("f4") for seed in numbers])
            )
        rows = _in_rows(torch.as_tensor(codes), chance)
        said = [self._said(some, luck, temperature or 1.0) for some, luck in rows]
        return [self.reader.sentence(ids) for ids in torch.cat(said)[: len(codes)].tolist()]

    def _said(
        self, codes: Float[Tensor, "row code"], chance: Float[Tensor, "row token word"], temperature: float
    ) -> Int[Tensor, "row token"]:
        state, word = self.model.begin(codes), torch.full((len(codes), 1), BOS)
        said = []
        for place in range(self.reader.token_limit):
            logits, state = self.model.step(codes, word, state)
            logits[..., NEVER_SAID] = -torch.inf
            if place == 0:
                logits[..., EOS] = -torch.inf  # an empty sentence is none
            word = (logits[:, 0] / temperature + chance[:, place]).argmax(1, keepdim=True)
            said.append(word)
        return torch.cat(said, dim=1)

    def imagined(self, count: int, temperature: float = 0.0, seed: int = 0) -> list[str]:
        """Sentences of codes from the prior N(0, I), sentence i with the seed `seed` + i.

        Raises:
            BadInput: the temperature is below 0.
        """
        seeds = range(seed, seed + count)
        size = self.model.config.code
        codes = np.stack([rng_at(one, "sentences code").standard_normal(size, dtype=np.float32) for one in seeds])
        return self.decode(codes * np.float32(RULES[self.model.config.kind].code), temperature, seeds)

    def notes(self, sentence: str) -> list[str]:
        """What a person should know about how a sentence is read: unknown words, and whether it is cut."""
        unknown = self.reader.unknown(sentence)
        notes = [f"not in the vocabulary, read as an unknown word: {', '.join(unknown)}"] if unknown else []
        ids = self.reader.ids(sentence)
        if ids and ids[-1] != EOS:
            notes.append(f"only the first {self.reader.most_words} words are read")
        return notes

    def _check(self, sentence: str) -> None:
        ids = self.reader.ids(sentence)
        if not ids:
            raise BadInput("a sentence without words cannot be read", next_step="write a few words")
        if set(ids) <= {UNK, EOS}:
            raise BadInput(
                f"{self.name} knows no word of {sentence[:80]!r}",
                why=f"it has read {len(self.reader.vocabulary):,} words, those of the captions that it learnt from",
                next_step=f"use such words, e.g. {', '.join(self.reader.vocabulary[:12])}",
            )


def _in_rows(one: Tensor, other: Tensor) -> list[tuple[Tensor, Tensor]]:
    """Slices of `ROWS` rows of two tensors; the last one is filled up with its own last row."""
    count = len(one)
    rows = torch.arange(-(-count // ROWS) * ROWS).clamp(max=count - 1)
    return [(one[some], other[some]) for some in rows.split(ROWS)]


def is_of_sentences(name_or_path: str | Path) -> bool:
    """Whether there is a model of that name, and it is one of sentences."""
    folder = find_ours(name_or_path)
    return folder is not None and read_about(folder).family == "sentences"


def load_writer(name_or_path: str | Path, learners: Callable[[str], Learner]) -> Writer:
    """Opens a model of sentences.

    Args:
        name_or_path: a model's folder, or a run's.
        learners: from the name of a kind of model to its record.

    Raises:
        BadInput: there is none, it is of another kind, or its folder is damaged.
    """
    _, model, about = load_model(find_model(name_or_path), learners)
    return Writer(about.name, model, about)
