"""What is inside a model's codes as a page with sliders, and as a sheet.

The pictures are drawn beforehand, all pairs of steps of two sliders at a time, and lie in the page; moving a slider
only shows another one. So the page needs neither the model nor a network, and its script is a screen long.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from mindseye.pictures.sheet import contact_sheet
from mindseye.report.explore import ACTIVE_NATS, STEPS, Exploration, Slider, Walk
from mindseye.report.html import data_uri, environment


def render(exploration: Exploration, walk: Walk | None) -> str:
    """The page's HTML.

    Args:
        exploration: what `explore` found.
        walk: one between two pictures, to be shown below.
    """
    highest = float(exploration.nats.max())
    return (
        environment()
        .get_template("explore.html")
        .render(
            facts=exploration.facts,
            name=exploration.imaginer.name,
            size_px=exploration.imaginer.size,
            pixel_art=exploration.imaginer.picture_format.pixel_art,
            steps=STEPS,
            least=ACTIVE_NATS,
            active=len(exploration.nats) - len(exploration.inactive),
            sliders=[_slider(exploration, one) for one in exploration.sliders],
            words=any(isinstance(one.key, str) for one in exploration.sliders),
            bars=[
                {
                    "dimension": one,
                    "nats": float(exploration.nats[one]),
                    "share": float(exploration.nats[one]) / highest,
                }
                for one in exploration.ranked
                if exploration.nats[one] >= ACTIVE_NATS
            ],
            grids=_script_text(
                {f"{one},{other}": mosaic_uri(grid) for (one, other), grid in exploration.grids.items()}
            ),
            walk=walk and [data_uri(picture) for picture in (walk.ends[0], *walk.pictures, walk.ends[1])],
        )
    )


def sheet(exploration: Exploration) -> Image.Image:
    """The grid of the first two sliders: one grows downwards, the other to the right."""
    one, other = exploration.sliders[:2]
    grid = exploration.grids[one.key, other.key]
    title = f"{exploration.imaginer.name}: down, {one.name}; right, {other.name}"
    return contact_sheet(list(grid.reshape(STEPS * STEPS, *grid.shape[2:])), columns=STEPS, title=title)


def walk_sheet(walk: Walk) -> Image.Image:
    """The two pictures, and between them what the model draws on the way."""
    between = [f"{share:.0%}" for share in np.linspace(0, 1, len(walk.pictures))]
    pictures = [walk.ends[0], *walk.pictures, walk.ends[1]]
    return contact_sheet(pictures, ["from", *between, "to"], columns=len(pictures))


def mosaic_uri(grid: UInt8[np.ndarray, "row column h w c"]) -> str:
    """A grid of pictures as one picture without gaps."""
    rows, columns, height, width, channels = grid.shape
    mosaic = grid.transpose(0, 2, 1, 3, 4).reshape(rows * height, columns * width, channels)
    return data_uri(mosaic, largest_px=max(mosaic.shape))


def _slider(exploration: Exploration, one: Slider) -> dict[str, Any]:
    return {
        "key": one.key,
        "name": one.name,
        "says": one.says,
        "home": one.home,
        "values": [round(float(value), 2) for value in one.values],
        "strip": [data_uri(picture) for picture in exploration.strips[one.key]],
    }


def _script_text(value: Any) -> str:
    """JSON that cannot end the script it stands in."""
    return json.dumps(value).replace("<", "\\u003c")
