"""A finished picture, and how it came to be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray
from PIL import Image

from mindseye.pictures.snap import indexed
from mindseye.pictures.story import Story


@dataclass(frozen=True)
class Picture:
    """A finished picture and how it came to be.

    Attributes:
        pixels: uint8 [height, width, 3 or 4], straight alpha.
        story: prompt, seed, model and settings: enough to draw it again.
        palette: the model's colours as "rrggbb", where it draws in a palette.
    """

    pixels: NDArray[np.uint8]
    story: Story
    palette: tuple[str, ...] = ()

    @property
    def image(self) -> Image.Image:
        """As it is saved: indexed (mode P) where the model draws in a palette, else RGB or RGBA."""
        return indexed(self.pixels, self.palette) if self.palette else Image.fromarray(self.pixels)


Looks = tuple[tuple[str, Float[np.ndarray, "row column"]], ...]  # each word of a prompt with its map


@dataclass(frozen=True)
class Rough:
    """A picture as one of the stages of its drawing left it.

    Attributes:
        pixels: uint8 [height, width, 3 or 4], straight alpha; earlier stages may have fewer of them.
        words: as of `Attended`, of this stage; none where it did not look at words.
    """

    pixels: NDArray[np.uint8]
    words: Looks


@dataclass(frozen=True)
class Attended:
    """A picture, and what of the prompt it looked at while it was drawn.

    Attributes:
        picture: as `imagine` draws it.
        words: each word of the prompt with a map of shares: how much of all that it looked at each place of the picture
            gave to this word.
        stages: of a model that draws in stages, all of them.
    """

    picture: Picture
    words: Looks
    stages: tuple[Rough, ...] = ()
