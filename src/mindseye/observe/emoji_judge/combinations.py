"""Things in colours that nobody drew them in ("a blue apple"), each with captions that do not fit it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8

from mindseye.collection.collection import Collection, Split
from mindseye.observe.emoji_judge.recolour import COLOURS, coloured_caption, main_part, may_be_recoloured, recolour
from mindseye.observe.emoji_judge.shown import captions_of_concepts
from mindseye.observe.vocabulary import words_of
from mindseye.randomness import rng_at

SEED = 0
WRONG = 99
ANOTHER_COLOUR = 60.0  # of 255: painting changes the painted part by so much, else it had that colour before


@dataclass(frozen=True)
class Combination:
    """A thing in a colour.

    Attributes:
        row: of the picture in its split.
        colour: a name of `COLOURS`.
        picture: that picture painted, uint8 [64, 64, 4].
        change: how far the painted part is from what it was, the mean of its differences, 0 to 255.
        captions: its own; after it the same thing in the ten other colours, and other things in any colour.
    """

    row: int
    colour: str
    picture: UInt8[np.ndarray, "64 64 4"]
    change: float
    captions: tuple[str, ...]


def combinations(split: Split, known: Mapping[tuple[str, str], tuple[str, ...]]) -> Iterator[Combination]:
    """Every picture of a split whose thing may have another colour, in one colour by chance.

    Args:
        split: of the `emoji` collection.
        known: `captions_of_concepts` of that collection; what has a tone is a person, and people are not painted.
    """
    people = {concept for concept, tone in known if tone}
    things = sorted({texts[0] for (concept, _), texts in known.items() if concept not in people})
    things = [label for label in things if may_be_recoloured(label)]
    for row, (concept, captions) in enumerate(zip(split.concepts, split.captions, strict=True)):
        label, picture = captions[0], np.asarray(split.image(row).convert("RGBA"))
        part = main_part(picture) if concept not in people and label in things else None
        if part is None:
            continue
        rng = rng_at(SEED, f"recoloured {split.name}", row)
        colours = [str(colour) for colour in rng.permutation(list(COLOURS))]
        others = [str(other) for other in rng.permutation(things) if other != label][: WRONG + 1 - len(colours)]
        wrong = [coloured_caption(str(rng.choice(list(COLOURS))), other) for other in others]
        painted = recolour(picture, part, colours[0])
        yield Combination(
            row,
            colours[0],
            painted,
            float(np.abs(painted[part].astype(float) - picture[part])[:, :3].mean()),
            (*(coloured_caption(colour, label) for colour in colours), *wrong),
        )


def unseen_combinations(collection: Collection) -> list[Combination]:
    """Things that the training split shows, one picture a concept, in colours that it neither shows nor names them in.

    Args:
        collection: the `emoji` collection.
    """
    known = captions_of_concepts(collection)
    said: dict[str, set[str]] = {}
    for (concept, _), texts in known.items():
        said.setdefault(concept, set()).update(word for text in texts for word in words_of(text))
    train = collection.splits["train"]
    found: dict[str, Combination] = {}
    for each in combinations(train, known):
        concept = train.concepts[each.row]
        if each.change > ANOTHER_COLOUR and each.colour not in said[concept]:
            found.setdefault(concept, each)
    return list(found.values())
