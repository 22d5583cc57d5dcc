"""Captions of scenes: a small grammar that can be spoken, understood and checked against a scene.

`phrase` says a description in one of many ways, `understood` takes any of these back to the description, and
`is_true` tells whether a scene is as described. Prompt-following is measured with the three: a prompt is understood,
the drawn picture is decoded to a scene, and the one is checked against the other.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mindseye.collection.builtin.shapes.scene import (
    BACKGROUNDS,
    COLOURS,
    INVERSE,
    Scene,
    Thing,
    is_pair,
    relation,
)
from mindseye.errors import BadInput

CAPTIONS = 5  # of a scene, at most

_SHAPES = {
    "circle": ("circle", "disc"),
    "square": ("square",),
    "triangle": ("triangle",),
    "star": ("star",),
    "cross": ("cross",),
    "ring": ("ring", "hoop"),
}
_SIZES = {"small": ("small", "little", "tiny"), "large": ("large", "big")}
_PLACES = {
    "left": ("on the left", "at the left", "on the left side"),
    "right": ("on the right", "at the right", "on the right side"),
    "top": ("at the top", "near the top"),
    "bottom": ("at the bottom", "near the bottom"),
    "centre": ("in the centre", "in the middle"),
}
_RELATIONS = {
    "left of": ("to the left of", "left of"),
    "right of": ("to the right of", "right of"),
    "above": ("above", "over"),
    "below": ("below", "under"),
}
_COUNTS = {1: ("one",), 2: ("two", "2", "a pair of"), 3: ("three", "3"), 4: ("four", "4")}
_GROUNDS = {name: (f"on a {name} background", f"against {name}", f"on {name}") for name in BACKGROUNDS}


@dataclass(frozen=True)
class Noun:
    """A thing as it is named; `size` is "" where it is not said."""

    colour: str
    shape: str
    size: str = ""


@dataclass(frozen=True)
class Description:
    """What a caption says; what is "" or None is not said.

    Attributes:
        first: the thing, or each of several equal ones.
        count: how many there are of it, 1 to 4.
        place: where the single thing is.
        relation: where `first` is, seen from `second`: "left of" or "above".
        second: the other thing of a pair.
        background: its colour.
    """

    first: Noun
    count: int = 1
    place: str = ""
    relation: str = ""
    second: Noun | None = None
    background: str = ""


def description(scene: Scene) -> Description:
    """All that can be said of the scene."""
    first = scene.things[0]
    if is_pair(scene):
        _, second = scene.things
        way = relation(first, second)
        if way in ("right of", "below"):
            first, second, way = second, first, INVERSE[way]
        return Description(_noun(first), relation=way, second=_noun(second), background=scene.background)
    place = first.place if len(scene.things) == 1 else ""
    return Description(_noun(first), len(scene.things), place, background=scene.background)


def is_true(said: Description, scene: Scene) -> bool:
    """Whether the scene shows what is said, no more things and no fewer."""
    if said.background not in ("", scene.background):
        return False
    if said.second is None:
        return (
            len(scene.things) == said.count
            and all(_fits(said.first, thing) for thing in scene.things)
            and said.place in ("", scene.things[0].place)
        )
    return len(scene.things) == 2 and any(
        _fits(said.first, first) and _fits(said.second, second) and relation(first, second) == said.relation
        for first, second in (scene.things, scene.things[::-1])
    )


def captions(scene: Scene, rng: np.random.Generator) -> tuple[str, ...]:
    """Different captions of a scene: the first says everything, the others leave things out. All are true."""
    everything = description(scene)
    texts = {phrase(everything, rng): None}
    for _ in range(2 * CAPTIONS):
        if len(texts) < CAPTIONS:
            texts[phrase(_part_of(everything, rng), rng)] = None
    return tuple(texts)


def phrase(said: Description, rng: np.random.Generator) -> str:
    """One of the ways to say it."""
    parts = [_named(said.first, said.count, rng)]
    if said.second is not None:
        way, other = said.relation, _named(said.second, 1, rng)
        if rng.random() < 0.5:
            parts, way, other = [other], INVERSE[way], parts[0]
        parts += [_one_of(rng, _RELATIONS[way]), other]
    if said.place:
        parts.append(_one_of(rng, _PLACES[said.place]))
    if said.background:
        parts.append(_one_of(rng, _GROUNDS[said.background]))
    return " ".join(parts)


def understood(caption: str) -> Description:
    """The description that a caption of this grammar says.

    Raises:
        BadInput: the caption is not of this grammar.
    """
    match = _CAPTION.fullmatch(" ".join(caption.lower().split()))
    if match is None:
        raise BadInput(
            f"{caption!r} is not a caption of the shapes world",
            next_step='say, for example, "a large red circle on the left" or "two blue stars on black"',
        )
    words = match.groupdict()
    first = _heard(words, "first")
    ground = _meaning(_GROUNDS, words["ground"])
    if words["relation"] is None:
        count = next((count for count, names in _COUNTS.items() if words["count"] in names), 1)
        return Description(first, count, _meaning(_PLACES, words["place"]), background=ground)
    way, second = _meaning(_RELATIONS, words["relation"]), _heard(words, "second")
    if way in ("right of", "below"):
        first, second, way = second, first, INVERSE[way]
    return Description(first, relation=way, second=second, background=ground)


def _noun(thing: Thing) -> Noun:
    return Noun(thing.colour, thing.shape, thing.size)


def _fits(noun: Noun, thing: Thing) -> bool:
    return (noun.colour, noun.shape) == (thing.colour, thing.shape) and noun.size in ("", thing.size)


def _part_of(said: Description, rng: np.random.Generator) -> Description:
    """The same with some of size, place and background left unsaid."""
    size, place, ground = rng.random(3) < (0.5, 0.6, 0.3)
    second = said.second
    return replace(
        said,
        first=said.first if size else replace(said.first, size=""),
        second=second if size or second is None else replace(second, size=""),
        place=said.place if place else "",
        background=said.background if ground else "",
    )


def _named(noun: Noun, count: int, rng: np.random.Generator) -> str:
    size = [_one_of(rng, _SIZES[noun.size])] if noun.size else []
    shape = _one_of(rng, _SHAPES[noun.shape])
    looks = " ".join([*size, noun.colour, shape if count == 1 else _plural(shape)])
    if count > 1:
        return f"{_one_of(rng, _COUNTS[count])} {looks}"
    return f"{'an' if looks[0] in 'aeiou' else 'a'} {looks}"


def _plural(shape: str) -> str:
    return f"{shape}es" if shape.endswith("s") else f"{shape}s"


def _one_of(rng: np.random.Generator, ways: Sequence[str]) -> str:
    return ways[int(rng.integers(len(ways)))]


def _meaning(table: Mapping[str, Sequence[str]], words: str | None) -> str:
    return next((meaning for meaning, ways in table.items() if words in ways), "")


def _heard(words: Mapping[str, str | None], which: str) -> Noun:
    shape = next(
        shape
        for shape, names in _SHAPES.items()
        if words[f"{which}_shape"] in (*names, *(_plural(name) for name in names))
    )
    return Noun(str(words[f"{which}_colour"]), shape, _meaning(_SIZES, words[f"{which}_size"]))


def _any_of(name: str, ways: Sequence[str]) -> str:
    """A pattern for any of the ways, the longer ones first."""
    return f"(?P<{name}>{'|'.join(sorted(ways, key=len, reverse=True))})"


def _noun_pattern(which: str) -> str:
    sizes = [way for ways in _SIZES.values() for way in ways]
    shapes = [way for ways in _SHAPES.values() for name in ways for way in (name, _plural(name))]
    return (
        f"(?:{_any_of(f'{which}_size', sizes)} )?{_any_of(f'{which}_colour', tuple(COLOURS))} "
        f"{_any_of(f'{which}_shape', shapes)}"
    )


_CAPTION = re.compile(
    rf"(?:an?|{_any_of('count', [way for ways in _COUNTS.values() for way in ways])}) {_noun_pattern('first')}"
    rf"(?: {_any_of('relation', [way for ways in _RELATIONS.values() for way in ways])} an? {_noun_pattern('second')}"
    rf"| {_any_of('place', [way for ways in _PLACES.values() for way in ways])})?"
    rf"(?: {_any_of('ground', [way for ways in _GROUNDS.values() for way in ways])})?"
)
