"""Labels: the keywords of a collection, or the words of its captions, that say something, and which picture has which.

They are what a supervised hasher learns from (those of the training split) and what is relevant to what in mAP. A
collection with keywords is labelled by them: whoever made it has said what belongs together. Captions are asked only
where there are none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool

from mindseye.collection.collection import Collection
from mindseye.observe.vocabulary import words_of

KEYWORDS, WORDS = "keywords", "words of captions"  # what the labels of a collection are
FEWEST, MOST_SHARE = 5, 0.1  # pictures that a word must be on to be a label: so many, and at most this share


def labelled_by(collection: Collection) -> str:
    """What the labels of a collection are: `KEYWORDS` where a picture of its training split has any, else `WORDS`."""
    return KEYWORDS if any(collection.splits["train"].keywords) else WORDS


def words_on(collection: Collection, split: str) -> list[set[str]]:
    """What each picture of a split is labelled with, before `telling`: its keywords, or the words of its captions."""
    if labelled_by(collection) == KEYWORDS:
        return [set(own) for own in collection.splits[split].keywords]
    return [{word for caption in own for word in words_of(caption)} for own in collection.splits[split].captions]


def telling(words: Sequence[set[str]]) -> list[set[str]]:
    """Of each picture's words those that say something: on at least 5 pictures, on at most a tenth of them."""
    counts = Counter(word for own in words for word in own)
    kept = {word for word, count in counts.items() if FEWEST <= count <= MOST_SHARE * len(words)}
    return [own & kept for own in words]


def label_table(labels: Sequence[set[str]]) -> tuple[Bool[np.ndarray, "picture label"], list[str]]:
    """Which picture has which label, and the labels: the most frequent first, equals by the alphabet."""
    counts = Counter(label for own in labels for label in own)
    names = sorted(counts, key=lambda label: (-counts[label], label))
    column = {label: place for place, label in enumerate(names)}
    table = np.zeros((len(labels), len(names)), bool)
    for place, own in enumerate(labels):
        table[place, [column[label] for label in own]] = True
    return table, names
