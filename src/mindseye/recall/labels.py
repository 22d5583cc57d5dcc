"""Labels: the words of a collection's captions that say something, and which picture has which.

They are what a supervised hasher learns from (those of the training split) and what is relevant to what in mAP.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool

from mindseye.observe.vocabulary import words_of

FEWEST, MOST_SHARE = 5, 0.1  # pictures that a word must be on to be a label: so many, and at most this share


def word_labels(captions: Sequence[Sequence[str]]) -> list[set[str]]:
    """The words of each picture's captions that say something: on at least 5 pictures, on at most a tenth of them."""
    words = [{word for caption in own for word in words_of(caption)} for own in captions]
    counts = Counter(word for own in words for word in own)
    telling = {word for word, count in counts.items() if FEWEST <= count <= MOST_SHARE * len(captions)}
    return [own & telling for own in words]


def label_table(labels: Sequence[set[str]]) -> tuple[Bool[np.ndarray, "picture label"], list[str]]:
    """Which picture has which label, and the labels: the most frequent first, equals by the alphabet."""
    counts = Counter(label for own in labels for label in own)
    names = sorted(counts, key=lambda label: (-counts[label], label))
    column = {label: place for place, label in enumerate(names)}
    table = np.zeros((len(labels), len(names)), bool)
    for place, own in enumerate(labels):
        table[place, [column[label] for label in own]] = True
    return table, names
