"""Is what is imagined from a picture card similar, but different? Cards are pictures that no training saw.

    python benchmarks/oit.py RUN COLLECTION --sheet cards.png > oit.jsonl      RUN of a family that varies pictures

From each card the model imagines four pictures, without words, at each strength of imagination. By the features of
EfficientNet-Lite0, which took no part in the training, one JSON line a figure, with the 95 % interval over cards:

    own card             the share of imagined pictures that look more like their card than like 19 other cards
    to the card          cosine of an imagined picture and its card
    to each other        cosine of two that were imagined from one card
    to the nearest       cosine of an imagined picture and the training picture most like it
    card to the nearest  the same of the cards themselves: what is no copy

The sheet has a row for each of some cards: the card, what was imagined at a middle strength, and the training picture
that is most like the first of them.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

import mindseye
from mindseye.observe.looks import TrainingLooks
from mindseye.pictures.sheet import contact_sheet
from mindseye.pictures.story import png_bytes
from mindseye.randomness import rng_at
from mindseye.think.figure import bootstrap_interval, resampled
from record import circumstances, say

STRENGTHS = (0.2, 0.4, 0.6, 0.8, 1.0)
OF_A_CARD = 4  # pictures imagined from it
OTHERS = 19  # cards that it stands among
SHOWN, SHOWN_AT = 8, 0.4  # cards on the sheet, and the strength of imagination there

Pictures = NDArray[np.uint8]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="a run or model folder of a family that varies pictures")
    parser.add_argument("collection", help="that it was trained on")
    parser.add_argument("--cards", type=int, default=100, help="of the validation split, at most")
    parser.add_argument("--sheet", type=Path)
    arguments = parser.parse_args()
    imaginer, collection = mindseye.load(arguments.model), mindseye.open_collection(arguments.collection)
    looks = TrainingLooks.of(collection, imaginer.picture_format, say)
    cards = cards_of(collection, imaginer, arguments.cards)
    seen = directions(looks, cards)
    nearest = nearest_cosines(looks, cards)
    told("card to the nearest", None, nearest)
    for strength in STRENGTHS:
        imagined = imagine(imaginer, cards, strength)
        for name, values in figures(looks, imagined, seen).items():
            told(name, strength, values)
        if strength == SHOWN_AT and arguments.sheet:
            sheet(looks, collection, imaginer, cards[:SHOWN], imagined).save(arguments.sheet)


def cards_of(collection: mindseye.Collection, imaginer: mindseye.Imaginer, count: int) -> Pictures:
    """Pictures of the validation split as the model sees them, by chance."""
    split, form = collection.splits["validation"], imaginer.picture_format
    rows = rng_at(0, "cards").permutation(len(split))[:count].tolist()
    return split.arrays(form.size_px, form.channels, form.pixel_art, rows=rows)


def imagine(imaginer: mindseye.Imaginer, cards: Pictures, strength: float) -> Pictures:
    """[card, imagined, ...], without words."""
    every = []
    for place, card in enumerate(cards):
        given = mindseye.Request(
            prompt="", picture=png_bytes(card, None), strength=strength, count=OF_A_CARD, seed=place * OF_A_CARD
        )
        every.append(np.stack([picture.pixels for picture in imaginer.imagine(given)]))
    return np.stack(every)


def figures(looks: TrainingLooks, imagined: Pictures, cards: Tensor) -> dict[str, NDArray[np.float64]]:
    """For each card the mean over what was imagined from it.

    Args:
        imagined: [card, imagined, ...].
        cards: their features, of length 1.
    """
    count = len(imagined)
    seen = directions(looks, imagined.reshape(-1, *imagined.shape[2:])).unflatten(0, (count, OF_A_CARD))
    own = torch.einsum("cif,cf->ci", seen, cards)
    others = [rng_at(0, "other cards", card).choice(np.delete(np.arange(count), card), OTHERS) for card in range(count)]
    among = torch.einsum("cif,cof->cio", seen, cards[torch.from_numpy(np.stack(others))])
    pairs = torch.einsum("cif,cjf->cij", seen, seen)
    apart = ~torch.eye(OF_A_CARD, dtype=torch.bool)
    return {
        "own card": (own > among.amax(2)).double().mean(1).numpy(),
        "to the card": own.mean(1).double().numpy(),
        "to each other": pairs[:, apart].mean(1).double().numpy(),
        "to the nearest": nearest_cosines(looks, imagined[:, 0]),
    }


def directions(looks: TrainingLooks, pictures: Pictures) -> Tensor:
    return F.normalize(looks.encoder.encode(pictures).pooled, dim=1)


def nearest_cosines(looks: TrainingLooks, pictures: Pictures) -> NDArray[np.float64]:
    return np.array([found[0].cosine for found in looks.nearest(pictures, 1)])


def told(name: str, strength: float | None, values: Sequence[float] | NDArray[np.float64]) -> None:
    numbers = np.asarray(values, dtype=float)
    weights = resampled(np.arange(len(numbers)), 0, name)
    low, high = bootstrap_interval(weights @ numbers / weights.sum(1), (-1, 1))
    line = {"figure": name, "strength": strength, "value": round(float(numbers.mean()), 4), "low": round(low, 4)}
    print(json.dumps(line | {"high": round(high, 4), "cards": len(numbers), **circumstances()}), flush=True)


def sheet(
    looks: TrainingLooks, collection: mindseye.Collection, imaginer: mindseye.Imaginer, cards: Pictures, all_: Pictures
) -> Image.Image:
    """A row for each card."""
    form, pictures, captions = imaginer.picture_format, [], []
    for card, imagined in zip(cards, all_, strict=False):
        [[near]] = looks.nearest(imagined[:1], 1)
        [trained] = collection.splits["train"].arrays(form.size_px, form.channels, form.pixel_art, rows=[near.row])
        pictures += [card, *imagined, trained]
        captions += ["the card", *["imagined"] * OF_A_CARD, "nearest in training"]
    return contact_sheet(pictures, captions, columns=2 + OF_A_CARD)


if __name__ == "__main__":
    main()
