"""What the emoji judge is shown: its drawings as they are, moved, mirrored and recoloured, with all their captions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8
from numpy.typing import NDArray
from PIL import Image

from mindseye.collection.collection import Collection
from mindseye.observe.emoji_judge.drawings import Drawing
from mindseye.observe.emoji_judge.recolour import COLOURS, coloured_caption, main_part, may_be_recoloured, recolour
from mindseye.observe.vocabulary import words_of
from mindseye.randomness import rng_at

SEED = 0
MOVED_SHARE = 0.5  # of the drawings are shown a second time, moved and mirrored
RECOLOURED = 2  # colours in which a drawing with one main colour is shown
SMALLEST = 0.8  # scale of a moved picture
# a thing with one of these in its name is another thing, or wrong, in the mirror
_ONE_WAY = frozenset(
    """left right arrow arrows button keycap letter letters clock o'clock thirty sign symbol input mark hand fist
    finger zodiac facing numbers date calendar dollar euro pound yen music note notes moon backhand""".split()
)


@dataclass(frozen=True)
class Shown:
    """One picture with what may be said of it.

    Attributes:
        picture: uint8 [64, 64, 4].
        captions: each fits it.
        concept: the thing; pictures of one thing do not contradict each other,
        detail: unless both are known to have another colour; "" when nothing is known.
    """

    picture: UInt8[np.ndarray, "64 64 4"]
    captions: tuple[str, ...]
    concept: str
    detail: str = ""


def shown_pictures(drawings: Sequence[Drawing], collection: Collection) -> list[Shown]:
    """The pictures and captions for a judge of the `emoji` collection.

    The captions are those of the collection; of toned drawings every third is taken.

    Args:
        drawings: by other hands than the collection's.
        collection: the `emoji` collection, for its captions.
    """
    captions = captions_of_concepts(collection)
    people = {concept for concept, tone in captions if tone}
    shown = []
    for index, drawing in enumerate(drawings):
        texts = captions.get((drawing.concept, drawing.tone))
        rng = rng_at(SEED, "judge pictures", index)
        if texts is None or (drawing.tone and rng.random() > 1 / 3):
            continue
        shown.append(Shown(drawing.picture, texts, drawing.concept))
        if drawing.tone:
            continue
        mirror = _ONE_WAY.isdisjoint(words_of(texts[0]))
        if rng.random() < MOVED_SHARE:
            shown.append(Shown(moved(drawing.picture, rng, mirror), texts, drawing.concept))
        plain = drawing.concept not in people and may_be_recoloured(texts[0])
        part = main_part(drawing.picture) if plain else None
        if part is not None:
            for colour in rng.permutation(list(COLOURS))[:RECOLOURED]:
                painted = moved(recolour(drawing.picture, part, str(colour)), rng, mirror)
                sayings = (coloured_caption(colour, texts[0]), f"{colour} {texts[0]}")
                shown.append(Shown(painted, sayings, drawing.concept, str(colour)))
    return shown


def captions_of_concepts(collection: Collection) -> dict[tuple[str, str], tuple[str, ...]]:
    """(concept, tone) to all captions that its pictures have in the collection, the label first."""
    captions: dict[tuple[str, str], tuple[str, ...]] = {}
    for split in collection.splits.values():
        for concept, texts in zip(split.concepts, split.captions, strict=True):
            label, _, tone = texts[0].partition(", ")
            key = (concept, tone.removesuffix(" skin tone") if label and tone.endswith("skin tone") else "")
            captions[key] = tuple(dict.fromkeys([*captions.get(key, ()), *texts]))
    return captions


def moved(picture: UInt8[np.ndarray, "64 64 4"], rng: np.random.Generator, mirror: bool) -> NDArray[np.uint8]:
    """The picture a little smaller at another place, perhaps mirrored."""
    edge = len(picture)
    size = int(rng.integers(round(SMALLEST * edge), edge + 1))
    left, top = (int(offset) for offset in rng.integers(0, edge - size + 1, 2))
    image = Image.fromarray(picture[:, ::-1].copy() if mirror and rng.random() < 0.5 else picture)
    ground = Image.new("RGBA", (edge, edge))
    ground.paste(image.resize((size, size), Image.Resampling.BILINEAR), (left, top))
    return np.asarray(ground)
