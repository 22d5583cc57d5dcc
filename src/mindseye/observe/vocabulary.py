"""What a word is; apart from the encoder, so that counting words needs no torch."""

from __future__ import annotations

import re

WORD = re.compile(r"\w+(?:['’]\w+)*")  # noqa: RUF001 (both apostrophes are met in captions)


def words_of(text: str) -> list[str]:
    """The words of a caption or prompt, lower case, in order: what a vocabulary is made of."""
    return WORD.findall(text.lower())
