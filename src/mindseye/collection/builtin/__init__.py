"""The collections that come with mindseye, named directly: `digits`, `emoji`, `glyphs`, `shapes`; films: `bouncing`,
`bouncing-random` and `joystick`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from mindseye import files
from mindseye.collection.builtin.digits import open_digits
from mindseye.collection.builtin.glyphs import open_glyphs
from mindseye.collection.builtin.moving import opener
from mindseye.collection.builtin.moving.scene import WORLDS
from mindseye.collection.builtin.shapes import open_shapes
from mindseye.collection.collection import Collection, open_prepared


def open_emoji() -> Collection:
    """Noto and Twemoji at 64 px, transparent, captioned; made by `emoji_build.py`, stored beside this file."""
    return open_prepared(Path(__file__).parent / "emoji", name="emoji")


BUILTIN: dict[str, Callable[[], Collection]] = {
    "digits": open_digits,
    "emoji": open_emoji,
    "glyphs": open_glyphs,
    "shapes": open_shapes,
    **{world: opener(world) for world in WORLDS},
}


def is_builtin(collection: Collection) -> bool:
    """Whether a collection is one of these, or a copy that is kept to be used again; whatever it is called."""
    places = (Path(__file__).parent, files.cache_folder())
    return any(collection.path.resolve().is_relative_to(place.resolve()) for place in places)
