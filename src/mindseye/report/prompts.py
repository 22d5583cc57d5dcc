"""What a model is asked to draw when it is evaluated: prompts in sets, each with a real picture of what is asked for.

- `seen`: captions that were trained on, one a concept.
- `held_out`: captions of validation pictures, whose concepts were never shown.
- every further split of the collection under its own name (the emoji have `style_transfer`, the shapes
  `unseen_combinations`).
- `unseen_combinations` of the emoji: things that were trained on, in colours that they never had ("a blue apple").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from mindseye.collection.collection import Collection, Split
from mindseye.learn.learner import PictureFormat
from mindseye.observe.contrastive.judge import SHIPPED_FOR
from mindseye.observe.emoji_judge.combinations import unseen_combinations
from mindseye.pictures.tensors import fit

NAMES = {"train": "seen", "validation": "held_out"}


@dataclass(frozen=True)
class PromptSet:
    """Prompts of one kind, in the order in which they are drawn.

    Attributes:
        name: "seen", "held_out", ...
        prompts: first captions, one a concept.
        concepts, groups: of the picture that each was written for.
        real: that picture, uint8 with straight alpha.
        wrong: for each prompt captions that do not fit it; captions of the other prompts where there are none.
    """

    name: str
    prompts: tuple[str, ...]
    concepts: tuple[str, ...]
    groups: tuple[str, ...]
    real: UInt8[np.ndarray, "prompt size size channel"]
    wrong: tuple[tuple[str, ...], ...] = ()

    def __len__(self) -> int:
        return len(self.prompts)

    @property
    def painted(self) -> bool:
        """Whether no real picture shows what is asked for: what stands beside is a real one in another colour."""
        return bool(self.wrong)

    def first(self, count: int) -> PromptSet:
        """The first `count` of them."""
        return replace(
            self,
            prompts=self.prompts[:count],
            concepts=self.concepts[:count],
            groups=self.groups[:count],
            real=self.real[:count],
            wrong=self.wrong[:count],
        )


def prompt_sets(collection: Collection, picture_format: PictureFormat, limit: int) -> list[PromptSet]:
    """All sets that a collection gives rise to, at most `limit` prompts each; "seen" first. Empty ones are left out."""
    splits = collection.splits.items()
    sets = [_prompt_set(NAMES.get(name, name), split, picture_format, limit) for name, split in splits]
    return [each for each in sets if len(each)]


def combination_sets(collection: Collection, picture_format: PictureFormat, limit: int) -> list[PromptSet]:
    """The set of things in colours that they never had, where there is a judge that knows colours: for the emoji."""
    if collection.name != SHIPPED_FOR:
        return []
    found = unseen_combinations(collection)
    some = [found[index] for index in _evenly(len(found), limit)]
    train = collection.splits["train"]
    at = (picture_format.size_px, picture_format.channels, picture_format.pixel_art)
    return [
        PromptSet(
            "unseen_combinations",
            tuple(each.captions[0] for each in some),
            tuple(train.concepts[each.row] for each in some),
            tuple(train.groups[each.row] for each in some),
            np.stack([fit(Image.fromarray(each.picture), *at) for each in some]),
            tuple(each.captions[1:] for each in some),
        )
    ]


def _prompt_set(name: str, split: Split, picture_format: PictureFormat, limit: int) -> PromptSet:
    rows = _spread(split, limit)
    return PromptSet(
        name,
        tuple(split.captions[row][0] for row in rows),
        tuple(split.concepts[row] for row in rows),
        tuple(split.groups[row] for row in rows),
        split.arrays(picture_format.size_px, picture_format.channels, picture_format.pixel_art, rows=rows),
    )


def _spread(split: Split, limit: int) -> Sequence[int]:
    """Rows with a caption, one a concept, evenly spread; the first few are spread as evenly as all of them."""
    first: dict[str, int] = {}
    for row, (concept, captions) in enumerate(zip(split.concepts, split.captions, strict=True)):
        if captions:
            first.setdefault(concept, row)
    rows = list(first.values())
    return [rows[index] for index in _evenly(len(rows), limit)]


def _evenly(count: int, limit: int) -> list[int]:
    """At most `limit` of the numbers below `count`, every beginning of them evenly spread."""
    return sorted(range(count), key=lambda index: _bit_reversed(index, count))[:limit]


def _bit_reversed(index: int, count: int) -> int:
    """The place of `index` in the van der Corput order, in which every beginning is evenly spread."""
    bits = max(1, (count - 1).bit_length())
    return int(f"{index:0{bits}b}"[::-1], 2)
