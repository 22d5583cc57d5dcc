"""Does a picture show what its prompt says? Asked as a choice: which of a hundred captions is the picture's own?

The judge that gives the similarities must not have taken part in the training of the model it judges.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from mindseye.errors import BadInput
from mindseye.randomness import rng_at
from mindseye.think.figure import Figure, block_numbers, share_interval

MISMATCHING = 99


def mismatching(
    captions: Sequence[str],
    concepts: Sequence[Hashable],
    groups: Sequence[Hashable] | None = None,
    *,
    count: int = MISMATCHING,
    pictures: int | None = None,
    seed: int = 0,
) -> Int[np.ndarray, "picture count"]:
    """For each picture, captions of others that do not fit it, as indices into `captions`.

    Never a caption that any picture of the same concept or group has, never the same text (but for case and spaces) and
    no text twice. Which ones depends on the seed and the picture's place alone.

    Args:
        captions: the true caption of each picture.
        concepts: what each picture shows.
        groups: its near-duplicate group, where known.
        count: how many are wanted for each picture.
        pictures: only for so many of them, the first ones; the others lend their captions. For all unless given.
        seed: of the choice.

    Raises:
        BadInput: a picture has too few captions that do not fit it, or the lists differ in length.
    """
    labels = [block_numbers(concepts, len(captions)), block_numbers(groups, len(captions))]
    texts = block_numbers([" ".join(caption.casefold().split()) for caption in captions], len(captions))
    first = np.unique(texts, return_index=True)[1]  # one picture for each text
    asked = len(captions) if pictures is None else pictures
    chosen = np.empty((asked, count), dtype=np.int64)
    for picture in range(asked):
        alike = (labels[0] == labels[0][picture]) | (labels[1] == labels[1][picture])
        fits = np.zeros(len(first), dtype=bool)
        fits[texts[alike]] = True
        others = first[~fits]
        if len(others) < count:
            raise BadInput(
                f"only {len(others)} captions do not fit the picture of {captions[picture]!r}, {count} are needed",
                why="captions of the same concept, the same group or the same words are left out",
                next_step="give more pictures of other concepts, or ask for fewer captions",
            )
        chosen[picture] = rng_at(seed, "mismatching captions", picture).choice(others, count, replace=False)
    return chosen


def ranks(similarity: Float[np.ndarray, "picture caption"]) -> Int[np.ndarray, "picture"]:
    """The place of each picture's own caption among all of its captions, 1 for the first.

    Args:
        similarity: of each picture to its true caption (column 0) and to the mismatching ones; higher is more alike.

    Returns:
        1 + the captions that the true one does not beat. It beats only what is finite and strictly lower, and nothing
        when it is not finite itself: neither a tie nor NaN nor an infinite number is ever a success.
    """
    similarity = np.asarray(similarity)
    true, others = similarity[:, :1], similarity[:, 1:]
    beaten = np.isfinite(true) & np.isfinite(others) & (others < true)
    places: NDArray[np.int64] = 1 + (~beaten).sum(1)
    return places


def r_precision(
    similarity: Float[np.ndarray, "picture caption"],
    *,
    encoder: str,
    generated_blocks: Sequence[Hashable] | None = None,
    seeds: str = "",
) -> Figure:
    """The share of pictures that are most similar to their own caption, "r_precision".

    Xu et al. 2018 (AttnGAN, arXiv 1711.10485), section 4: one true caption against 99 mismatching ones, R = 1. A judge
    that says the same of every caption has 0, one that guesses has 1 in 100; real pictures show how good the judge is.

    Args:
        similarity: as for `ranks`.
        encoder: the judge's name, for the record.
        generated_blocks: a label a picture, such as its prompt, where several pictures share one.
        seeds: of the pictures, for the record.

    Returns:
        The share, with Wilson's interval over pictures.

    Raises:
        BadInput: there is no picture, or none of the captions is a mismatching one.
    """
    similarity = np.asarray(similarity)
    if similarity.ndim != 2 or len(similarity) == 0 or similarity.shape[1] < 2:
        raise BadInput(
            f"similarities of the shape {list(similarity.shape)} make no r_precision",
            why="one row a picture is needed, its true caption first and at least one mismatching caption after it",
            next_step="score each picture against its caption and those that `mismatching` chose",
        )
    hits = np.asarray(ranks(similarity) == 1)
    blocks = block_numbers(generated_blocks, len(hits))
    return Figure("r_precision", float(hits.mean()), *share_interval(hits, blocks), 0, len(hits), encoder, seeds)
