"""Films of moving sprites: where each sprite is in each frame, and the film at each position of an endless stream.

All places and speeds are whole pixels, so that a frame is exact. The three worlds differ in what decides how a sprite
moves on:

- `bouncing`: it flies straight and is reflected by the walls. Two frames say all that follows.
- `bouncing-random`: a wall throws it back at an angle that chance decides: along the wall it goes on in any way.
- `joystick`: it stands still but for the actions of somebody at a joystick, a pixel each, as far as the wall allows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from mindseye.collection.builtin.shapes.scene import COLOURS
from mindseye.randomness import rng_at

FRAMES_PER_ROW = 4
FRAMES = FRAMES_PER_ROW**2
SPRITE_PX = 5
SMALLEST_PX = 8  # edge of a frame
SPEEDS = (-1, 0, 1)  # px a frame, along each axis; not 0 along both
SHAPES = {
    "square": ("#####", "#####", "#####", "#####", "#####"),
    "ball": (".###.", "#####", "#####", "#####", ".###."),
    "diamond": ("..#..", ".###.", "#####", ".###.", "..#.."),
    "cross": (".###.", "#.#.#", "#####", "#.#.#", ".###."),
    "ring": (".###.", "#...#", "#...#", "#...#", ".###."),
    "arrow": ("..#..", ".###.", "#####", "..#..", "..#.."),
}
ACTIONS = {"stay": (0, 0), "left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}  # px, y downwards
KEPT = 0.6  # how often an action is the one before, as a hand at a joystick has it

Place = tuple[int, int]


@dataclass(frozen=True)
class Sprite:
    """What moves, and where its upper left corner is in each frame: (x, y) in pixels, y downwards."""

    shape: str
    colour: str
    places: tuple[Place, ...]


@dataclass(frozen=True)
class Film:
    """Frames of sprites.

    Attributes:
        frame_px: edge of a frame.
        sprites: later ones pass in front of earlier ones.
        caption: of its picture.
        actions: what moved the sprite from each frame to the next; none where nobody did.
    """

    frame_px: int
    sprites: tuple[Sprite, ...]
    caption: str
    actions: tuple[str, ...] = ()

    def truth(self) -> dict[str, Any]:
        """The film as plain JSON values: the column `truth` of the collection."""
        return asdict(self)

    @classmethod
    def from_truth(cls, truth: dict[str, Any]) -> Film:
        """The film that `truth` was made from."""
        sprites = (
            Sprite(each["shape"], each["colour"], tuple((x, y) for x, y in each["places"])) for each in truth["sprites"]
        )
        return cls(truth["frame_px"], tuple(sprites), truth["caption"], tuple(truth["actions"]))


def film_at(world: str, seed: int, stream: str, index: int, *, frame_px: int, sprites: int = 1) -> Film:
    """The film at a position of an endless stream: a pure function of the arguments.

    Args:
        world: one of `WORLDS`.
        seed: 0 to 2^32 - 1.
        stream: keeps splits apart ("train", "validation", ...).
        index: 0, 1, 2, ...
        frame_px: edge of a frame.
        sprites: how many.
    """
    rng = rng_at(seed, f"{world} {stream}", index)
    made = [_looks(rng) for _ in range(sprites)]
    return WORLDS[world](rng, made, frame_px)


def moved(place: Place, action: str, frame_px: int) -> Place:
    """Where an action takes a sprite, as far as the walls allow."""
    last = frame_px - SPRITE_PX
    x, y = (min(max(at + by, 0), last) for at, by in zip(place, ACTIONS[action], strict=True))
    return x, y


def _looks(rng: np.random.Generator) -> tuple[str, str]:
    return tuple(SHAPES)[rng.integers(len(SHAPES))], tuple(COLOURS)[rng.integers(len(COLOURS))]


def _bouncing(rng: np.random.Generator, looks: Sequence[tuple[str, str]], frame_px: int) -> Film:
    return _flying(rng, looks, frame_px, _reflected, "")


def _bouncing_random(rng: np.random.Generator, looks: Sequence[tuple[str, str]], frame_px: int) -> Film:
    return _flying(rng, looks, frame_px, _thrown_back, " at random")


_Flight = tuple[list[int], list[int]]  # place and speed, each along x and y
_Bounce = Callable[[np.random.Generator, list[int], list[int], int], _Flight]


def _flying(
    rng: np.random.Generator, looks: Sequence[tuple[str, str]], frame_px: int, onwards: _Bounce, how: str
) -> Film:
    last = frame_px - SPRITE_PX
    sprites = []
    for shape, colour in looks:
        place = [int(at) for at in rng.integers(0, last + 1, 2)]
        speed = [0, 0]
        while not any(speed):
            speed = [int(by) for by in rng.choice(SPEEDS, 2)]
        places = [(place[0], place[1])]
        for _ in range(FRAMES - 1):
            place, speed = onwards(rng, place, speed, last)
            places.append((place[0], place[1]))
        sprites.append(Sprite(shape, colour, tuple(places)))
    names = " and ".join(f"a {sprite.colour} {sprite.shape}" for sprite in sprites)
    return Film(frame_px, tuple(sprites), f"{names} bouncing{how}")


def _reflected(rng: np.random.Generator, place: list[int], speed: list[int], last: int) -> _Flight:
    """As light by a mirror: what it would have gone beyond the wall it comes back."""
    place, speed = list(place), list(speed)
    for axis in range(2):
        at = place[axis] + speed[axis]
        if not 0 <= at <= last:
            at, speed[axis] = (-at if at < 0 else 2 * last - at), -speed[axis]
        place[axis] = at
    return place, speed


def _thrown_back(rng: np.random.Generator, place: list[int], speed: list[int], last: int) -> _Flight:
    """Reflected, too; but along the wall it goes on in any way."""
    hit = [not 0 <= at + by <= last for at, by in zip(place, speed, strict=True)]
    if any(hit):
        speed = [by if beyond else int(rng.choice(SPEEDS)) for by, beyond in zip(speed, hit, strict=True)]
    return _reflected(rng, place, speed, last)


def _joystick(rng: np.random.Generator, looks: Sequence[tuple[str, str]], frame_px: int) -> Film:
    [(shape, colour)] = looks
    names = tuple(ACTIONS)
    x, y = rng.integers(0, frame_px - SPRITE_PX + 1, 2)
    places, actions = [(int(x), int(y))], [names[rng.integers(len(names))]]
    for step in range(FRAMES - 1):
        if step:
            actions.append(actions[-1] if rng.random() < KEPT else names[rng.integers(len(names))])
        places.append(moved(places[-1], actions[-1], frame_px))
    return Film(frame_px, (Sprite(shape, colour, tuple(places)),), " ".join(actions), tuple(actions))


WORLDS: dict[str, Callable[[np.random.Generator, Sequence[tuple[str, str]], int], Film]] = {
    "bouncing": _bouncing,
    "bouncing-random": _bouncing_random,
    "joystick": _joystick,
}
