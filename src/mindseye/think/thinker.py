"""The thinker: looks at a picture and says whether it seems real, what it shows, and how well a prompt fits it.

A thinker belongs to a collection. In its folder:

    mindseye.json, matcher/   a DAMSM trained on the collection's pictures and captions
    captions.txt              the collection's captions: what it may answer, and what a prompt competes with
    captioner/                words for a picture (`captioner.py`)
    detector/                 real or drawn by one certain model (`detector.py`); absent until there is a model

It chooses among candidates and explains; it is not the judge that models are measured by, and shares with that judge
neither encoder nor words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, UInt8

from mindseye.errors import BadInput
from mindseye.learn.about import About
from mindseye.learn.folder import load_model
from mindseye.learn.learner import Learner
from mindseye.observe import damsm
from mindseye.observe.damsm.network import Damsm, PictureCode, TextCode
from mindseye.observe.text import TextEncoder, load_text_encoder
from mindseye.pictures.tensors import to_model
from mindseye.randomness import rng_at
from mindseye.think.captioner import Captioner, load_captioner
from mindseye.think.detector import Detector, load_detector

CAPTIONS = "captions.txt"
RIVALS = 99  # captions that a prompt competes with
AT_ONCE = 64
FEATURES = "DAMSM"  # what a detector here reads


@dataclass(frozen=True)
class Thought:
    """What the thinker makes of one picture and its prompt.

    Attributes:
        match: the probability of the prompt among 100 captions, 99 of them of other things, 0 to 1.
        realism: the probability that the picture is real, 0 to 1; None where the thinker knows no model's pictures.
    """

    match: float
    realism: float | None

    @property
    def score(self) -> float:
        """What candidates are ordered by: log match, and log realism where it is known."""
        return float(np.log(max(self.match, 1e-9)) + (0 if self.realism is None else np.log(max(self.realism, 1e-9))))

    def __str__(self) -> str:
        real = "" if self.realism is None else f", looks real with probability {self.realism:.2f}"
        return f"fits the prompt with probability {self.match:.2f}{real}"


class Thinker:
    """A loaded thinker.

    Attributes:
        path: its folder.
        about: what the folder says of it.
        captions: of its collection.
        captioner, detector: None where its folder has none.
    """

    def __init__(self, path: Path, model: Damsm, about: About, captions: Sequence[str]) -> None:
        self.path = path
        self.about = about
        self.captions = list(captions)
        self._model = model
        self.captioner: Captioner | None = load_captioner(path / "captioner") if (path / "captioner").is_dir() else None
        self.detector: Detector | None = (
            load_detector(path / "detector", FEATURES) if (path / "detector").is_dir() else None
        )

    @property
    def size_px(self) -> int:
        return self._model.config.size_px

    @property
    def channels(self) -> int:
        return self._model.config.channels

    @cached_property
    def encoder(self) -> TextEncoder:
        reference = self.about.text_encoder
        return load_text_encoder(reference.name, token_limit=reference.token_limit, sha256=reference.sha256)

    @cached_property
    def known(self) -> TextCode:
        """All captions of the collection, which takes a while for thousands."""
        return self._read_together(self.captions)

    @cached_property
    def _drawn_by_lot(self) -> tuple[list[str], TextCode]:
        """Captions that prompts compete with, twice as many as needed, since some may be the prompt itself."""
        order = rng_at(0, "rivals").permutation(len(self.captions))[: 2 * RIVALS]
        captions = [self.captions[place] for place in order]
        return captions, self._read_together(captions)

    @torch.inference_mode()
    def _read_together(self, captions: Sequence[str]) -> TextCode:
        """As `read`, many at a time: one by one thousands would take minutes."""
        text: TextCode = self._model.text(self.encoder.encode_together(captions))
        return text

    @torch.inference_mode()
    def look(self, pictures: UInt8[np.ndarray, "picture size size channel"]) -> PictureCode:
        """Features of pictures at the thinker's own size and channels.

        Raises:
            BadInput: they are of another size.
        """
        expected, given = [self.size_px, self.size_px, self.channels], list(pictures.shape[1:])
        if given != expected:
            raise BadInput(
                f"the thinker in {self.path} looks at pictures of shape {expected}, not {given}",
                next_step="use a thinker that was trained on the model's collection at the model's size",
            )
        parts = [
            self._model.pictures(to_model(pictures[begin : begin + AT_ONCE]))
            for begin in range(0, len(pictures), AT_ONCE)
        ]
        return PictureCode(torch.cat([part.regions for part in parts]), torch.cat([part.whole for part in parts]))

    @torch.inference_mode()
    def read(self, captions: Sequence[str]) -> TextCode:
        """Features of captions."""
        parts = [
            self._model.text(self.encoder.encode(captions[begin : begin + AT_ONCE]))
            for begin in range(0, len(captions), AT_ONCE)
        ]
        return TextCode(
            torch.cat([part.words for part in parts]),
            torch.cat([part.mask for part in parts]),
            torch.cat([part.sentence for part in parts]),
        )

    @torch.inference_mode()
    def match(self, seen: PictureCode, captions: TextCode) -> Float[np.ndarray, "picture caption"]:
        """How well each caption fits each picture, in nats; only differences mean something."""
        parts = [
            self._model.match(seen, _rows(captions, range(begin, min(begin + AT_ONCE, len(captions.mask)))))
            for begin in range(0, len(captions.mask), AT_ONCE)
        ]
        return torch.cat(parts, dim=1).numpy()

    def think(self, pictures: UInt8[np.ndarray, "picture size size channel"], prompt: str) -> list[Thought]:
        """What to make of pictures that were drawn for one prompt.

        Raises:
            BadInput: they are of another size than the thinker's.
        """
        seen = self.look(pictures)
        captions, text = self._drawn_by_lot
        rivals = [place for place, caption in enumerate(captions) if caption.casefold() != prompt.casefold()][:RIVALS]
        own, others = self.match(seen, self.read([prompt])), self.match(seen, _rows(text, rivals))
        scores = np.concatenate([own, others], axis=1)
        match = 1 / np.exp(scores - own).sum(1)
        realism = self.realism(seen)
        return [
            Thought(float(match[row]), None if realism is None else float(realism[row])) for row in range(len(pictures))
        ]

    def realism(self, seen: PictureCode) -> Float[np.ndarray, "picture"] | None:
        """The probability that each picture is real, or None without a detector."""
        if self.detector is None:
            return None
        return 1 - self.detector.score(seen.whole)

    def captions_for(self, seen: PictureCode, count: int = 5) -> list[list[tuple[str, float]]]:
        """The captions of the collection that fit each picture best, with their share of the probability of all."""
        scores = self.match(seen, self.known)
        shares = np.exp(scores - scores.max(1, keepdims=True))
        shares /= shares.sum(1, keepdims=True)
        best = np.argsort(-shares, axis=1, kind="stable")[:, :count]
        return [
            [(self.captions[place], float(share[place])) for place in places]
            for places, share in zip(best, shares, strict=True)
        ]


def load_thinker(folder: Path) -> Thinker:
    """Opens a thinker's folder.

    Raises:
        BadInput: the folder is missing, incomplete or damaged.
    """
    _, model, about = load_model(folder, _only_damsm)
    try:
        captions = (folder / CAPTIONS).read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise BadInput(f"{folder} is not a whole thinker: {CAPTIONS} is missing", next_step="make it again") from error
    return Thinker(folder, model, about, captions)


def _only_damsm(name: str) -> Learner:
    if name != damsm.LEARNER.name:
        raise BadInput(f"a model of the kind {name!r} cannot think", next_step="give the folder of a thinker")
    return damsm.LEARNER


def _rows(text: TextCode, rows: Sequence[int] | np.ndarray) -> TextCode:
    index = torch.as_tensor(np.asarray(rows))
    return TextCode(text.words[index], text.mask[index], text.sentence[index])
