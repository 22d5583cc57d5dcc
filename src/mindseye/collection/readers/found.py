"""What readers yield: pictures that were found, and files that cannot be used, each with its reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mindseye.collection.captions import Texts


@dataclass(frozen=True)
class Found:
    """A picture of the source that has not been opened yet.

    Attributes:
        file_name: relative to the source, with forward slashes.
        load: gives its bytes, or its path if it is a file; may raise `OSError`.
        texts: its captions, with where they came from.
        concept: what the metadata says it shows; "" if nothing.
        keywords: single words for it that the metadata gives besides captions.
    """

    file_name: str
    load: Callable[[], Path | bytes]
    texts: Texts
    concept: str = ""
    keywords: tuple[str, ...] = ()


@dataclass(frozen=True)
class Excluded:
    """A file, or a row, that is left out, and why."""

    file: str
    reason: str
