"""Captions for pictures that have none: those of the pictures of a collection that look most like them.

A suggestion is a start for a person and never written anywhere: what a picture is nearest to, it need not show.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mindseye.collection.collection import Collection
from mindseye.collection.prepare import Prepared, prepare
from mindseye.collection.readers import Excluded, open_source
from mindseye.pictures.opener import open_picture
from mindseye.recall.search import Found, open_searcher
from mindseye.report.html import data_uri

CAPTIONS = 3  # for a picture, at most
LOOKED_AT = 24  # nearest pictures, whose captions are taken until there are three different ones

Log = Callable[[str], None]


@dataclass(frozen=True)
class Suggestion:
    """What a picture without a caption may show.

    Attributes:
        file_name: of the picture, in its source.
        captions: a caption, the picture that it is taken from, and how alike the two are, up to 1; best first.
        thumbnail: the picture, as a data URI.
    """

    file_name: str
    captions: tuple[tuple[str, str, float], ...]
    thumbnail: str

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        rows = [{"caption": text, "like": like, "score": round(score, 4)} for text, like, score in self.captions]
        return {"file_name": self.file_name, "captions": rows}


def suggest(collection: Collection, source: str | Path, log: Log = lambda line: None) -> list[Suggestion]:
    """Captions for every picture of `source` that has none and that can be opened.

    Args:
        collection: prepared, with captions; it is made ready to be searched, once.
        source: a folder, or whatever else can be collected; it is not changed.
        log: called with a line of text now and then.

    Raises:
        BadInput: there is no such source, or the collection has too few captions to learn from.
        Unavailable: an encoder is missing, or the cache cannot be written.
    """
    searcher = open_searcher(collection, log)
    suggestions = []
    with open_source(source) as findings:
        for finding in findings:
            if isinstance(finding, Excluded) or finding.texts.captions:
                continue
            prepared = prepare(finding)
            if isinstance(prepared, Prepared):
                image = open_picture(prepared.picture)
                found = searcher.by_picture(image, LOOKED_AT)
                suggestions.append(Suggestion(finding.file_name, different_captions(found), data_uri(image)))
    return suggestions


def different_captions(found: Found) -> tuple[tuple[str, str, float], ...]:
    """The first captions of the nearest pictures, each text once, with the picture and its score."""
    best: dict[str, tuple[str, float]] = {}
    for hit in found.hits:
        if hit.caption:
            best.setdefault(hit.caption, (hit.path, hit.score))
    return tuple((caption, like, score) for caption, (like, score) in list(best.items())[:CAPTIONS])
