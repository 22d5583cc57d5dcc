"""Which words a model has learnt: how often the pictures of prompts with a word are named right."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from mindseye.observe.vocabulary import words_of
from mindseye.think.figure import Figure, block_numbers, share_interval

FEWEST_PROMPTS = 3
SHOW_NOTHING = frozenset("a an and as at by for from in into its of off on or out over the to under up with".split())
WORDS_SHOWN = 12


def by_word(prompts: Iterable[str], hits: Iterable[bool], encoder: str) -> dict[str, Figure]:
    """For each word of three or more prompts, the share of them whose pictures were named right, "named_right".

    Words that show nothing by themselves ("with") are left out.

    Args:
        prompts: as they were drawn; a word counts once in each.
        hits: whether the picture of each was named right.
        encoder: the judge's name, for the record.
    """
    found: dict[str, list[bool]] = {}
    for prompt, hit in zip(prompts, hits, strict=True):
        for word in dict.fromkeys(words_of(prompt)):
            if word not in SHOW_NOTHING:
                found.setdefault(word, []).append(hit)
    return {word: _figure(named, encoder) for word, named in found.items() if len(named) >= FEWEST_PROMPTS}


def best_and_worst(
    words: Mapping[str, Figure], shown: int = WORDS_SHOWN
) -> tuple[dict[str, Figure], dict[str, Figure]]:
    """The words that are surely drawn well, and of the others those that are surely not.

    Args:
        words: from `by_word`.
        shown: of either, at most; half of the words where there are fewer.
    """
    each = min(shown, len(words) // 2)
    best = dict(sorted(words.items(), key=lambda item: (-item[1].low, item[0]))[:each])
    others = sorted(words.items() - best.items(), key=lambda item: (item[1].high, item[0]))
    return best, dict(others[:each])


def _figure(hits: list[bool], encoder: str) -> Figure:
    named = np.array(hits)
    low, high = share_interval(named, block_numbers(None, len(named)))
    return Figure("named_right", float(named.mean()), low, high, 0, len(named), encoder)
