"""The data report: what is in a collection, as plain figures and as one HTML page that needs nothing else.

A model can only be as good as what it is shown, so this is the page to read before a training: are the captions there,
do they differ, what was left out and why, which pictures are the same?
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from mindseye import files
from mindseye.collection.collection import Collection
from mindseye.collection.opening import open_collection
from mindseye.observe.vocabulary import words_of
from mindseye.pictures.palette import palette
from mindseye.pictures.tensors import fit

WORDS_SHOWN = 200
COLOURS_SHOWN = 64
PALETTE_SAMPLE = 1000  # pictures that the palette is counted on
PALETTE_SIZE_PX = 32
FLOOD_SHARE = 1 / 3


def inspect(
    collection: Collection | str | Path,
    *,
    alike: bool = False,
    suggest: str | Path | None = None,
    page: Path | None = None,
    log: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """The figures of a collection; with `page`, also the report as a self-contained HTML file.

    Args:
        collection: an open collection, a built-in name or the folder of a prepared one.
        alike: look for near-duplicates by meaning, too: all pictures are encoded, which takes minutes the first time.
        suggest: a source with pictures that have no caption, to suggest captions for.
        page: where to write the report.
        log: called with a line of text now and then.

    Returns:
        Plain JSON values: `name`, `pictures`, `captioned`, `captions`, `excluded` ({file, reason} each),
        `duplicate_groups` (lists of file names), `notes` ({file, note} each), `splits`, `sizes`, `aspects`, `modes`,
        `caption_lengths`, `words` (the most frequent), `vocabulary` (distinct words), `sources`, `palette`, `flood`
        (the caption that stands on more than a third of the pictures, or None), `transparent`, `pixel_art`,
        `size_px`, `licence`, `attribution`; `alike` ({encoder, limit, count, pairs: {one, other, distance} each}) and
        `suggestions` ({file_name, captions: {caption, like, score} each} each), None where not asked for.

    Raises:
        BadInput: there is no such collection or source, a file of it is damaged, or no caption can be suggested.
        Unavailable: the page cannot be written.
    """
    if not isinstance(collection, Collection):
        collection = open_collection(collection)
    facts = {
        "name": collection.name,
        **{key: collection.info[key] for key in ("pictures", "captioned", "captions", "excluded", "duplicate_groups")},
        "splits": {name: len(split) for name, split in collection.splits.items()},
        **_shapes(_images(collection)),
        **_captions(collection),
        "palette": _palette(collection),
        "notes": collection.info.get("notes", []),
        **{key: collection.info.get(key) for key in ("transparent", "pixel_art", "size_px", "licence", "attribution")},
        "alike": _alike(collection, log) if alike else None,
        "suggestions": None,
    }
    thumbnails: list[str] = []
    if suggest is not None:
        from mindseye.report.suggest import suggest as suggest_captions  # opens torch, as lookalikes do

        found = suggest_captions(collection, suggest, log)
        facts["suggestions"] = [one.as_json() for one in found]
        thumbnails = [one.thumbnail for one in found]
    if page is not None:
        from mindseye.report.page import render

        files.write_text(page, render(collection, facts, thumbnails))
    return facts


def _alike(collection: Collection, log: Callable[[str], None]) -> dict[str, Any]:
    from mindseye.report.lookalikes import lookalikes

    return lookalikes(collection, log).as_json()


def _images(collection: Collection) -> Iterator[Image.Image]:
    for split in collection.splits.values():
        for index in range(len(split)):
            yield split.image(index)


def _shapes(images: Iterable[Image.Image]) -> dict[str, dict[str, int]]:
    """How many pictures have which size, aspect (width to height, in steps that a person would name) and mode."""
    sizes: Counter[tuple[int, int]] = Counter()
    modes: Counter[str] = Counter()
    for image in images:
        sizes[image.size] += 1
        modes["transparent (RGBA)" if image.mode == "RGBA" else "opaque (RGB)"] += 1
    aspects: Counter[str] = Counter()
    for (width, height), count in sizes.items():
        aspects[_aspect(width / height)] += count
    return {
        "sizes": {f"{width}×{height}": count for (width, height), count in sizes.most_common()},  # noqa: RUF001
        "aspects": {name: aspects[name] for name in ("tall", "upright", "square", "landscape", "wide")},
        "modes": dict(modes.most_common()),
    }


def _aspect(ratio: float) -> str:
    """A name for width / height: square within 10 %, wide and tall from 2:1 on."""
    steps = [(0.5, "tall"), (1 / 1.1, "upright"), (1.1, "square"), (2.0, "landscape")]
    return next((name for limit, name in steps if ratio <= limit), "wide")


def _captions(collection: Collection) -> dict[str, Any]:
    """Lengths, words and sources of the captions, and whether one of them floods the collection."""
    lengths: Counter[int] = Counter()
    words: Counter[str] = Counter()
    sources: Counter[str] = Counter()
    pictures_with: Counter[str] = Counter()
    for split in collection.splits.values():
        sources.update(source for source in split.sources if source)
        for captions in split.captions:
            pictures_with.update(set(captions))
            for caption in captions:
                found = words_of(caption)
                lengths[len(found)] += 1
                words.update(found)
    return {
        "caption_lengths": {str(length): lengths[length] for length in sorted(lengths)},
        "words": dict(words.most_common(WORDS_SHOWN)),
        "vocabulary": len(words),
        "sources": dict(sources.most_common()),
        "flood": _flood(pictures_with, collection.info["pictures"]),
    }


def _flood(pictures_with: Counter[str], pictures: int) -> dict[str, Any] | None:
    """The caption that stands on more than a third of the pictures, if there is one: words teach little then."""
    for caption, count in pictures_with.most_common(1):
        if count > max(1, FLOOD_SHARE * pictures):
            return {"caption": caption, "pictures": count, "share": round(count / pictures, 3)}
    return None


def _palette(collection: Collection) -> list[dict[str, Any]]:
    """The most frequent colours of the training pictures, the transparent part left out."""
    split = collection.splits["train"]
    indices = np.linspace(0, len(split) - 1, min(len(split), PALETTE_SAMPLE)).astype(int)
    small = [fit(split.image(int(index)), PALETTE_SIZE_PX, 4, pixel_art=True) for index in indices]
    return [
        {"colour": "#{:02x}{:02x}{:02x}".format(*colour), "share": round(float(share), 4)}
        for colour, share in palette(small, limit=COLOURS_SHOWN)
    ]
