"""Does a drawn picture show what its prompt says? Exact answers in the world of `shapes`, aspect by aspect.

In the manner of GenEval (Ghosh et al. 2023, arXiv 2310.11513): a prompt is understood, the picture is decoded to a
scene, and the one is checked against the other. There an object detector looks at the picture; here a decoder that
knows how the world is drawn, so that the instrument hardly errs. How much it errs is said by the same figures of real
renders with their own captions, which belong beside every table of drawn ones.

    object       every shape that is named is there, two of it if both things have it
    colour       every colour that is named is there, on whatever thing
    binding      of two things of different colours, each has its own
    count        of two to four equal things, exactly so many have the shape
    place        the single thing is where it should be
    relation     the first of two things is left of or above the second
    size         every thing whose size is said has it
    background   it has the colour that is said
    right        all of it, and no other thing in the picture

Each aspect is counted over the prompts that state it. All but the last forgive what they are not about.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8

from mindseye.collection.builtin.shapes.decode import decode
from mindseye.collection.builtin.shapes.scene import Scene, Thing, relation
from mindseye.collection.builtin.shapes.words import Description, Noun, is_true, understood
from mindseye.errors import BadInput
from mindseye.think.figure import Figure, block_numbers, share_interval

ASPECTS = ("object", "colour", "binding", "count", "place", "relation", "size", "background", "right")
ENCODER = "shapes decoder"


@dataclass(frozen=True)
class Verdict:
    """What became of one prompt.

    Attributes:
        prompt: as it was given.
        seen: the scene that the picture shows.
        holds: for each aspect that the prompt states, whether the picture is so.
    """

    prompt: str
    seen: Scene
    holds: dict[str, bool]


def judged(said: Description, seen: Scene) -> dict[str, bool]:
    """For each aspect that is stated, in the order of `ASPECTS`, whether the scene is so."""
    nouns = [said.first] if said.second is None else [said.first, said.second]
    shapes = Counter(thing.shape for thing in seen.things)
    holds = {
        "object": Counter(noun.shape for noun in nouns) <= shapes,
        "colour": {noun.colour for noun in nouns} <= {thing.colour for thing in seen.things},
    }
    if said.second is not None and said.first.colour != said.second.colour:
        things = {(thing.shape, thing.colour) for thing in seen.things}
        holds["binding"] = {(noun.shape, noun.colour) for noun in nouns} <= things
    if said.count > 1:
        holds["count"] = shapes[said.first.shape] == said.count
    if said.place:
        holds["place"] = said.place in {thing.place for thing in _meant(said.first, nouns, seen)}
    if said.second is not None:
        holds["relation"] = any(
            first is not second and relation(first, second) == said.relation
            for first in _meant(said.first, nouns, seen)
            for second in _meant(said.second, nouns, seen)
        )
    sized = [(noun.size, {thing.size for thing in _meant(noun, nouns, seen)}) for noun in nouns if noun.size]
    if sized:
        holds["size"] = all(sizes == {size} for size, sizes in sized)
    if said.background:
        holds["background"] = seen.background == said.background
    return holds | {"right": is_true(said, seen)}


def following(prompts: Sequence[str], pictures: Sequence[UInt8[np.ndarray, "h w c"]]) -> list[Verdict]:
    """What became of each prompt.

    Args:
        prompts: of the grammar of the shapes.
        pictures: picture i was drawn for prompt i.

    Raises:
        BadInput: no prompts, another number of pictures, a prompt of another grammar, a picture that cannot be decoded.
    """
    if not len(prompts) or len(prompts) != len(pictures):
        raise BadInput(
            f"{len(pictures)} pictures cannot be judged by {len(prompts)} prompts",
            next_step="give one prompt a picture, and at least one; repeat a prompt that several were drawn for",
        )
    seen = [decode(picture) for picture in pictures]
    return [Verdict(text, scene, judged(understood(text), scene)) for text, scene in zip(prompts, seen, strict=True)]


def following_figures(
    prompts: Sequence[str], pictures: Sequence[UInt8[np.ndarray, "h w c"]], name: str, seeds: str = ""
) -> list[Figure]:
    """The share of pictures that are as their prompts say, in each aspect that some prompt states.

    Args, Raises: as `following`, and
        name: of the set of prompts, for the figures' names: "following_colour/seen".
        seeds: of the pictures, for the record.

    Returns:
        Figures with Wilson's interval; pictures of one prompt are counted as belonging together.
    """
    verdicts = following(prompts, pictures)
    figures = []
    for aspect in ASPECTS:
        stating = [verdict for verdict in verdicts if aspect in verdict.holds]
        if stating:
            hits = np.array([verdict.holds[aspect] for verdict in stating])
            interval = share_interval(hits, block_numbers([verdict.prompt for verdict in stating], len(hits)))
            share = float(hits.mean())
            figures.append(Figure(f"following_{aspect}/{name}", share, *interval, 0, len(hits), ENCODER, seeds))
    return figures


def _meant(noun: Noun, nouns: Sequence[Noun], seen: Scene) -> list[Thing]:
    """The things that a noun can mean: those of its shape, and of its colour where only that sets it apart."""
    alike = len({other.shape for other in nouns}) < len(nouns)
    return [thing for thing in seen.things if thing.shape == noun.shape and (not alike or thing.colour == noun.colour)]
