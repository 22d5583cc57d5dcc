"""The verdict on one picture as a page."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8

from mindseye.collection.collection import Collection
from mindseye.collection.opening import open_collection
from mindseye.report.html import data_uri, environment, tile

GUESS = 0.5


def render(
    verdict: Mapping[str, Any],
    pixels: UInt8[np.ndarray, "h w c"],
    collection: Collection | str | Path | None,
) -> str:
    """The verdict's HTML.

    Args:
        verdict: what `mindseye.judge` returns.
        pixels: the picture as the thinker saw it.
        collection: where the nearest pictures are; None if there are none.

    Raises:
        BadInput: no such collection.
    """
    page = environment().get_template("judgement.html")
    return page.render(
        verdict=verdict,
        name=Path(verdict["picture"]).name,
        pixel_art=True,
        picture=data_uri(pixels),
        size_px=len(pixels),
        guess=GUESS,
        nearest=_nearest(verdict, collection),
    )


def _nearest(verdict: Mapping[str, Any], collection: Collection | str | Path | None) -> list[dict[str, Any]]:
    """The nearest training pictures with their distances."""
    if collection is None or not verdict["nearest"]:
        return []
    if not isinstance(collection, Collection):
        collection = open_collection(collection)
    train = collection.splits["train"]
    return [{**tile(train, near["row"]), "distance": f"{near['distance']:.3f}"} for near in verdict["nearest"]]
