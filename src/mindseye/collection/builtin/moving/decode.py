"""Where the sprite of a frame is, whoever drew the frame: the place at which the sprite itself would differ least."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, UInt8

from mindseye.collection.builtin.moving.picture import stencil
from mindseye.collection.builtin.moving.scene import ACTIONS, Place, Sprite, moved
from mindseye.collection.builtin.shapes.scene import COLOURS


def place_of(frame: UInt8[np.ndarray, "height width 3"], sprite: Sprite) -> Place:
    """The whole-pixel place, (x, y) of the upper left corner, at which `sprite` on black is nearest to the frame.

    Of all places p the squared error |frame - sprite at p|^2 is least where the sum over the sprite's pixels of
    colour . frame is greatest, since what the sprite itself adds is the same everywhere.
    """
    inked = stencil(sprite.shape)
    along: Float[np.ndarray, "height width"] = frame.astype(np.float64) @ np.array(COLOURS[sprite.colour], np.float64)
    windows = np.lib.stride_tricks.sliding_window_view(along, inked.shape)
    fit = (windows * inked).sum((2, 3))
    y, x = np.unravel_index(int(fit.argmax()), fit.shape)
    return int(x), int(y)


def action_between(before: Place, after: Place, frame_px: int) -> str | None:
    """The action that takes a sprite from one place to another; the first that does, beside a wall; None if none."""
    return next((action for action in ACTIONS if moved(before, action, frame_px) == after), None)
