"""The world of `shapes`: what a scene is, what can be read off it, and the scene at each position of an endless stream.

A scene is a background and one to four things that never touch. It is one of three kinds: a single thing in one of
five places, several equal things, or a pair of different things, one left of or above the other. Everything that a
caption may say (size, place, count, relation) follows from the coordinates, so a scene that was decoded from a drawn
picture can be judged by the same functions.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from mindseye.randomness import rng_at

SHAPES = ("circle", "square", "triangle", "star", "cross", "ring")
COLOURS = {
    "red": (220, 30, 40),
    "orange": (250, 130, 20),
    "yellow": (250, 220, 40),
    "green": (30, 150, 60),
    "cyan": (60, 205, 225),
    "blue": (35, 70, 220),
    "purple": (130, 40, 170),
    "pink": (250, 130, 190),
}
BACKGROUNDS = {"white": (255, 255, 255), "black": (0, 0, 0)}
SIZES = {"small": 0.12, "large": 0.19}  # radius as a share of the picture's edge
PLACES = {"left": (0.26, 0.5), "right": (0.74, 0.5), "top": (0.5, 0.26), "bottom": (0.5, 0.74), "centre": (0.5, 0.5)}
INVERSE = {"left of": "right of", "above": "below", "right of": "left of", "below": "above"}

# What the train and validation splits never show; every shape and colour stays known from other combinations.
UNSEEN_PAIRS = frozenset(
    {
        ("red", "star"),
        ("green", "ring"),
        ("blue", "triangle"),
        ("yellow", "cross"),
        ("purple", "circle"),
        ("orange", "square"),
    }
)
UNSEEN_RELATIONS = frozenset(
    {
        ("circle", "left of", "triangle"),
        ("ring", "left of", "cross"),
        ("star", "above", "square"),
        ("cross", "above", "circle"),
    }
)

_KINDS = {"single": 0.4, "several": 0.25, "pair": 0.35}
_QUARTERS = ((0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75))


@dataclass(frozen=True)
class Thing:
    """One thing: its shape, its colour, and its centre and radius as shares of the edge, y downwards."""

    shape: str
    colour: str
    x: float
    y: float
    radius: float

    @property
    def size(self) -> str:
        """ "small" or "large"."""
        return min(SIZES, key=lambda size: abs(SIZES[size] - self.radius))

    @property
    def place(self) -> str:
        """ "left", "right", "top", "bottom" or "centre"."""
        return min(PLACES, key=lambda place: (PLACES[place][0] - self.x) ** 2 + (PLACES[place][1] - self.y) ** 2)


@dataclass(frozen=True)
class Scene:
    """A background and the things on it."""

    background: str
    things: tuple[Thing, ...]

    def truth(self) -> dict[str, Any]:
        """The scene as plain JSON values, with what follows from it: the column `truth` of the collection."""
        things = [asdict(thing) | {"size": thing.size, "place": thing.place} for thing in self.things]
        pair = is_pair(self)
        return {
            "background": self.background,
            "things": things,
            "count": len(things),
            "relation": relation(*self.things) if pair else "",
        }

    @classmethod
    def from_truth(cls, truth: dict[str, Any]) -> Scene:
        """The scene that `truth` was made from."""
        fields = ("shape", "colour", "x", "y", "radius")
        things = tuple(Thing(**{field: thing[field] for field in fields}) for thing in truth["things"])
        return cls(truth["background"], things)


def relation(first: Thing, second: Thing) -> str:
    """Where `first` is: "left of", "right of", "above" or "below" `second`, by the larger of the two distances."""
    across, down = second.x - first.x, second.y - first.y
    if abs(across) >= abs(down):
        return "left of" if across > 0 else "right of"
    return "above" if down > 0 else "below"


def is_pair(scene: Scene) -> bool:
    """Whether the scene is two things that differ in shape or colour."""
    return len(scene.things) == 2 and len({(thing.colour, thing.shape) for thing in scene.things}) == 2


def is_unseen(scene: Scene) -> bool:
    """Whether the scene shows a combination that is kept out of training."""
    if any((thing.colour, thing.shape) in UNSEEN_PAIRS for thing in scene.things):
        return True
    return is_pair(scene) and any(
        (first.shape, relation(first, second), second.shape) in UNSEEN_RELATIONS
        for first, second in (scene.things, scene.things[::-1])
    )


def scene_at(seed: int, stream: str, index: int, *, unseen: bool = False) -> Scene:
    """The scene at a position of an endless stream: a pure function of the arguments.

    Args:
        seed: 0 to 2^32 - 1.
        stream: keeps splits apart ("train", "validation", ...).
        index: 0, 1, 2, ...
        unseen: only scenes with a combination that is kept out of training; otherwise only scenes without one.
    """
    rng = rng_at(seed, f"shapes {stream}", index)
    while True:
        scene = _any_scene(rng)
        if is_unseen(scene) == unseen:
            return scene


def _any_scene(rng: np.random.Generator) -> Scene:
    kind = str(rng.choice(list(_KINDS), p=list(_KINDS.values())))
    background = _one_of(rng, tuple(BACKGROUNDS))
    if kind == "single":
        place = PLACES[_one_of(rng, tuple(PLACES))]
        return Scene(background, (_thing(rng, *_looks(rng), place),))
    if kind == "several":
        looks = _looks(rng)
        quarters = rng.permutation(len(_QUARTERS))[: rng.integers(2, 5)]
        return Scene(background, tuple(_thing(rng, *looks, _QUARTERS[quarter]) for quarter in sorted(quarters)))
    first, second = _looks(rng), _looks(rng)
    while second[:2] == first[:2]:
        second = _looks(rng)
    start, end = [("left", "right"), ("top", "bottom")][rng.integers(2)]
    return Scene(background, (_thing(rng, *first, PLACES[start]), _thing(rng, *second, PLACES[end])))


def _looks(rng: np.random.Generator) -> tuple[str, str, str]:
    return _one_of(rng, SHAPES), _one_of(rng, tuple(COLOURS)), _one_of(rng, tuple(SIZES))


def _thing(rng: np.random.Generator, shape: str, colour: str, size: str, place: tuple[float, float]) -> Thing:
    x, y = np.round(np.add(place, rng.uniform(-0.025, 0.025, 2)), 4)
    return Thing(shape, colour, float(x), float(y), round(SIZES[size] * float(rng.uniform(0.96, 1.04)), 4))


def _one_of(rng: np.random.Generator, choices: tuple[str, ...]) -> str:
    return choices[rng.integers(len(choices))]
