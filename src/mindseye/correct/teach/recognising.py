"""`recognise`: which word a picture shows, and how sure that is.

A frozen picture encoder that has part in no training looks at the picture. The nearest of what is known answers: the
pictures that words were taught from, and those of the model's collection (nearest neighbour by cosine). How often the
nearest picture of the collection is of the same thing, at this nearness, is the confidence: a logistic curve (Platt
1999), fitted to the collection's own pictures, each looked up among all others.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from mindseye.collection.builtin import BUILTIN
from mindseye.collection.collection import Collection
from mindseye.collection.opening import open_collection
from mindseye.errors import BadInput
from mindseye.files import cache_folder
from mindseye.imagine.imaginer import Imaginer, load
from mindseye.imagine.request import Request
from mindseye.observe.pictures import PictureEncoder, load_picture_encoder, picture_features
from mindseye.pictures.opener import open_picture
from mindseye.pictures.tensors import fit
from mindseye.randomness import rng_at

SURE = 0.5  # with less confidence the answer is "I don't know"
CALIBRATED_WITH = 1000  # pictures of the collection, at most
NEWTON_STEPS, RIDGE = 30, 1e-3
MOST_IMAGINED = 16

Log = Callable[[str], None]


@dataclass(frozen=True)
class Answer:
    """What a picture may show.

    Attributes:
        words: a taught word, or a caption of the collection.
        similarity: of the nearest picture of it, the cosine of features, -1 to 1.
        taught: whether it is a taught word.
    """

    words: str
    similarity: float
    taught: bool


@dataclass(frozen=True)
class Recognised:
    """What a picture shows.

    Attributes:
        answers: the best first, each of another thing.
        confidence: of the first, 0 to 1; None where there is no collection to measure it with.
        sure: whether the confidence is enough; True without one.
    """

    answers: tuple[Answer, ...]
    confidence: float | None
    sure: bool

    @property
    def said(self) -> str:
        """The answer in words."""
        return self.answers[0].words if self.sure else "I don't know"


@dataclass(frozen=True)
class Known:
    """Pictures that are known.

    Attributes:
        features: of length 1.
        names: what each shows, in words.
        things: pictures with the same one show the same thing.
    """

    features: Float[Tensor, "picture feature"]
    names: Sequence[str]
    things: Sequence[str]


def recognise(
    model: Imaginer | str | Path,
    picture: Path | bytes,
    *,
    collection: Collection | str | Path | None = None,
    taught_only: bool = False,
    imagined: int = 0,
    sure: float = SURE,
    count: int = 5,
    log: Log = lambda line: None,
) -> Recognised:
    """Which word a picture shows.

    Args:
        model: what was taught words: a loaded model, a name or a folder.
        picture: any picture file, or the bytes of one.
        collection: whose pictures are known besides; the model's own if that is built in.
        taught_only: know the taught words and nothing else.
        imagined: pictures of each taught word that the model draws and knows it by, too, 0 to 16.
        sure: with less confidence the answer is "I don't know".
        count: answers.
        log: called with a line of text now and then.

    Raises:
        BadInput: the file is no picture, or there is nothing to know it by.
    """
    if not 0 <= imagined <= MOST_IMAGINED:
        raise BadInput(f"imagined cannot be {imagined}", next_step=f"choose 0 to {MOST_IMAGINED}")
    imaginer, encoder = model if isinstance(model, Imaginer) else load(model), load_picture_encoder()
    at = imaginer.picture_format
    pixels = np.asarray(fit(open_picture(picture), at.size_px, at.channels, at.pixel_art))
    taught = _taught(imaginer, encoder, imagined, log)
    shown = None if taught_only else _collected(imaginer, encoder, collection, log)
    if not taught and shown is None:
        raise BadInput(
            f"there is nothing that {imaginer.name} could know the picture by",
            why="it was taught no word, and its collection is not built in",
            next_step="name its collection, --collection FOLDER, or teach it words: mindseye teach",
        )
    seen = F.normalize(encoder.encode(np.stack([pixels, pixels[:, ::-1]])).pooled, dim=1)
    answers = [Answer(word, nearest(seen, features), True) for word, features in taught.items()]
    if shown is not None:
        similarity = (seen @ shown.features.T).max(0).values
        rows = _best_of_each(similarity, shown.things)[:count]
        answers += [Answer(shown.names[row], float(similarity[row]), False) for row in rows]
    answers.sort(key=lambda answer: -answer.similarity)
    confidence = None if shown is None else confidence_of(shown)(answers[0].similarity)
    return Recognised(tuple(answers[:count]), confidence, confidence is None or confidence >= sure)


def nearest(seen: Float[Tensor, "view feature"], known: Float[Tensor, "picture feature"]) -> float:
    """The greatest cosine between views of a picture and known pictures; `seen` has length 1."""
    return float((seen @ F.normalize(known, dim=1).T).max())


def confidence_of(known: Known) -> Callable[[float], float]:
    """From the similarity of the nearest known picture to the probability that it is of the same thing."""
    similarity, same = looked_up(known)
    slope, offset = logistic(similarity, same)
    return lambda at: 1 / (1 + math.exp(-max(-30.0, min(30.0, slope * at + offset))))


def looked_up(known: Known) -> tuple[Float[np.ndarray, "picture"], Bool[np.ndarray, "picture"]]:
    """Known pictures, each looked up among all others: the similarity of the nearest, and whether it is of the same
    thing."""
    rows = rng_at(0, "confidence").permutation(len(known.features))[:CALIBRATED_WITH]
    similarity = known.features[rows] @ known.features.T
    similarity[torch.arange(len(rows)), torch.from_numpy(rows)] = -1.0
    best = similarity.max(1)
    things = np.array(known.things)
    return best.values.double().numpy(), things[rows] == things[best.indices.numpy()]


def logistic(x: Float[np.ndarray, "picture"], hit: Bool[np.ndarray, "picture"]) -> tuple[float, float]:
    """Slope and offset of the logistic curve that fits hits at x best, by Newton's method with a little ridge."""
    inputs = np.stack([x - x.mean(), np.ones_like(x)], axis=1)
    weights: NDArray[np.float64] = np.zeros(2)
    for _ in range(NEWTON_STEPS):
        share = 1 / (1 + np.exp(-np.clip(inputs @ weights, -30, 30)))
        gradient = inputs.T @ (hit - share) - RIDGE * weights
        hessian = (inputs * (share * (1 - share))[:, None]).T @ inputs + RIDGE * np.eye(2)
        weights = weights + np.linalg.solve(hessian, gradient)
    return float(weights[0]), float(weights[1] - weights[0] * x.mean())


def _taught(imaginer: Imaginer, encoder: PictureEncoder, imagined: int, log: Log) -> dict[str, Tensor]:
    """Features of each taught word's pictures, and of drawings of it where they are wanted."""
    found = {edit.name: edit.lesson.seen for edit in imaginer.edits if edit.lesson}
    for word in found if imagined else ():
        log(f"imagines {imagined} pictures of {word!r}")
        drawn = [picture.pixels for picture in imaginer.imagine(Request(prompt=f"a {word}", count=imagined))]
        found[word] = torch.cat([found[word], encoder.encode(np.stack(drawn)).pooled])
    return found


def _collected(
    imaginer: Imaginer, encoder: PictureEncoder, collection: Collection | str | Path | None, log: Log
) -> Known | None:
    """The training pictures of a collection that have a caption; None where there is no collection."""
    if collection is None and imaginer.about and imaginer.about.collection.name in BUILTIN:
        collection = imaginer.about.collection.name
    if collection is None:
        return None
    opened = collection if isinstance(collection, Collection) else open_collection(collection)
    at, split = imaginer.picture_format, opened.splits["train"]

    def said(done: int, of: int) -> None:
        if done % 1000 < 8:
            log(f"looked at {done:,} of {of:,} training pictures (done once for a collection)")

    pixels = split.arrays(at.size_px, at.channels, at.pixel_art)
    features = F.normalize(picture_features(encoder, pixels, cache_folder() / "features", said).pooled, dim=1)
    rows = [row for row, captions in enumerate(split.captions) if captions]
    if not rows:
        return None
    return Known(features[rows], [split.captions[row][0] for row in rows], [split.concepts[row] for row in rows])


def _best_of_each(similarity: Float[Tensor, "picture"], things: Sequence[str]) -> list[int]:
    """The most similar picture of each thing, the best first."""
    best: dict[str, int] = {}
    for row in similarity.argsort(descending=True).tolist():
        best.setdefault(things[row], row)
    return list(best.values())
