"""How well words find pictures and pictures find words, by floats, by codes, and by codes with floats after them.

The queries are captions and pictures of held-out splits, which no hasher was fitted on. Two questions:

- *Labels* (mAP): the database is the training split, and relevant is what shares a label with the query.
- *Pairs* (R@k): the database is every picture (or every picture's first caption) of the collection, and relevant are
  those of the query's own concept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from mindseye.collection.collection import Collection
from mindseye.errors import BadInput
from mindseye.observe.vocabulary import words_of
from mindseye.recall.bits import distances, pack
from mindseye.recall.hashers import Hasher, Pairs
from mindseye.recall.hashers.hasher import unit
from mindseye.recall.ranking import average_precision, found_within, ranked, reranked

RERANKED = 200  # as many as `recall.search` puts in order by cosine
FIRST = 50  # N of mAP@N
PLACES = (1, 5, 10)  # k of R@k
FEWEST, MOST_SHARE = 5, 0.1  # pictures that a word must be on to be a label: so many, and at most this share

Values = Float[np.ndarray, "row bit"]


@dataclass(frozen=True)
class Retrieval:
    """The figures of one hasher in one direction and one way of measuring nearness.

    Attributes:
        direction: "words to pictures" or "pictures to words".
        nearness: "float" (cosine of the values), "binary" (Hamming), or "binary, re-ranked" (the first 200 by cosine).
        map_all: mean average precision over the whole ranking.
        map_first: mAP@50, divided by min(50, relevant items).
        recall: R@1, R@5, R@10.
        queries, labelled: all queries, and those to which something in the database is relevant by label.
        database: training rows.
        gallery: rows of the whole collection.
    """

    hasher: str
    bits: int
    direction: str
    nearness: str
    map_all: float
    map_first: float
    recall: tuple[float, ...]
    queries: int
    labelled: int
    database: int
    gallery: int

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Task:
    """What is to be found in a collection: one row a captioned picture, with its first caption.

    Attributes:
        pictures, words: features of each row.
        held_out: rows that are queries; the others are the training split.
        same_label, same_concept: of each query with each row.
    """

    pictures: Float[np.ndarray, "row picture_width"]
    words: Float[np.ndarray, "row word_width"]
    held_out: Bool[np.ndarray, "row"]
    same_label: Bool[np.ndarray, "query row"]
    same_concept: Bool[np.ndarray, "query row"]


def retrieval_task(
    collection: Collection, features: dict[str, Pairs], labels: Sequence[set[str]] | None = None
) -> Task:
    """The queries and the database of a collection.

    Args:
        collection: with captions and a held-out split.
        features: of its splits, from `recall.features.collection_features`.
        labels: of every captioned picture, in the order of the splits; the words of its captions that are on at least
            5 pictures and at most a tenth of them, unless given.

    Raises:
        BadInput: no held-out picture has a caption.
    """
    splits = collection.splits
    rows = [(name, row) for name, split in splits.items() for row in range(len(split)) if split.captions[row]]
    held_out = np.array([name != "train" for name, _ in rows])
    if not held_out.any() or held_out.all():
        raise BadInput(
            f"retrieval cannot be measured on {collection.name}",
            why="captioned pictures are needed both in train and in a held-out split",
            next_step="collect more captioned pictures",
        )
    if labels is None:
        labels = word_labels([splits[name].captions[row] for name, row in rows])
    known = {label: column for column, label in enumerate(sorted(set().union(*labels)))}
    table = np.zeros((len(rows), len(known)), np.float32)
    for place, own in enumerate(labels):
        table[place, [known[label] for label in own]] = 1
    concepts = np.array([splits[name].concepts[row] or f"{name} {row}" for name, row in rows])
    return Task(
        pictures=np.stack([features[name].pictures[row] for name, row in rows]),
        words=np.stack([features[name].words[features[name].first_caption(row)] for name, row in rows]),
        held_out=held_out,
        same_label=table[held_out] @ table.T > 0,
        same_concept=concepts[held_out][:, None] == concepts,
    )


def word_labels(captions: Sequence[Sequence[str]]) -> list[set[str]]:
    """The words of each picture's captions that say something: on at least 5 pictures, on at most a tenth of them."""
    words = [{word for caption in own for word in words_of(caption)} for own in captions]
    counts = Counter(word for own in words for word in own)
    telling = {word for word, count in counts.items() if FEWEST <= count <= MOST_SHARE * len(captions)}
    return [own & telling for own in words]


def measure_retrieval(task: Task, hasher: Hasher, seed: int = 0) -> Iterator[Retrieval]:
    """The figures of a hasher: two directions by three ways of measuring nearness.

    Args:
        task: from `retrieval_task`; the hasher must not have been fitted on its held-out rows.
        hasher: any.
        seed: of the permutation that settles ties.
    """
    pictures, words = hasher.picture_values(task.pictures), hasher.word_values(task.words)
    for direction, queries, rows in (
        ("words to pictures", words[task.held_out], pictures),
        ("pictures to words", pictures[task.held_out], words),
    ):
        for nearness, order in _orders(queries, rows, seed):
            yield _figures(task, hasher, direction, nearness, order)


def _orders(queries: Values, rows: Values, seed: int) -> Iterator[tuple[str, np.ndarray]]:
    fine = -(unit(queries) @ unit(rows).T)
    by_code = ranked(distances(pack(queries), pack(rows)), seed)
    yield "float", ranked(fine, seed)
    yield "binary", by_code
    yield "binary, re-ranked", reranked(by_code, fine, RERANKED)


def _figures(task: Task, hasher: Hasher, direction: str, nearness: str, order: np.ndarray) -> Retrieval:
    train = np.flatnonzero(~task.held_out)
    among_train = order[~task.held_out[order]].reshape(len(order), len(train))  # the same ranking without the others
    relevant = task.same_label & ~task.held_out
    return Retrieval(
        hasher=hasher.name,
        bits=hasher.bits,
        direction=direction,
        nearness=nearness,
        map_all=float(np.nanmean(average_precision(relevant, among_train))),
        map_first=float(np.nanmean(average_precision(relevant, among_train, FIRST))),
        recall=tuple(float(found_within(task.same_concept, order, k).mean()) for k in PLACES),
        queries=len(order),
        labelled=int(relevant.any(1).sum()),
        database=len(train),
        gallery=order.shape[1],
    )
