"""Does a drawn picture show what its prompt says? Exact answers in the world of `shapes`, aspect by aspect.

In the manner of GenEval (Ghosh et al. 2023, arXiv 2310.11513): a prompt is understood, the picture is decoded to a
scene, and the one is checked against the other. There an object detector looks at the picture; here a decoder that
knows how the world is drawn, so that the instrument hardly errs. How much it errs is `decoder_accuracy`, the same
figures of real renders, which belong beside every table of drawn ones.

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
from mindseye.collection.builtin.shapes.picture import draw
from mindseye.collection.builtin.shapes.scene import Scene, Thing, relation, scene_at
from mindseye.collection.builtin.shapes.words import Description, Noun, captions, description, is_true, understood
from mindseye.errors import BadInput
from mindseye.randomness import rng_at
from mindseye.think.figure import Figure, block_numbers, share_interval

ASPECTS = ("object", "colour", "binding", "count", "place", "relation", "size", "background", "right")
ENCODER = "shapes decoder"
SPLITS = {"validation": False, "unseen_combinations": True}  # of prompts, and whether they are of unseen combinations

_BEYOND = 10**9  # the first position of a stream of scenes that no collection reaches


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


def scenes(split_name: str, count: int, seed: int = 0) -> list[Scene]:
    """Scenes that no collection of any size contains, since they lie beyond it in the stream of their split.

    Args:
        split_name: "validation" (combinations that training shows) or "unseen_combinations".
        count: how many; the first ones are the same whatever their number.
        seed: of the stream, 0 to 2^32 - 1.

    Raises:
        BadInput: there is no such split.
    """
    if split_name not in SPLITS:
        raise BadInput(f"the shapes have no prompts {split_name!r}", next_step=f"take {' or '.join(map(repr, SPLITS))}")
    return [scene_at(seed, split_name, _BEYOND + index, unseen=SPLITS[split_name]) for index in range(count)]


def prompts(split_name: str, count: int, seed: int = 0) -> list[tuple[str, Description]]:
    """One caption of each of `scenes`, sometimes a full one and mostly one that leaves things out, and what it says.

    Args, Raises: as `scenes`.
    """
    texts = []
    for index, scene in enumerate(scenes(split_name, count, seed)):
        rng = rng_at(seed, f"shapes {split_name} prompts", index)
        ways = captions(scene, rng)
        texts.append(ways[int(rng.integers(len(ways)))])
    return [(text, understood(text)) for text in texts]


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
    return _figures([(verdict.prompt, verdict.holds) for verdict in verdicts], name, seeds, real=False)


def decoder_accuracy(scenes: Sequence[Scene], size_px: int, name: str) -> list[Figure]:
    """The same figures for real renders of scenes, each held to a full description of it: the instrument's own error.

    Args:
        scenes: at least one, such as those whose captions are the prompts.
        size_px: edge of the pictures, as the model draws them.
        name: as for `following_figures`; "_real" is added.
    """
    checks = [(str(index), _as_described(scene, size_px)) for index, scene in enumerate(scenes)]
    return _figures(checks, f"{name}_real", "", real=True)


def _as_described(scene: Scene, size_px: int) -> dict[str, bool]:
    return judged(description(scene), decode(np.asarray(draw(scene, size_px))))


def _figures(checks: Sequence[tuple[str, dict[str, bool]]], name: str, seeds: str, *, real: bool) -> list[Figure]:
    """A figure for each aspect from (block, what holds) of each picture."""
    figures = []
    for aspect in ASPECTS:
        stating = [(block, holds[aspect]) for block, holds in checks if aspect in holds]
        if stating:
            hits, n = np.array([hit for _, hit in stating]), len(stating)
            low, high = share_interval(hits, block_numbers([block for block, _ in stating], n))
            counts = (n, 0) if real else (0, n)
            share = float(hits.mean())
            figures.append(Figure(f"following_{aspect}/{name}", share, low, high, *counts, ENCODER, seeds))
    return figures


def _meant(noun: Noun, nouns: Sequence[Noun], seen: Scene) -> list[Thing]:
    """The things that a noun can mean: those of its shape, and of its colour where only that sets it apart."""
    alike = len({other.shape for other in nouns}) < len(nouns)
    return [thing for thing in seen.things if thing.shape == noun.shape and (not alike or thing.colour == noun.colour)]
