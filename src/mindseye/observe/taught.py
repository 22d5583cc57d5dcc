"""Words that were taught after a model was trained, and how a prompt that has them is read.

Known words stand in for a taught one: the frozen encoder reads those in its place. To the states of their tokens a
learnt change is added. Textual Inversion (Gal et al. 2022) learns what goes into the encoder; this is what comes out of
it, so nothing of the encoder moves. A prompt without the word is read as it was, to the byte.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from jaxtyping import Float
from torch import Tensor

WordsIn = Callable[[str], Sequence[tuple[str, Sequence[int]]]]  # each word of a text with the places of its tokens


@dataclass(frozen=True)
class TaughtWord:
    """A word and what it says.

    Attributes:
        word: lower case.
        stands_in: known words that are read in its place.
        change: what is added to the states of their tokens.
    """

    word: str
    stands_in: str
    change: Float[Tensor, "token width"]

    def at_strength(self, strength: float) -> TaughtWord:
        """With this share of what was learnt: at 0 the word says what stands in for it."""
        return replace(self, change=self.change * strength)

    def is_in(self, text: str) -> bool:
        """Whether a text has the word, as a whole word, in capitals or not."""
        return len(cut_at([self.word], text)) > 1


@dataclass(frozen=True)
class Spelt:
    """A text as the encoder reads it.

    Attributes:
        text: with known words in place of taught ones.
        places: of each taught word in it, in order, the tokens of what stands in for it.
    """

    text: str
    places: list[tuple[TaughtWord, list[int]]]


def spell(text: str, taught: Mapping[str, TaughtWord], words_in: WordsIn) -> Spelt:
    """A text with known words in place of the taught ones.

    Args:
        text: a caption or prompt.
        taught: by the word.
        words_in: how the encoder cuts a text into words and tokens.
    """
    parts = cut_at(list(taught), text)
    read, spans = parts[0], []
    for word, after in zip(parts[1::2], parts[2::2], strict=True):
        known = taught[word.lower()]
        before = len(words_in(read))
        read += known.stands_in
        spans.append((known, before, len(words_in(read))))
        read += after
    words = words_in(read) if spans else []
    return Spelt(
        read,
        [
            (known, [place for _, places in words[begin:end] for place in places][: len(known.change)])
            for known, begin, end in spans
        ],
    )


def cut_at(words: Sequence[str], text: str) -> list[str]:
    """The text before the first of these words, the word, what is between it and the next, and so on."""
    if not words:
        return [text]
    return re.split(rf"(?<!\w)({'|'.join(map(re.escape, words))})(?!\w)", text, flags=re.IGNORECASE)
