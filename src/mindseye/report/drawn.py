"""What a model draws to be evaluated: its prompts in turn, set after set, until the time is up."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

import numpy as np
from jaxtyping import UInt8
from numpy.typing import NDArray
from PIL import Image

from mindseye.collection.collection import Collection
from mindseye.imagine.imaginer import Imaginer
from mindseye.learn.learner import PictureFormat
from mindseye.pictures.tensors import fit
from mindseye.report.prompts import PromptSet
from mindseye.think.features import FEWEST
from mindseye.think.figure import seeds_text

ENOUGH_PROMPTS = 100  # of a set, for a share that can be relied on
AT_ONCE = 8  # prompts that are drawn side by side

Log = Callable[[str], None]
Item = TypeVar("Item")


@dataclass(frozen=True)
class Drawn:
    """What a model drew for one set of prompts: picture i for prompt i, with seed `first_seed` + i."""

    asked: PromptSet
    pictures: UInt8[np.ndarray, "picture size size channel"]
    first_seed: int = 0

    @property
    def seeds(self) -> str:
        """For the record of a figure: "0-99"."""
        return seeds_text(range(self.first_seed, self.first_seed + len(self.pictures)))

    def first(self, count: int) -> Drawn:
        """The first `count` of them."""
        return Drawn(self.asked.first(count), self.pictures[:count], self.first_seed)


def draw_for(imaginer: Imaginer, sets: Sequence[PromptSet], budget: float, log: Log = lambda line: None) -> list[Drawn]:
    """Draws for all sets in turn until the time is up; every set has at least as many pictures as figures need."""
    pictures: dict[str, list[NDArray[np.uint8]]] = {each.name: [] for each in sets}
    began = said = time.monotonic()
    for some in batched(_in_turn(sets), AT_ONCE):
        now = time.monotonic()
        if now - began > budget and min(map(len, pictures.values())) >= FEWEST:
            break
        if now - said > 15:
            log(f"drew {sum(map(len, pictures.values())):,} pictures, {max(0.0, budget - now + began):.0f} s to go")
            said = now
        drawn = imaginer.imagine_each([asked.prompts[index] for asked, index in some], [index for _, index in some])
        for (asked, _), picture in zip(some, drawn, strict=True):
            pictures[asked.name].append(_fitted(picture, asked.real))
    return [Drawn(each.first(len(pictures[each.name])), np.stack(pictures[each.name])) for each in sets]


def budget_for_enough(drawn: Sequence[Drawn], sets: Sequence[PromptSet], seconds: float) -> int | None:
    """The budget, in whole tens of seconds, that lasts for 100 pictures of each set, or all where there are fewer; None
    if so many were drawn.

    Args:
        drawn: as much as was drawn of each set.
        sets: the same sets, whole.
        seconds: that it took.
    """
    wanted = [min(ENOUGH_PROMPTS, len(each)) for each in sets]
    if all(len(each.pictures) >= count for each, count in zip(drawn, wanted, strict=True)):
        return None
    return 10 * math.ceil(seconds * sum(wanted) / sum(len(each.pictures) for each in drawn) / 10)


def compared_as(imaginer: Imaginer, collection: Collection) -> PictureFormat:
    """How real and drawn pictures are compared: as the model sees them; or, where it draws at any size, at the size of
    the collection's."""
    own, info = imaginer.picture_format, collection.info
    if not imaginer.abilities.size_multiple:
        return own
    return PictureFormat(min(own.size_px, info["size_px"]), own.channels, info["pixel_art"])


def _fitted(picture: NDArray[np.uint8], real: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A drawn picture at the size of the real ones."""
    _, size_px, _, channels = real.shape
    return picture if len(picture) == size_px else fit(Image.fromarray(picture), size_px, channels, pixel_art=False)


def batched(items: Iterator[Item], count: int) -> Iterator[list[Item]]:
    """The items, `count` at a time, the last ones fewer."""
    while some := list(islice(items, count)):
        yield some


def _in_turn(sets: Sequence[PromptSet]) -> Iterator[tuple[PromptSet, int]]:
    for index in range(max(map(len, sets))):
        for asked in sets:
            if index < len(asked):
                yield asked, index
