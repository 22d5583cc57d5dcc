"""DiffAugment (Zhao et al. 2020): the critic sees pictures changed, so that it cannot learn the few by heart.

Real and generated pictures are changed by random transformations of one distribution, and the change can be
differentiated, so that the generator learns through it. A transformation must not show pictures what the collection
does not have: what moves in from outside, or is cut out, has the colour of that picture's own background, and colours
change where there is something to see and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from mindseye.learn.learner import Draws

Change = Literal["colour", "move", "cut"]
MOVE = 1 / 8  # of the edge, at most
CUT = 1 / 2  # of the edge: the side of the square that is cut out


def draw(rng: np.random.Generator, size_px: int) -> Mapping[str, Any]:
    """The random numbers of one picture's change, for all transformations: the paper's ranges."""
    most = round(MOVE * size_px)
    return {
        "brightness": np.float32(rng.uniform(-0.5, 0.5)),
        "saturation": np.float32(rng.uniform(0, 2)),
        "contrast": np.float32(rng.uniform(0.5, 1.5)),
        "shift": rng.integers(-most, most + 1, 2),
        "middle": rng.integers(0, size_px + 1, 2),
        **{f"chance of {name}": np.float32(rng.random()) for name in TRANSFORMATIONS},
    }


def of(which: str, draws: Draws) -> Draws:
    """The random numbers of the "real" or the "fake" picture's change."""
    return {name.removeprefix(f"{which} "): value for name, value in draws.items() if name.startswith(f"{which} ")}


def augmented(
    pictures: Float[Tensor, "batch channel height width"],
    draws: Draws,
    names: tuple[str, ...],
    often: Tensor | float = 1.0,
) -> Float[Tensor, "batch channel height width"]:
    """`pictures`, changed by the transformations called `names`, one after another.

    Args:
        often: the share of pictures that each of them changes, 0 to 1; which ones is chance, for each anew.
    """
    for name in names:
        made = draws[f"chance of {name}"] < often
        pictures = torch.where(made[:, None, None, None], TRANSFORMATIONS[name](pictures, draws), pictures)
    return pictures


def coloured(pictures: Float[Tensor, "batch channel height width"], draws: Draws) -> Tensor:
    """Brightness + b, saturation by s, contrast by c.

    With transparency the colours are premultiplied, a c: adding b to a colour adds a b to that, so the invisible stays
    as it is, and the mean colour is that of the visible.
    """
    unit = (pictures + 1) / 2
    colour, opacity = unit[:, :3], unit[:, 3:] if unit.shape[1] == 4 else torch.ones_like(unit[:, :1])
    brightness, saturation, contrast = (_column(draws[name]) for name in ("brightness", "saturation", "contrast"))
    colour = colour + brightness * opacity
    grey = colour.mean(1, keepdim=True)
    colour = grey + saturation * (colour - grey)
    mean = colour.mean((1, 2, 3), keepdim=True) / opacity.mean((1, 2, 3), keepdim=True).clamp(min=1e-2)
    colour = mean * opacity + contrast * (colour - mean * opacity)
    return torch.cat([colour, unit[:, 3:]], dim=1) * 2 - 1


def moved(pictures: Float[Tensor, "batch channel height width"], draws: Draws) -> Tensor:
    """Moved by up to an eighth of the edge; what comes in from outside is background."""
    size = pictures.shape[-1]
    place = torch.arange(size, device=pictures.device)
    rows, columns = (place - draws["shift"].T[..., None]).unbind(0)
    outside = _outside(rows, size)[:, :, None] | _outside(columns, size)[:, None, :]
    rows, columns = rows.clamp(0, size - 1), columns.clamp(0, size - 1)
    inside = pictures.gather(2, rows[:, None, :, None].expand_as(pictures))
    inside = inside.gather(3, columns[:, None, None, :].expand_as(pictures))
    return torch.where(outside[:, None], background(pictures), inside)


def cut(pictures: Float[Tensor, "batch channel height width"], draws: Draws) -> Tensor:
    """A square of half the edge becomes background; its middle may be anywhere."""
    size = pictures.shape[-1]
    place = torch.arange(size, device=pictures.device)
    near = (place - draws["middle"].T[..., None]).abs() <= CUT * size / 2
    rows, columns = near.unbind(0)
    return torch.where((rows[:, :, None] & columns[:, None, :])[:, None], background(pictures), pictures)


def background(pictures: Float[Tensor, "batch channel height width"]) -> Float[Tensor, "batch channel 1 1"]:
    """What stands behind a picture: nothing (-1) with transparency, else the median colour of its border."""
    if pictures.shape[1] == 4:
        return torch.full_like(pictures[:, :, :1, :1], -1)
    border = [pictures[:, :, 0], pictures[:, :, -1], pictures[:, :, :, 0], pictures[:, :, :, -1]]
    return torch.cat(border, dim=2).median(2).values[:, :, None, None]


TRANSFORMATIONS: dict[str, Callable[[Tensor, Draws], Tensor]] = {"colour": coloured, "move": moved, "cut": cut}


def _outside(places: Int[Tensor, "batch place"], size: int) -> Tensor:
    return (places < 0) | (places >= size)


def _column(numbers: Float[Tensor, "batch"]) -> Float[Tensor, "batch 1 1 1"]:
    return numbers[:, None, None, None]
