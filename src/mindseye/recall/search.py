"""Search: a collection's pictures by words or by a picture.

Every picture is looked at once by the frozen picture encoder, and its code kept with the collection's fingerprint in
the cache folder. A query is encoded, the codes nearest in Hamming distance are candidates, and these are put in the
order of the cosine of what the codes are the signs of. A picture is found by what it shows: its own captions, if it has
any, take no part (those of the training split taught the hasher which words go with which looks).
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from PIL import Image
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from mindseye.collection.collection import Collection
from mindseye.collection.opening import open_collection
from mindseye.errors import BadInput
from mindseye.files import cache_folder, written_aside
from mindseye.observe.pictures import load_picture_encoder
from mindseye.observe.text import load_text_encoder
from mindseye.pictures.opener import open_picture
from mindseye.pictures.sheet import contact_sheet
from mindseye.pictures.tensors import fit
from mindseye.recall.bits import pack
from mindseye.recall.companions import Companions, with_companions
from mindseye.recall.features import PLAIN, VIEWS, Queries, collection_features, parts, seen_at
from mindseye.recall.hashers import DEFAULT_BITS, FITS, KEPT, READS, JointHasher, Pairs, load_hasher, save_hasher
from mindseye.recall.hashers.hasher import unit
from mindseye.recall.hashers.vtph import LAYOUT, Vtph
from mindseye.recall.index import NO_ID, HammingIndex, default_index, load_index, save_index
from mindseye.recall.index.interface import checked_count

CANDIDATES = 200  # nearest codes, put in order by cosine
FORMAT = "search 1"  # changes with how codes are made, so that older ones are made again
HASHER, INDEX, VALUES, COMPANIONS = "hasher", "index.safetensors", "values.safetensors", "companions.safetensors"
DEFAULT_HASHER = "cca_itq"

Log = Callable[[str], None]


@dataclass(frozen=True)
class Hit:
    """A picture that was found.

    Attributes:
        path: where the picture came from, as its collection names it.
        caption: its first caption, "" if it has none.
        distance: bits in which its code differs from the query's.
        score: the cosine between the two, -1 to 1; results are in the order of it.
        split, row: where the collection holds it.
    """

    path: str
    caption: str
    distance: int
    score: float
    split: str
    row: int


@dataclass(frozen=True)
class Found:
    """The answer to a query.

    Attributes:
        query: the words, or the picture's name.
        hits: best first.
        encode_seconds: what the encoder took for the query.
        search_seconds: what finding took after it.
    """

    query: str
    hits: list[Hit]
    encode_seconds: float
    search_seconds: float

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        rows = [
            {"path": hit.path, "caption": hit.caption, "distance": hit.distance, "score": round(hit.score, 4)}
            for hit in self.hits
        ]
        milliseconds = {
            "encode": round(1000 * self.encode_seconds, 2),
            "search": round(1000 * self.search_seconds, 2),
        }
        return {"query": self.query, "results": rows, "milliseconds": milliseconds}


class Searcher:
    """A collection whose pictures can be found. Made by `open_searcher`.

    Attributes:
        collection: what is searched, all of its splits.
        hasher: features to codes.
        index: the codes of all pictures; an id is a picture's place in the splits, one after another.
    """

    def __init__(
        self,
        collection: Collection,
        ready: Ready,
        queries: Queries,
    ) -> None:
        self.collection = collection
        self.hasher, self.index = ready.hasher, ready.index
        self._queries = queries
        self._directions = unit(ready.values).astype(np.float32)
        self._places = [(name, row) for name, split in collection.splits.items() for row in range(len(split))]

    def by_words(self, words: str, count: int = 12) -> Found:
        """The pictures that fit `words` best.

        Raises:
            BadInput: there are no words, or `count` is less than 1.
        """
        if not words.strip():
            raise BadInput("there is nothing to search for", next_step="give words, or the path of a picture")
        began = time.perf_counter()
        features = self._queries.words(words)
        encoded = time.perf_counter()
        return self._found(words, self.hasher.word_values(features), count, encoded - began)

    def by_picture(self, image: Image.Image, count: int = 12, *, name: str = "a picture") -> Found:
        """The pictures that look most like `image`, which may be of any size.

        Raises:
            BadInput: `count` is less than 1.
        """
        began = time.perf_counter()
        pixels = fit(image, *seen_at(self.collection))
        features = self._queries.picture(pixels)
        encoded = time.perf_counter()
        return self._found(name, self.hasher.picture_values(features), count, encoded - began)

    def _found(self, query: str, values: Float[np.ndarray, "1 bit"], count: int, encode_seconds: float) -> Found:
        began = time.perf_counter()
        nearest = self.index.search(pack(values), max(checked_count(count), CANDIDATES))
        ids = nearest.ids[0][nearest.ids[0] != NO_ID]
        scores = self._directions[ids] @ unit(values)[0].astype(np.float32)
        order = np.argsort(-scores, kind="stable")[:count]
        hits = [self._hit(int(ids[at]), int(nearest.distances[0][at]), float(scores[at])) for at in order]
        return Found(query, hits, encode_seconds, time.perf_counter() - began)

    def _hit(self, picture: int, distance: int, score: float) -> Hit:
        name, row = self._places[picture]
        split = self.collection.splits[name]
        captions = split.captions[row]
        return Hit(split.file_names[row], captions[0] if captions else "", distance, score, name, row)

    def sheet(self, found: Found) -> Image.Image:
        """What was found, as a contact sheet."""
        pictures = [np.asarray(self.collection.splits[hit.split].image(hit.row)) for hit in found.hits]
        return contact_sheet(pictures, [hit.caption for hit in found.hits], title=found.query)


def search(
    collection: Collection | str | Path,
    query: str | Path,
    count: int = 12,
    *,
    hasher: str = DEFAULT_HASHER,
    log: Log = lambda line: None,
) -> Found:
    """The pictures of a collection that fit a query best.

    Args:
        collection: a prepared collection, its folder, or a built-in's name.
        query: words as a string, or a picture file as a `Path`.
        count: how many at most.
        hasher: features to codes, one of `KEPT`; each has an index of its own.
        log: called with a line of text while the collection is made ready, once.

    Raises:
        BadInput: there is no such collection or hasher, it has no captions (or, for some hashers, no labels), the file
            is no picture, or there are no words.
        Unavailable: an encoder is missing, or the cache cannot be written.
    """
    image = open_picture(query) if isinstance(query, Path) else None
    opened = collection if isinstance(collection, Collection) else open_collection(collection)
    searcher = open_searcher(opened, log, hasher)
    if image is None:
        return searcher.by_words(str(query), count)
    return searcher.by_picture(image, count, name=Path(query).name)


def open_searcher(collection: Collection, log: Log = lambda line: None, hasher: str = DEFAULT_HASHER) -> Searcher:
    """Makes a collection ready to be searched: from the cache folder when it is there, made and put there otherwise.

    Args:
        collection: any with captions.
        log: called with a line of text while it is made ready.
        hasher: features to codes, one of `KEPT`.

    Raises:
        BadInput: there is no such hasher, or the collection has too few captions (or labels) for it to learn from.
        Unavailable: an encoder is missing, or the disk refuses.
    """
    if hasher not in KEPT:
        raise BadInput(
            f"search has no hasher {hasher!r}",
            why="it measures something else, or cannot be written down" if hasher in FITS else "",
            next_step=f"use {', '.join(KEPT)}",
        )
    encoders = text_encoder, picture_encoder = load_text_encoder(), load_picture_encoder()
    made_from = [
        FORMAT, collection.fingerprint, DEFAULT_BITS, text_encoder.sha256, picture_encoder.sha256, picture_encoder.name,
        hasher,
    ]  # fmt: skip
    folder = cache_folder() / "recall" / hashlib.sha256(json.dumps(made_from).encode()).hexdigest()[:24]
    view = VIEWS[READS.get(hasher, PLAIN)]
    try:
        ready = _read(folder, with_parts=view is parts)
    except (BadInput, OSError, KeyError, TypeError, SafetensorError):  # not there, or damaged: made again
        features = collection_features(collection, *encoders, log, view)
        ready = _fitted(hasher, features, with_parts=view is parts)
        _write(ready, folder)
    return Searcher(collection, ready, Queries(*encoders, view, ready.companions))


@dataclass(frozen=True)
class Ready:
    """What a search needs of a collection besides the collection itself.

    Attributes:
        hasher: features to codes.
        index: the codes of all pictures; an id is a picture's place in the splits, one after another.
        values: what the codes are the signs of.
        companions: to stand beside the words of a query, where the hasher reads such.
    """

    hasher: JointHasher | Vtph
    index: HammingIndex
    values: Float[np.ndarray, "picture bit"]
    companions: Companions | None


def _fitted(name: str, features: dict[str, Pairs], *, with_parts: bool) -> Ready:
    companions = Companions.among(features["train"], LAYOUT) if with_parts else None
    pairs = with_companions(features, LAYOUT)["train"] if with_parts else features["train"]
    hasher = KEPT[name](pairs, DEFAULT_BITS)
    values = np.concatenate([hasher.picture_values(split.pictures) for split in features.values()])
    index = default_index(hasher.bits)
    index.add(np.arange(len(values)), pack(values))
    return Ready(hasher, index, values, companions)


def _write(ready: Ready, folder: Path) -> None:
    with written_aside(folder) as aside:
        aside.mkdir()
        save_hasher(ready.hasher, aside / HASHER)
        save_index(ready.index, aside / INDEX, ready.hasher.version)
        save_file({"values": ready.values}, aside / VALUES)
        if ready.companions:
            save_file(ready.companions.arrays, aside / COMPANIONS)


def _read(folder: Path, *, with_parts: bool) -> Ready:
    hasher = load_hasher(folder / HASHER)
    index = load_index(folder / INDEX, hasher.version, default_index)
    companions = Companions(**load_file(folder / COMPANIONS)) if with_parts else None
    return Ready(hasher, index, load_file(folder / VALUES)["values"], companions)
