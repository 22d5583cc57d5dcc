"""Directions with names: where in a model's codes the pictures lie whose captions have a word.

The direction of a word is the mean code of the training pictures whose captions have it, less that of the others (an
attribute vector: White, Sampling Generative Networks, 2016, section 3.2). Whether a word has a place in the codes at
all is measured on pictures that the model never saw.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from mindseye.collection.collection import Collection, Split
from mindseye.errors import BadInput
from mindseye.imagine.imaginer import Imaginer
from mindseye.observe.vocabulary import words_of
from mindseye.think.figure import Figure, block_numbers, bootstrap_interval, resampled

FEWEST = 8  # pictures with a word, and without it, from which a direction is taken
FEWEST_HELD_OUT = 3  # from which it is measured
OFTEN = 12  # words that a message proposes


@dataclass(frozen=True)
class WordAxis:
    """Where a word leads in the codes.

    Attributes:
        direction: of length 1.
        quantiles: how far along it training pictures lie, for the shares asked for.
        auc: in how many pairs of held-out pictures, one with the word and one without, the one with it lies farther
            along (the area under the ROC curve; 0.5 is a guess); None where too few are held out.
    """

    word: str
    direction: Float[np.ndarray, "code"]
    quantiles: Float[np.ndarray, "share"]
    auc: Figure | None


def word_axes(
    imaginer: Imaginer, collection: Collection, words: Sequence[str], shares: Sequence[float]
) -> list[WordAxis]:
    """The direction of each word.

    Args:
        imaginer: of a family with codes.
        collection: the one that it was trained on.
        words: as they stand in captions, in any case.
        shares: of the training pictures, 0 to 1, for `WordAxis.quantiles`.

    Raises:
        BadInput: the collection is another, a word stands in the captions of too few pictures, or of nearly all.
    """
    trained_on = imaginer.about.collection if imaginer.about else None
    if trained_on is None or collection.fingerprint != trained_on.fingerprint:
        raise BadInput(
            f"{collection.name} is not the collection that {imaginer.name} was trained on",
            why="words are looked for among the codes of the training pictures",
            next_step=f"give the one called {trained_on.name!r}" if trained_on else "use a model of the family vae",
        )
    train = collection.splits["train"]
    captions = _words(train)
    having = {word: _having(word, captions) for word in words}
    codes = _codes(imaginer, train)
    held_out = collection.splits.get("validation")
    unseen = held_out and (_words(held_out), _codes(imaginer, held_out), block_numbers(held_out.groups, len(held_out)))
    axes = []
    for word, has in having.items():
        way = codes[has].mean(0) - codes[~has].mean(0)
        direction = way / np.linalg.norm(way)
        auc = None
        if unseen:
            texts, places, blocks = unseen
            auc = _auc(places @ direction, np.array([word.lower() in text for text in texts]), blocks, imaginer.name)
        axes.append(WordAxis(word, direction, np.quantile(codes @ direction, shares).astype(np.float32), auc))
    return axes


def _words(split: Split) -> list[frozenset[str]]:
    """The words of each picture's captions."""
    return [frozenset(word for text in texts for word in words_of(text)) for texts in split.captions]


def _codes(imaginer: Imaginer, split: Split) -> Float[np.ndarray, "picture code"]:
    """Codes of pictures whose captions are not told, so that the codes must say it all."""
    seen_as = imaginer.picture_format
    return imaginer.encode(split.arrays(seen_as.size_px, seen_as.channels, seen_as.pixel_art))


def _having(word: str, captions: list[frozenset[str]]) -> Bool[np.ndarray, "picture"]:
    has = np.array([word.lower() in words for words in captions])
    if FEWEST <= has.sum() <= len(has) - FEWEST:
        return has
    counts: dict[str, int] = {}
    for words in captions:
        for known in words:
            counts[known] = counts.get(known, 0) + 1
    often = sorted((known for known in counts if len(known) > 2), key=lambda known: (-counts[known], known))
    often = [known for known in often if counts[known] <= len(has) - FEWEST][:OFTEN]
    raise BadInput(
        f"words: {word!r} stands in the captions of {has.sum()} of {len(has)} pictures",
        why=f"a direction takes {FEWEST} pictures with the word and {FEWEST} without",
        next_step=f"choose another, such as {', '.join(often)}" if often else "train on more pictures",
    )


def _auc(
    along: Float[np.ndarray, "picture"], has: Bool[np.ndarray, "picture"], blocks: np.ndarray, encoder: str
) -> Figure | None:
    if min(has.sum(), (~has).sum()) < FEWEST_HELD_OUT:
        return None
    weights = resampled(blocks, 0, "word axis")
    high, low = along[has], along[~has]
    wins = (high > low[:, None]) + 0.5 * (high == low[:, None])  # a tie is half
    pairs = weights[:, ~has].sum(1) * weights[:, has].sum(1)
    areas = ((weights[:, ~has] @ wins) * weights[:, has]).sum(1)[pairs > 0] / pairs[pairs > 0]
    interval = bootstrap_interval(areas, (0, 1))
    return Figure("auc", float(areas[0]), *interval, n_real=len(along), n_generated=0, encoder=encoder)
