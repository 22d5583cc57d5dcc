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
from mindseye.observe.pictures import PictureEncoder, load_picture_encoder
from mindseye.observe.text import TextEncoder, load_text_encoder
from mindseye.pictures.opener import open_picture
from mindseye.pictures.sheet import contact_sheet
from mindseye.pictures.tensors import fit
from mindseye.recall.bits import pack
from mindseye.recall.features import collection_features, seen_at
from mindseye.recall.hashers import DEFAULT_BITS, JointHasher, fit_cca_itq, load_hasher, save_hasher
from mindseye.recall.hashers.hasher import unit
from mindseye.recall.index import NO_ID, HammingIndex, default_index, load_index, save_index
from mindseye.recall.index.interface import checked_count

CANDIDATES = 200  # nearest codes, put in order by cosine
FORMAT = "search 1"  # changes with how codes are made, so that older ones are made again
HASHER, INDEX, VALUES = "hasher", "index.safetensors", "values.safetensors"

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
        hasher: JointHasher,
        index: HammingIndex,
        values: Float[np.ndarray, "picture bit"],
        text_encoder: TextEncoder,
        picture_encoder: PictureEncoder,
    ) -> None:
        self.collection = collection
        self.hasher = hasher
        self.index = index
        self._text_encoder = text_encoder
        self._picture_encoder = picture_encoder
        self._directions = unit(values).astype(np.float32)
        self._places = [(name, row) for name, split in collection.splits.items() for row in range(len(split))]

    def by_words(self, words: str, count: int = 12) -> Found:
        """The pictures that fit `words` best.

        Raises:
            BadInput: there are no words, or `count` is less than 1.
        """
        if not words.strip():
            raise BadInput("there is nothing to search for", next_step="give words, or the path of a picture")
        began = time.perf_counter()
        features = self._text_encoder.encode([words]).sentence.numpy()
        encoded = time.perf_counter()
        return self._found(words, self.hasher.word_values(features), count, encoded - began)

    def by_picture(self, image: Image.Image, count: int = 12, *, name: str = "a picture") -> Found:
        """The pictures that look most like `image`, which may be of any size.

        Raises:
            BadInput: `count` is less than 1.
        """
        began = time.perf_counter()
        pixels = fit(image, *seen_at(self.collection))
        features = self._picture_encoder.encode(pixels[None]).pooled.numpy()
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
    collection: Collection | str | Path, query: str | Path, count: int = 12, *, log: Log = lambda line: None
) -> Found:
    """The pictures of a collection that fit a query best.

    Args:
        collection: a prepared collection, its folder, or a built-in's name.
        query: words as a string, or a picture file as a `Path`.
        count: how many at most.
        log: called with a line of text while the collection is made ready, once.

    Raises:
        BadInput: there is no such collection, it has no captions, the file is no picture, or there are no words.
        Unavailable: an encoder is missing, or the cache cannot be written.
    """
    image = open_picture(query) if isinstance(query, Path) else None
    opened = collection if isinstance(collection, Collection) else open_collection(collection)
    searcher = open_searcher(opened, log)
    if image is None:
        return searcher.by_words(str(query), count)
    return searcher.by_picture(image, count, name=Path(query).name)


def open_searcher(collection: Collection, log: Log = lambda line: None) -> Searcher:
    """Makes a collection ready to be searched: from the cache folder when it is there, made and put there otherwise.

    Raises:
        BadInput: it has too few captions to learn from.
        Unavailable: an encoder is missing, or the disk refuses.
    """
    text_encoder, picture_encoder = load_text_encoder(), load_picture_encoder()
    made_from = [
        FORMAT, collection.fingerprint, DEFAULT_BITS, text_encoder.sha256, picture_encoder.sha256, picture_encoder.name
    ]  # fmt: skip
    folder = cache_folder() / "recall" / hashlib.sha256(json.dumps(made_from).encode()).hexdigest()[:24]
    try:
        hasher = load_hasher(folder / HASHER)
        index = load_index(folder / INDEX, hasher.version, default_index)
        values = load_file(folder / VALUES)["values"]
    except (BadInput, OSError, KeyError, SafetensorError):  # not there, or damaged: made again
        features = collection_features(collection, text_encoder, picture_encoder, log)
        hasher = fit_cca_itq(features["train"], DEFAULT_BITS)
        values = np.concatenate([hasher.picture_values(pairs.pictures) for pairs in features.values()])
        index = default_index(hasher.bits)
        index.add(np.arange(len(values)), pack(values))
        with written_aside(folder) as aside:
            aside.mkdir()
            save_hasher(hasher, aside / HASHER)
            save_index(index, aside / INDEX, hasher.version)
            save_file({"values": values}, aside / VALUES)
    return Searcher(collection, hasher, index, values, text_encoder, picture_encoder)
