"""Captions as they are kept: one line of clean text each, whatever file they came from."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

LONGEST = 2_000  # characters of one caption; more is cut
MOST = 100  # captions of one picture; more are left out

TEXT_KEYS = ("text", "caption", "captions")  # names of the caption in JSON objects, metadata rows and Parquet columns
LAST_TEXT_KEY = "title"  # asked only where none of the above is there
KEYWORDS_KEY = "keywords"  # single words for what a picture shows: labels, never captions


@dataclass(frozen=True)
class Texts:
    """What one source says about one picture.

    Attributes:
        captions: clean, not empty, no two alike, in the order given.
        source: which rule supplied them, for the report.
        problem: why the source's text, or some of it, could not be used; "" if all could.
        notes: what was cut.
    """

    captions: tuple[str, ...] = ()
    source: str = ""
    problem: str = ""
    notes: tuple[str, ...] = ()


def clean(raw: Iterable[Any], source: str) -> Texts:
    """Cleans the captions of one picture; what is not a text becomes the `problem`."""
    captions: dict[str, None] = {}
    problem = ""
    notes: dict[str, None] = {}
    for text in raw:
        if text is None:
            continue
        if not isinstance(text, str):
            problem = f"the caption in {source} is not a text but a {type(text).__name__}"
            continue
        if not _is_unicode(text):
            problem = f"the caption in {source} is not valid UTF-8"
            continue
        line = clean_line(text)
        if len(line) > LONGEST:
            notes[f"a caption of {len(line):,} characters was cut to {LONGEST:,}"] = None
            line = line[:LONGEST].rstrip()
        if line and len(captions) == MOST and line not in captions:
            notes[f"only the first {MOST} captions were kept"] = None
            break
        if line:
            captions[line] = None
    return Texts(tuple(captions), source, problem, tuple(notes))


def clean_line(text: str) -> str:
    """NFC, whitespace (line ends too) folded to single spaces, control and invisible formatting characters removed.

    Of the formatting characters the zero-width joiner goes too, so a joined emoji becomes its parts.
    """
    folded = " ".join(text.split())
    kept = "".join(c for c in folded if unicodedata.category(c) not in ("Cc", "Cf"))
    return " ".join(unicodedata.normalize("NFC", kept).split())


def raw_texts(row: Mapping[str, Any]) -> list[Any]:
    """The caption values of a JSON object, metadata row or Parquet row, lists flattened, not yet cleaned."""
    keys = [key for key in TEXT_KEYS if row.get(key) is not None] or [LAST_TEXT_KEY]
    values: list[Any] = []
    for key in keys:
        value = row.get(key)
        values += value if isinstance(value, list) else [value]
    return values


def clean_keywords(raw: Any) -> tuple[str, ...]:
    """The keywords of one picture: clean, in lower case, no two alike, in the order given, 100 at most.

    Args:
        raw: a list of texts, or one text with commas or semicolons between them; all else says nothing.
    """
    words = re.split("[,;]", raw) if isinstance(raw, str) else raw if isinstance(raw, list) else []
    lines = (clean_line(word).lower()[:LONGEST] for word in words if isinstance(word, str) and _is_unicode(word))
    return tuple(dict.fromkeys(line for line in lines if line))[:MOST]


def _is_unicode(text: str) -> bool:
    """Whether it can be written down: bytes that are not UTF-8 decode to lone surrogates, which cannot."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def decode(data: bytes) -> str:
    """UTF-8 with or without a byte order mark; invalid bytes become lone surrogates, which `clean` refuses."""
    return data.decode("utf-8", errors="surrogateescape").removeprefix("\ufeff")
