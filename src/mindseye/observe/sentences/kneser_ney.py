"""A small language model that is no network, to judge what networks write: interpolated Kneser-Ney (Chen & Goodman
1999), trigrams of words.

    p(w | u) = max(c(u w) - d, 0) / c(u) + d N(u) / c(u) p(w | u'),      d = n1 / (n1 + 2 n2)

u' is u without its first word, N(u) how many different words follow u. For u that is not the longest history c(u w)
counts not how often it stands in the text but after how many different words; below single words lies 1/V.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from mindseye.observe.vocabulary import words_of

ORDER = 3
BEGIN, END, UNKNOWN = "<bos>", "<eos>", "<unk>"

History = tuple[str, ...]


@dataclass
class KneserNey:
    """Counts of word sequences up to `ORDER` long.

    Attributes:
        counts: after each history, how often each word comes.
        discounts: d, by the length of the history.
        vocabulary: every word that can come, `<eos>` and `<unk>` among them.
    """

    counts: dict[History, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    discounts: list[float] = field(default_factory=list)
    vocabulary: frozenset[str] = frozenset()

    @classmethod
    def of(cls, sentences: Iterable[str], vocabulary: Iterable[str]) -> KneserNey:
        """The model of these sentences; words outside `vocabulary` are `<unk>`."""
        known = frozenset({*vocabulary, END, UNKNOWN})
        made = cls(vocabulary=known)
        for sentence in sentences:
            words = made._words(sentence)
            for place in range(ORDER - 1, len(words)):
                made.counts[tuple(words[place - ORDER + 1 : place])][words[place]] += 1
        for length in range(ORDER - 2, -1, -1):  # continuation counts: after how many different words
            for history in [each for each in made.counts if len(each) == length + 1]:
                for word in made.counts[history]:
                    made.counts[history[1:]][word] += 1
        for length in range(ORDER):
            every = [n for history, after in made.counts.items() if len(history) == length for n in after.values()]
            once, twice = every.count(1), every.count(2)
            made.discounts.append(once / (once + 2 * twice) if once and twice else 0.5)
        return made

    def probability(self, word: str, history: Sequence[str]) -> float:
        """p(w | u), for a history of up to two words; over the vocabulary it sums to 1."""
        history = tuple(history)
        shorter = 1 / len(self.vocabulary) if not history else self.probability(word, history[1:])
        after = self.counts.get(history)
        if not after:
            return shorter
        total, d = sum(after.values()), self.discounts[len(history)]
        return max(after[word] - d, 0) / total + d * len(after) / total * shorter

    def nats(self, sentence: str) -> tuple[float, int]:
        """-log p of a sentence and its end, in nats, and how many words that are, the end counted."""
        words = self._words(sentence)
        places = range(ORDER - 1, len(words))
        each = [math.log(self.probability(words[place], words[place - ORDER + 1 : place])) for place in places]
        return -sum(each), len(each)

    def perplexity(self, sentences: Sequence[str]) -> float:
        """exp of the nats a word, over several sentences together."""
        nats, words = (sum(numbers) for numbers in zip(*map(self.nats, sentences), strict=True))
        return math.exp(nats / words)

    def _words(self, sentence: str) -> list[str]:
        said = [word if word in self.vocabulary else UNKNOWN for word in words_of(sentence)]
        return [*[BEGIN] * (ORDER - 1), *said, END]
