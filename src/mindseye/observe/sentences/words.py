"""From sentences to numbers of words, and back: a vocabulary of its own, found in the captions of the training.

A sentence is `[a, smiling, cat, <eos>]`; one that is too long is cut and has no `<eos>`, since it does not end there.
What is in no vocabulary is `<unk>`. An empty sentence has no token at all, not even its end.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from mindseye.errors import BadInput
from mindseye.learn.batch import Words
from mindseye.observe.sentences.config import SentencesConfig
from mindseye.observe.vocabulary import words_of

PAD, BOS, EOS, UNK = range(4)
MARKS = ("<pad>", "<bos>", "<eos>", "<unk>")
DIGIT = 1024  # a word's number is kept as two digits below this, which the loop's half-precision features hold exactly


@dataclass(frozen=True)
class Reader:
    """What reads captions for the training: it stands where a frozen text encoder does (`Learner.reads_with`).

    Attributes:
        vocabulary: the words, the most frequent first; word i has the number i + 4, after the marks.
        most_words: of a sentence; the rest is cut off.
    """

    vocabulary: tuple[str, ...]
    most_words: int
    name: str = "its own vocabulary"

    @classmethod
    def of(cls, config: SentencesConfig) -> Reader:
        return cls(config.vocabulary, config.most_words)

    @cached_property
    def numbers(self) -> dict[str, int]:
        return {word: number for number, word in enumerate(self.vocabulary, len(MARKS))}

    @property
    def sha256(self) -> str:
        """Digest of the vocabulary, so that another one is noticed."""
        return hashlib.sha256("\n".join(self.vocabulary).encode()).hexdigest()

    @property
    def token_limit(self) -> int:
        """Tokens of the longest sentence, with `<eos>`."""
        return self.most_words + 1

    def ids(self, sentence: str) -> list[int]:
        """The numbers of a sentence's words, and `<eos>` where it is read to its end; none for one without words."""
        words = words_of(sentence)
        ids = [self.numbers.get(word, UNK) for word in words[: self.most_words]]
        return [*ids, EOS] if 0 < len(words) <= self.most_words else ids

    def unknown(self, sentence: str) -> list[str]:
        """The words of a sentence that are not in the vocabulary, each once."""
        return [word for word in dict.fromkeys(words_of(sentence)) if word not in self.numbers]

    def sentence(self, ids: Sequence[int]) -> str:
        """The words with these numbers, up to the first `<eos>`; other marks are written as they are called."""
        ids = list(ids)
        until = ids.index(EOS) if EOS in ids else len(ids)
        return " ".join(MARKS[one] if one < len(MARKS) else self.vocabulary[one - len(MARKS)] for one in ids[:until])

    def encode_together(self, captions: Sequence[str]) -> Words:
        """The captions as `Words`: in `tokens` two digits a word, see `token_ids`; `sentence` says nothing."""
        padded, mask = self.padded(captions)
        tokens = torch.stack([padded // DIGIT, padded % DIGIT], dim=2).float()
        return Words(tokens, mask, torch.zeros(len(captions), 2))

    def padded(self, sentences: Sequence[str]) -> tuple[Int[Tensor, "batch token"], Bool[Tensor, "batch token"]]:
        """The numbers of several sentences, `<pad>` after their ends, and True where there is one."""
        each = [self.ids(sentence) for sentence in sentences]
        rows = [[*ids, *[PAD] * (self.token_limit - len(ids))] for ids in each]
        lengths = torch.tensor([len(ids) for ids in each])
        return torch.tensor(rows), torch.arange(self.token_limit) < lengths[:, None]


def token_ids(words: Words) -> Int[Tensor, "batch token"]:
    """The numbers of the words, as `Reader.encode_together` wrote them."""
    digits = words.tokens.round().long()
    return digits[..., 0] * DIGIT + digits[..., 1]


def find_vocabulary(
    config: SentencesConfig, captions: Sequence[str], log: Callable[[str], None] = lambda line: None
) -> SentencesConfig:
    """The settings with the words of these captions, where they have none yet; see `Learner.measure_captions`.

    Raises:
        BadInput: no word is met often enough.
    """
    if config.vocabulary:
        return config
    counts = Counter(word for caption in captions for word in words_of(caption))
    frequent = sorted((word for word in counts if counts[word] >= config.least_count), key=lambda w: (-counts[w], w))
    found = tuple(frequent[: config.most_vocabulary])
    if not found:
        raise BadInput(
            "there is nothing to learn sentences from",
            why=f"no word stands in the captions {config.least_count} times; there are {len(captions)} captions",
            next_step="add captions to the collection, or --set model.least_count=1",
        )
    covered = sum(counts[word] for word in found) / sum(counts.values())
    log(f"a vocabulary of {len(found):,} words, {covered:.1%} of all that is said in {len(captions):,} captions")
    return config.model_copy(update={"vocabulary": found})
