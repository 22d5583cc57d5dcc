"""`bouncing`, `bouncing-random` and `joystick`: films of moving sprites whose places are known exactly.

scene.py     what a film is, the three ways to move, and the endless stream of films
picture.py   a film as frames, and as the one sheet that is its picture
decode.py    a frame, drawn by whomever, back to where its sprite is

A film is stored as a sprite sheet, one picture with its frames row by row, as pixel artists keep theirs. The caption of
a `joystick` film is its actions, one a step ("right right up ..."); the others say what moves.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PIL import Image

from mindseye.collection.builtin.moving.picture import frames_of, sheet_of
from mindseye.collection.builtin.moving.scene import FRAMES_PER_ROW, SMALLEST_PX, WORLDS, Film, film_at
from mindseye.collection.builtin.world import PICTURES, SEED, open_world, scene_example, write_world
from mindseye.collection.collection import Collection, Example
from mindseye.errors import BadInput

VERSION = 1  # of the worlds; another one is prepared anew
FRAME_PX = 16


def opener(world: str) -> Callable[[], Collection]:
    """What opens one of the three as it is named directly: 10,000 films of 16 frames at 16 px, prepared once."""
    return partial(open_world, world, VERSION, partial(write_moving, world))


def write_moving(
    world: str,
    destination: Path,
    *,
    pictures: int = PICTURES,
    frame_px: int = FRAME_PX,
    sprites: int = 1,
    seed: int = SEED,
) -> Collection:
    """Prepares any number of films as a collection; the first ones are the same whatever their number.

    The splits: `train` and `validation` (other films of the same kind). The column `truth` has each film.

    Args:
        world: "bouncing", "bouncing-random" or "joystick".
        destination: the folder to make.
        pictures: films in `train`, at least 1; `validation` has a twentieth of it.
        frame_px: edge of a frame, 8 or more; the sheet has four times that.
        sprites: how many there are in a film; later ones pass in front of earlier ones. One for `joystick`.
        seed: 0 to 2^32 - 1.

    Raises:
        BadInput: there is no such world, frames are too small for its sprites, or `destination` is something else than
            a collection.
        Unavailable: the disk refuses.
    """
    if world not in WORLDS:
        raise BadInput(f"there is no world {world!r}", next_step=f"choose one of {', '.join(WORLDS)}", field="world")
    if frame_px < SMALLEST_PX:
        raise BadInput(
            f"frame_px cannot be {frame_px}: sprites would fill the frame",
            next_step=f"use {SMALLEST_PX} or more",
            field="frame_px",
        )
    if sprites < 1 or (world == "joystick" and sprites > 1):
        raise BadInput(f"sprites cannot be {sprites} in {world}", next_step="use 1", field="sprites")
    return write_world(
        destination,
        partial(_example, world, frame_px=frame_px, sprites=sprites, seed=seed),
        pictures,
        FRAMES_PER_ROW * frame_px,
        splits=("train", "validation"),
        seed=seed,
        frames_per_row=FRAMES_PER_ROW,
    )


def _example(world: str, split: str, index: int, *, frame_px: int, sprites: int, seed: int) -> Example:
    film = film_at(world, seed, split, index, frame_px=frame_px, sprites=sprites)
    sheet = Image.fromarray(sheet_of(frames_of(film)))
    return scene_example(split, index, sheet, [film.caption], film.truth())


__all__ = ["Film", "film_at", "frames_of", "opener", "sheet_of", "write_moving"]
