"""The judge of whether a picture shows what its prompt says: a matcher, and whether it is a stranger to the models.

The judge that comes with the package, for the `emoji` collection, is independent: it shares no encoder with any picture
maker and has seen none of its training pictures, only other drawings of the same things. For another collection there
are no such drawings, so a judge is trained on the collection itself; it is not independent, and it says so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from mindseye.collection.collection import Collection
from mindseye.errors import BadInput
from mindseye.files import cache_folder
from mindseye.observe.contrastive.config import BagConfig, FitSettings, MatcherConfig
from mindseye.observe.contrastive.fit import Pairs, fit
from mindseye.observe.contrastive.folder import load_matcher, save_matcher
from mindseye.observe.contrastive.network import Matcher, joined
from mindseye.observe.pictures import PictureEncoder, PictureFeatures, load_picture_encoder, picture_features
from mindseye.observe.vocabulary import words_of

SHIPPED = Path(__file__).parents[2] / "models" / "emoji-judge"
SHIPPED_FOR = "emoji"  # the collection whose things it knows
SIZE_PX = 64  # pictures of a collection are read at this size for a judge

Log = Callable[[str], None]


@dataclass(frozen=True)
class Judge:
    """A matcher with a name.

    Attributes:
        title: which judge it is.
        matcher: what gives the similarities.
    """

    title: str
    matcher: Matcher

    @property
    def independent(self) -> bool:
        """Whether it has seen no picture that the judged models were trained on."""
        return self.matcher.config.independent

    @property
    def name(self) -> str:
        """For the record of a figure: which judge it is, what it looks through, and whether it is a stranger."""
        doubt = "" if self.independent else ", not independent"
        return f"{self.title}{doubt} ({self.matcher.config.picture_encoder})"

    def similarity(self, pictures: PictureFeatures, captions: Sequence[str]) -> Float[np.ndarray, "picture caption"]:
        """How well each caption fits each picture, -1 to 1.

        Args:
            pictures: as the picture encoder of the judge gives them.
            captions: any texts.
        """
        similarity: Float[np.ndarray, "picture caption"] = self.matcher.similarity(pictures, captions).numpy()
        return similarity

    def among(self, pictures: PictureFeatures, choices: Sequence[Sequence[str]]) -> Float[np.ndarray, "picture choice"]:
        """How well each of a picture's own choices of captions fits it; as many choices for every picture."""
        texts = sorted({text for captions in choices for text in captions})
        column = {text: place for place, text in enumerate(texts)}
        places = np.array([[column[text] for text in captions] for captions in choices])
        return np.take_along_axis(self.similarity(pictures, texts), places, axis=1)


def load_judge(path: Path | None = None) -> Judge:
    """The judge in a folder, or the one that comes with the package.

    Raises:
        BadInput: a file is missing or damaged, or the judge looks through another picture encoder than this program.
    """
    folder = path or SHIPPED
    matcher = load_matcher(folder)
    encoder = load_picture_encoder()
    if (encoder.name, encoder.sha256) != (matcher.config.picture_encoder, matcher.config.picture_encoder_sha256):
        raise BadInput(
            f"the judge in {folder} cannot be used",
            why=f"it looks through {matcher.config.picture_encoder}, this program through {encoder.name}",
            next_step="train it again, or use the version of mindseye that made it",
        )
    return Judge(folder.name if matcher.config.independent else f"judge from {matcher.config.trained_on}", matcher)


def judge_for(collection: Collection, log: Log = lambda line: None, settings: FitSettings | None = None) -> Judge:
    """The judge that fits a collection best: the independent one where there is one, else one trained on it, once.

    Args:
        collection: what the models to be judged were trained on.
        log: called with a line of text now and then.
        settings: how one is trained where none is there yet.

    Raises:
        BadInput: the collection has too few captioned pictures to train one.
    """
    if collection.name == SHIPPED_FOR:
        return load_judge()
    folder = cache_folder() / "judges" / collection.fingerprint[:24]
    if folder.is_dir():
        return load_judge(folder)
    log(f"training a judge for {collection.name}")
    judge = fit_judge(collection, settings, log=log)
    save_matcher(judge.matcher, folder)
    return load_judge(folder)  # not the one in memory: its weights have more digits


def fit_judge(
    collection: Collection, settings: FitSettings | None = None, *, seed: int = 0, log: Log = lambda line: None
) -> Judge:
    """A judge trained on the training split of a collection; it is not independent.

    Args:
        collection: with captions.
        settings: how it is trained.
        seed: 0 to 2^32 - 1.
        log: called with a line of text now and then.

    Raises:
        BadInput: there are too few captioned pictures.
    """
    split, encoder = collection.splits["train"], load_picture_encoder()
    captioned = [index for index, captions in enumerate(split.captions) if captions]
    pictures = split.arrays(SIZE_PX, 4 if collection.info["transparent"] else 3, collection.info["pixel_art"])
    features = picture_features(encoder, pictures, cache_folder() / "features")
    captions = [split.captions[index] for index in captioned]
    pairs = Pairs(
        pictures=joined(features)[captioned],
        captions=captions,
        concepts=[split.concepts[index] for index in captioned],
        details=[""] * len(captioned),
    )
    trained_on = f"the training split of {collection.name}, {collection.fingerprint[:8]}"
    config = bag_matcher(encoder, captions, trained_on=trained_on, independent=False)
    fitted = fit(pairs, config, settings, seed=seed, log=lambda step, loss: log(f"step {step}: held-out {loss:.3f}"))
    return Judge(f"judge from {config.trained_on}", fitted.matcher)


def bag_matcher(
    encoder: PictureEncoder, captions: Sequence[Sequence[str]], *, trained_on: str, independent: bool
) -> MatcherConfig:
    """The settings of a matcher that learns the words of `captions` itself.

    Args:
        encoder: what it looks through.
        captions: those that it is trained with.
        trained_on: the pictures, in words.
        independent: whether the models that it judges have been trained on others.
    """
    words = sorted({word for texts in captions for text in texts for word in words_of(text)})
    return MatcherConfig(
        picture_encoder=encoder.name,
        picture_encoder_sha256=encoder.sha256,
        text=BagConfig(words=tuple(words)),
        trained_on=trained_on,
        independent=independent,
    )
