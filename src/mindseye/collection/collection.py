"""A prepared collection: pictures with captions in Parquet, split into parts, with a record of how it was made.

On disk, in a folder:

    data/train-00000-of-00001.parquet        a row a picture: image, text, captions, file_name, concept, group, source,
                                             and where any picture of the collection has such: truth, keywords
    data/validation-00000-of-00001.parquet
    collection.json                          counts, exclusions, suggestions, licence: `Collection.info`
    README.md                                a dataset card, so that `datasets.load_dataset(folder)` opens it
    by_hand.json                             what a person changed since, where somebody did: `ByHand`
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from PIL import Image

from mindseye import files
from mindseye.collection.by_hand import LIST, ByHand
from mindseye.collection.card import card
from mindseye.errors import BadInput
from mindseye.pictures.opener import open_picture
from mindseye.pictures.tensors import fit

FORMAT = "mindseye collection"
FORMAT_VERSION = 1
RECORD = "collection.json"

_SPLIT_NAME = re.compile(r"[a-z][a-z0-9_]*")

_PICTURE = pa.struct([("bytes", pa.binary()), ("path", pa.string())]), {"_type": "Image"}
_TEXT = pa.string(), {"dtype": "string", "_type": "Value"}
_TEXTS = pa.list_(pa.string()), {"feature": _TEXT[1], "_type": "List"}
_COLUMNS = {  # each as Arrow has it and as `datasets` calls it
    "image": _PICTURE, "text": _TEXT, "captions": _TEXTS, "file_name": _TEXT, "concept": _TEXT, "group": _TEXT,
    "source": _TEXT,
}  # fmt: skip
_MORE = {"truth": _TEXT, "keywords": _TEXTS}  # only where there are any


def _schema(more: Iterable[str] = ()) -> pa.Schema:
    """The columns, with those of `_MORE` that are named, in its order."""
    columns = {**_COLUMNS, **{name: kind for name, kind in _MORE.items() if name in more}}
    features = {name: feature for name, (_, feature) in columns.items()}
    fields = [(name, arrow) for name, (arrow, _) in columns.items()]
    return pa.schema(fields, metadata={"huggingface": json.dumps({"info": {"features": features}})})


@dataclass(frozen=True)
class Example:
    """One picture as it is stored.

    Attributes:
        picture: PNG or lossless WebP bytes, 8-bit RGB or RGBA.
        file_name: where it came from, relative to the source, with forward slashes.
        captions: cleaned texts, the first is the main one; empty when the collection is unconditional.
        concept: what it shows, as far as is known; pictures of one concept are drawn together in training.
        group: the same for near-duplicates; a group never straddles two splits.
        source: which reader rule supplied the captions ("sidecar .txt", "metadata.jsonl", ...).
        truth: what exactly the picture shows, as JSON, where it was drawn from a known scene; else "".
        keywords: single words for it, in lower case, that its maker gave besides captions: labels for
            recall, which no imaginer reads.
    """

    picture: bytes
    file_name: str
    captions: tuple[str, ...]
    concept: str
    group: str
    source: str
    truth: str = ""
    keywords: tuple[str, ...] = ()


class Split:
    """One part of a collection ("train", "validation", ...): a sequence of `Example`s, with its columns as lists."""

    def __init__(self, name: str, table: pa.Table) -> None:
        self.name = name
        self.table = table

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def __getitem__(self, index: int) -> Example:
        """The example at `index`, 0 to len - 1."""
        if not 0 <= index < len(self):
            raise IndexError(index)
        return Example(
            picture=self.picture(index),
            file_name=self.file_names[index],
            captions=self.captions[index],
            concept=self.concepts[index],
            group=self.groups[index],
            source=self.sources[index],
            truth=self.truths[index],
            keywords=self.keywords[index],
        )

    def __iter__(self) -> Iterator[Example]:
        return (self[index] for index in range(len(self)))

    @cached_property
    def captions(self) -> list[tuple[str, ...]]:
        """All captions of each picture."""
        return [tuple(texts) for texts in self._column("captions")]

    @cached_property
    def file_names(self) -> list[str]:
        return self._column("file_name")

    @cached_property
    def concepts(self) -> list[str]:
        return self._column("concept")

    @cached_property
    def groups(self) -> list[str]:
        return self._column("group")

    @cached_property
    def sources(self) -> list[str]:
        """Which reader rule supplied the captions of each picture."""
        return self._column("source")

    @cached_property
    def truths(self) -> list[str]:
        """What exactly each picture shows, as JSON; "" where it is not known."""
        return self._column("truth") if "truth" in self.table.column_names else [""] * len(self)

    @cached_property
    def keywords(self) -> list[tuple[str, ...]]:
        """The keywords of each picture; none where the source has none."""
        if "keywords" not in self.table.column_names:
            return [()] * len(self)
        return [tuple(words) for words in self._column("keywords")]

    def _column(self, name: str) -> list[Any]:
        values: list[Any] = self.table.column(name).to_pylist()
        return values

    def picture(self, index: int) -> bytes:
        """The stored PNG or WebP bytes of one picture."""
        data: bytes = self.table.column("image")[index]["bytes"].as_py()
        return data

    def image(self, index: int) -> Image.Image:
        """One picture, decoded: 8-bit RGB or RGBA.

        Raises:
            PictureError: the stored bytes are damaged.
        """
        return open_picture(self.picture(index), name=self.file_names[index])

    def arrays(
        self, size_px: int, channels: int, pixel_art: bool = False, *, rows: Sequence[int] | None = None
    ) -> NDArray[np.uint8]:
        """The pictures as one uint8 array [picture, size_px, size_px, channels], padded to squares.

        Args:
            size_px: edge of the square.
            channels: 3 (RGB) or 4 (RGBA, straight alpha).
            pixel_art: resize by nearest neighbour instead of smoothly.
            rows: which pictures, in which order; all of them unless given.
        """
        wanted = range(len(self)) if rows is None else rows
        out = np.empty((len(wanted), size_px, size_px, channels), dtype=np.uint8)
        for place, row in enumerate(wanted):
            out[place] = fit(self.image(row), size_px, channels, pixel_art)
        return out


class Collection:
    """A prepared collection, opened for reading.

    Attributes:
        path: its folder.
        name: the folder's name, or the built-in's.
        splits: "train" always; "validation" where there are pictures enough; others as declared by the maker.
        info: the contents of `collection.json`: pictures, captioned, captions, excluded, duplicate_groups, splits,
            size_px, transparent, pixel_art, sources, seconds, and licence and attribution where known.
    """

    def __init__(self, path: Path, name: str, splits: Mapping[str, Split], info: Mapping[str, Any]) -> None:
        self.path = path
        self.name = name
        self.splits = dict(splits)
        self.info = dict(info)

    def __repr__(self) -> str:
        sizes = ", ".join(f"{name} {len(split)}" for name, split in self.splits.items())
        return f"Collection({self.name!r}: {sizes})"

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the contents: every picture with its texts, in order. Two equal collections agree in it."""
        return fingerprint_of(self.splits)


def fingerprint_of(splits: Mapping[str, Iterable[Example]]) -> str:
    """The fingerprint of a collection with these examples."""
    digest = hashlib.sha256()
    for name, examples in splits.items():
        for example in examples:
            texts = [name, example.file_name, list(example.captions), example.concept, example.group]
            texts += [list(example.keywords)] if example.keywords else []  # older collections keep their digest
            digest.update(hashlib.sha256(example.picture).digest())
            digest.update(hashlib.sha256(json.dumps(texts).encode()).digest())
    return digest.hexdigest()


def write_collection(destination: Path, splits: Mapping[str, Sequence[Example]], info: Mapping[str, Any]) -> Collection:
    """Writes a prepared collection, whole or not at all, and opens it. Splits without pictures are left out.

    The counts `pictures`, `captioned`, `captions` and `splits` of `info` are filled in from the examples, and
    `seconds["write"]` and `bytes["write"]` from the writing.

    Args:
        destination: the folder to make; one that exists is replaced only if it is a prepared collection, and what a
            person changed in that is changed in the new one.
        splits: the examples of each split; names of lower-case letters, digits and underscores; "train" first.
        info: what else to record in `collection.json`; plain JSON values.

    Raises:
        BadInput: there is no picture in "train", a split name is unusable, or `destination` is something else.
        Unavailable: the disk is full or refuses.
    """
    refuse_foreign_folder(destination)
    kept = {name: list(examples) for name, examples in splits.items() if examples}
    if "train" not in kept:
        raise BadInput(f"{destination} cannot be made: no picture is left for its train split")
    for name in kept:
        if not _SPLIT_NAME.fullmatch(name):
            raise BadInput(f"split name {name!r} is not usable", next_step="use lower-case letters and underscores")
    record = {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        "excluded": [],
        "duplicate_groups": [],
        **info,
        **_counts({name: [example.captions for example in examples] for name, examples in kept.items()}),
    }
    with files.written_aside(destination) as aside:
        (aside / "data").mkdir(parents=True)
        began = time.perf_counter()
        everything = [example for examples in kept.values() for example in examples]
        more = {name for name in _MORE for example in everything if getattr(example, name)}
        for name, examples in kept.items():
            pq.write_table(_table(examples, more), aside / "data" / _parquet_name(name), compression="zstd")
        written = sum(file.stat().st_size for file in (aside / "data").iterdir())
        record["seconds"] = {**info.get("seconds", {}), "write": round(time.perf_counter() - began, 3)}
        record["bytes"] = {**info.get("bytes", {}), "write": written}
        (aside / RECORD).write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        (aside / "README.md").write_text(card(destination.name, record), encoding="utf-8")
        if (destination / LIST).exists():
            shutil.copyfile(destination / LIST, aside / LIST)
    return open_prepared(destination)


def refuse_foreign_folder(destination: Path) -> None:
    """Raises `BadInput` if `destination` exists and is neither an empty folder nor a prepared collection."""
    if not destination.exists() or is_prepared(destination):
        return
    if destination.is_dir() and not any(destination.iterdir()):
        return
    raise BadInput(
        f"{destination} exists and is not a prepared collection, so it is left alone",
        next_step="choose a new folder for the collection",
    )


def is_prepared(path: Path) -> bool:
    """Whether `path` is the folder of a prepared collection."""
    try:
        record = json.loads((path / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(record, dict) and record.get("format") == FORMAT


def open_prepared(path: Path, *, name: str = "", by_hand: ByHand | None = None) -> Collection:
    """Opens the prepared collection in the folder `path`, as a person changed it.

    Args:
        path: the folder.
        name: the folder's unless given.
        by_hand: the changes; those in the folder unless given. With an empty `ByHand()` it is as it was collected.

    Raises:
        BadInput: a file of it is missing or damaged, or everything was left out.
    """
    info = json.loads((path / RECORD).read_text(encoding="utf-8"))
    if info.get("version") != FORMAT_VERSION or not isinstance(info.get("splits"), dict):
        raise BadInput(
            f"{path / RECORD} is of a version that this program does not know",
            why=f"version {info.get('version')!r} instead of {FORMAT_VERSION}",
            next_step="collect the pictures again, or use a newer mindseye",
        )
    if unusable := [split for split in info["splits"] if not _SPLIT_NAME.fullmatch(split)]:
        raise BadInput(f"{path / RECORD} names a split {unusable[0]!r}", why="that is no split's name")
    splits = {split: Split(split, _read_table(path / "data" / _parquet_name(split))) for split in info["splits"]}
    collection = Collection(path, name or path.resolve().name, splits, info)
    by_hand = ByHand.read(path) if by_hand is None else by_hand
    return collection if by_hand == ByHand() else _changed(collection, by_hand)


def _changed(collection: Collection, by_hand: ByHand) -> Collection:
    """A collection as a person changed it."""
    collected = {file_name for split in collection.splits.values() for file_name in split.file_names}
    changed = [Split(name, by_hand.applied(split.table)) for name, split in collection.splits.items()]
    splits = {split.name: split for split in changed if len(split)}
    if "train" not in splits:
        place = collection.path / LIST
        raise BadInput(f"no picture is left to train on in {collection.path}", next_step=f"take one back: {place}")
    counts = _counts({name: split.captions for name, split in splits.items()})
    info = {**collection.info, **by_hand.told(collection.info, collected), **counts}
    return Collection(collection.path, collection.name, splits, info)


def _counts(captions: Mapping[str, Sequence[Sequence[str]]]) -> dict[str, Any]:
    """What `collection.json` counts, from the captions of each picture of each split."""
    every = [texts for split in captions.values() for texts in split]
    return {
        "pictures": len(every),
        "captioned": sum(map(bool, every)),
        "captions": sum(map(len, every)),
        "splits": {name: len(split) for name, split in captions.items()},
    }


def _parquet_name(split: str) -> str:
    return f"{split}-00000-of-00001.parquet"


def _table(examples: Sequence[Example], more: Set[str]) -> pa.Table:
    columns = {
        "image": [{"bytes": example.picture, "path": example.file_name} for example in examples],
        "text": [example.captions[0] if example.captions else "" for example in examples],
        "captions": [list(example.captions) for example in examples],
        "file_name": [example.file_name for example in examples],
        "concept": [example.concept for example in examples],
        "group": [example.group for example in examples],
        "source": [example.source for example in examples],
        "truth": [example.truth for example in examples],
        "keywords": [list(example.keywords) for example in examples],
    }
    schema = _schema(more)
    return pa.Table.from_pydict({name: columns[name] for name in schema.names}, schema=schema)


def _read_table(path: Path) -> pa.Table:
    try:
        return pq.read_table(path, schema=_schema(pq.read_schema(path).names))
    except (OSError, ValueError, pa.ArrowException) as error:
        raise BadInput(
            f"{path} cannot be read",
            why="the file is missing, cut short or has other columns",
            next_step="collect the pictures again",
        ) from error
