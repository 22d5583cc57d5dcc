"""How well words find pictures and pictures find words, by floats, by codes, and by codes with floats after them.

The queries are captions and pictures of held-out splits, which no hasher was fitted on. Two questions:

- *Labels* (mAP): the database is the training split, and relevant is what shares a label with the query: a keyword
  where the collection has keywords, else a word of the captions (`mindseye.recall.labels`).
- *Pairs* (R@k): the database is every picture (or every picture's first caption) of the collection, and relevant are
  those of the query's own concept.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import NDArray

from mindseye.collection.collection import Collection
from mindseye.errors import BadInput
from mindseye.recall.bits import distances, pack
from mindseye.recall.hashers import Hasher, Pairs
from mindseye.recall.hashers.hasher import unit
from mindseye.recall.labels import label_table, labelled_by, telling, words_on
from mindseye.recall.ranking import average_precision, found_within, ranked, reranked

RERANKED = 200  # as many as `recall.search` puts in order by cosine
FIRST = 50  # N of mAP@N
PLACES = (1, 5, 10)  # k of R@k

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
        precisions: the average precision of every query, whose mean `map_all` is; NaN where nothing is relevant.
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
    precisions: Float[np.ndarray, "query"] = field(repr=False, compare=False)

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values, without those of single queries."""
        return {name: value for name, value in asdict(self).items() if name != "precisions"}


@dataclass(frozen=True)
class Task:
    """What is to be found in a collection: one row a captioned picture, with its first caption.

    Attributes:
        pictures, words: features of each row.
        held_out: rows that are queries; the others are the training split.
        labelled_by: what the labels are: "keywords" or "words of captions".
        labels: which row has which label.
        label_names: their names, the most frequent first.
        concepts: what each row shows, as far as is known; a name of its own where it is not.
        same_label, same_concept: of each query with each row.
    """

    pictures: Float[np.ndarray, "row picture_width"]
    words: Float[np.ndarray, "row word_width"]
    held_out: Bool[np.ndarray, "row"]
    labelled_by: str
    labels: Bool[np.ndarray, "row label"]
    label_names: list[str]
    concepts: NDArray[np.str_]
    same_label: Bool[np.ndarray, "query row"]
    same_concept: Bool[np.ndarray, "query row"]


def retrieval_task(collection: Collection, features: dict[str, Pairs]) -> Task:
    """The queries and the database of a collection.

    Args:
        collection: with captions and a held-out split. Labels are the keywords, or else the words of the captions, that
            are on at least 5 of its captioned pictures and at most a tenth of them.
        features: of its splits, from `recall.features.collection_features`.

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
    words = {name: words_on(collection, name) for name in splits}
    table, names = label_table(telling([words[name][row] for name, row in rows]))
    counted = table.astype(np.float32)
    concepts = np.array([splits[name].concepts[row] or f"{name} {row}" for name, row in rows])
    return Task(
        pictures=np.stack([features[name].pictures[row] for name, row in rows]),
        words=np.stack([features[name].words[features[name].first_caption(row)] for name, row in rows]),
        held_out=held_out,
        labelled_by=labelled_by(collection),
        labels=table,
        label_names=names,
        concepts=concepts,
        same_label=counted[held_out] @ counted.T > 0,
        same_concept=concepts[held_out][:, None] == concepts,
    )


def measure_retrieval(task: Task, hasher: Hasher, seed: int = 0) -> Iterator[Retrieval]:
    """The figures of a hasher: two directions by three ways of measuring nearness.

    Args:
        task: from `retrieval_task`; the hasher must not have been fitted on its held-out rows.
        hasher: any.
        seed: of the permutation that settles ties.
    """
    for direction, queries, rows in directions(task, hasher):
        for nearness, order in _orders(queries, rows, seed):
            yield _figures(task, hasher, direction, nearness, order)


def directions(task: Task, hasher: Hasher) -> Iterator[tuple[str, Values, Values]]:
    """Both directions: what they are called, the values of the queries and those of all rows."""
    pictures, words = hasher.picture_values(task.pictures), hasher.word_values(task.words)
    yield "words to pictures", words[task.held_out], pictures
    yield "pictures to words", pictures[task.held_out], words


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
    precisions = average_precision(relevant, among_train)
    return Retrieval(
        hasher=hasher.name,
        bits=hasher.bits,
        direction=direction,
        nearness=nearness,
        map_all=float(np.nanmean(precisions)),
        map_first=float(np.nanmean(average_precision(relevant, among_train, FIRST))),
        recall=tuple(float(found_within(task.same_concept, order, k).mean()) for k in PLACES),
        queries=len(order),
        labelled=int(relevant.any(1).sum()),
        database=len(train),
        gallery=order.shape[1],
        precisions=precisions,
    )
