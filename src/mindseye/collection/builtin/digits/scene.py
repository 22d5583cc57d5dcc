"""The world of `digits`: two digits beside or above each other, or one in a corner, and what training never shows.

The arrangements and the eight sentences are those of the digits with captions of Mansimov et al. (2016, alignDRAW),
and so is the test of generalisation: at every place one digit is banned, so a model can only know it there from seeing
it elsewhere. Theirs is drawn anew, without a seed, and by sentence: a digit that is banned "on the left" of another
may still be seen there, as the other of which something is "on the right". Ours is drawn from a seed and by place.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

import numpy as np

from mindseye.randomness import rng_at

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
PLACES = {  # the middle of the digit, as shares of the edge, y downwards
    "left": (0.26, 0.5),
    "right": (0.74, 0.5),
    "top": (0.5, 0.26),
    "bottom": (0.5, 0.74),
    "top left": (0.26, 0.26),
    "top right": (0.74, 0.26),
    "bottom left": (0.26, 0.74),
    "bottom right": (0.74, 0.74),
}
HALF_HEIGHT = 0.18  # of a digit, as a share of the edge
JITTER = 0.025  # of the middle, as a share of the edge

# Which places are filled, in the order in which a sentence names them.
TEMPLATES = {
    "the digit {} is on the left of the digit {}": ("left", "right"),
    "the digit {} is on the right of the digit {}": ("right", "left"),
    "the digit {} is at the top of the digit {}": ("top", "bottom"),
    "the digit {} is at the bottom of the digit {}": ("bottom", "top"),
    "the digit {} is at the top left of the image": ("top left",),
    "the digit {} is at the top right of the image": ("top right",),
    "the digit {} is at the bottom left of the image": ("bottom left",),
    "the digit {} is at the bottom right of the image": ("bottom right",),
}


@dataclass(frozen=True)
class Thing:
    """A digit (0 to 9) at a place: its name, and the middle as shares of the edge, y downwards."""

    digit: int
    place: str
    x: float
    y: float


@dataclass(frozen=True)
class Scene:
    """One or two digits, in the order in which the template names them."""

    template: str
    things: tuple[Thing, ...]

    @property
    def caption(self) -> str:
        return self.template.format(*(DIGITS[thing.digit] for thing in self.things))

    @property
    def shown(self) -> frozenset[tuple[int, str]]:
        """Which digit stands where: what is judged, however it was said."""
        return frozenset((thing.digit, thing.place) for thing in self.things)

    def truth(self) -> dict[str, Any]:
        """The scene as plain JSON values: the column `truth` of the collection."""
        return {"template": self.template, "things": [asdict(thing) for thing in self.things]}

    @classmethod
    def from_truth(cls, truth: dict[str, Any]) -> Scene:
        """The scene that `truth` was made from."""
        return cls(truth["template"], tuple(Thing(**thing) for thing in truth["things"]))


@cache
def banned(seed: int) -> dict[str, int]:
    """The digit that is never seen at each place in training; eight different digits."""
    digits = rng_at(seed, "digits banned").permutation(len(DIGITS))
    return {place: int(digit) for place, digit in zip(PLACES, digits, strict=False)}


def is_unseen(scene: Scene, seed: int) -> bool:
    """Whether a banned digit is in the scene."""
    return any(banned(seed)[thing.place] == thing.digit for thing in scene.things)


def scene_at(seed: int, stream: str, index: int, *, unseen: bool = False) -> Scene:
    """The scene at a position of an endless stream: a pure function of the arguments.

    Args:
        seed: 0 to 2^32 - 1; it decides what is banned, too.
        stream: keeps splits apart ("train", "validation", ...).
        index: 0, 1, 2, ...
        unseen: only scenes with a banned digit; otherwise only scenes without one.
    """
    rng = rng_at(seed, f"digits {stream}", index)
    while True:
        scene = _any_scene(rng)
        if is_unseen(scene, seed) == unseen:
            return scene


def _any_scene(rng: np.random.Generator) -> Scene:
    template = list(TEMPLATES)[rng.integers(len(TEMPLATES))]
    return Scene(template, tuple(_thing(rng, place) for place in TEMPLATES[template]))


def _thing(rng: np.random.Generator, place: str) -> Thing:
    x, y = np.round(np.add(PLACES[place], rng.uniform(-JITTER, JITTER, 2)), 4)
    return Thing(int(rng.integers(len(DIGITS))), place, float(x), float(y))
