"""From one sentence to another: what models of sentences write on the way, each step drawn by one that draws.

Three ways lie beside each other where they can: through the codes of a sentence VAE; through those of a plain
auto-encoder, between which nothing need lie (the contrast of Tables 1 and 8 in Bowman et al. 2016); and through what
the model that draws makes of the two sentences, which needs no sentences in between.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image

from mindseye.errors import BadInput
from mindseye.imagine.imaginer import Imaginer
from mindseye.imagine.request import Request
from mindseye.observe.sentences.sample import Writer
from mindseye.pictures.sheet import contact_sheet
from mindseye.report.explore import slerp

WayName = Literal["linear", "spherical"]
Code = Float[np.ndarray, "code"]

STEPS = 8  # of a walk, the two ends included
MOST_STEPS = 64
IMAGINED = 8  # sentences by chance
KINDS = {"vae": "sentence VAE", "autoencoder": "plain auto-encoder"}


def lerp(start: Code, end: Code, share: float) -> Code:
    """The point at `share` of the straight way between two codes, which the paper takes."""
    return ((1 - share) * start + share * end).astype(np.float32)


WAYS: Mapping[WayName, Callable[[Code, Code, float], Code]] = {"linear": lerp, "spherical": slerp}


@dataclass(frozen=True)
class SentenceWalk:
    """A way from one sentence to another through the codes of a model.

    Attributes:
        model: its name.
        kind: "vae" or "autoencoder".
        ends: the two sentences as they are read: known words, in lower case.
        steps: how far along each sentence was written first, 0 to 1, and the sentence; none follows itself.
    """

    model: str
    kind: str
    ends: tuple[str, str]
    steps: tuple[tuple[float, str], ...]
    written: tuple[str, str]

    @property
    def sentences(self) -> list[str]:
        return [sentence for _, sentence in self.steps]

    @property
    def found_again(self) -> tuple[bool, bool]:
        """Whether each end is written again as it was, word for word."""
        return self.ends[0] == self.written[0], self.ends[1] == self.written[1]

    @property
    def facts(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "model": self.model,
            "kind": self.kind,
            "found_again": list(self.found_again),
            "steps": [{"share": round(share, 4), "sentence": sentence} for share, sentence in self.steps],
        }


def sentence_walk(writer: Writer, begin: str, end: str, *, way: str = "linear", steps: int = STEPS) -> SentenceWalk:
    """What `writer` writes on the way from one sentence to another.

    Args:
        way: "linear" or "spherical".
        steps: points on the way, the two ends included, 2 to 64; there are fewer sentences where it stays with one.

    Raises:
        BadInput: a sentence has no word that it knows, it has no codes, or there is no such way.
    """
    if way not in WAYS:
        raise BadInput(f"way: there is none called {way!r}", next_step=f"use {' or '.join(WAYS)}", field="way")
    if not 2 <= steps <= MOST_STEPS:
        raise BadInput(f"steps cannot be {steps}", next_step=f"use 2 to {MOST_STEPS}", field="steps")
    one, other = writer.encode([begin, end])
    shares = np.linspace(0, 1, steps).tolist()
    written = writer.decode(np.stack([WAYS[way](one, other, share) for share in shares]))  # type: ignore[index]
    kept = [place for place in range(steps) if place == 0 or written[place] != written[place - 1]]
    ends = tuple(writer.reader.sentence(writer.reader.ids(sentence)) for sentence in (begin, end))
    return SentenceWalk(
        writer.name,
        writer.kind,
        (ends[0], ends[1]),
        tuple((shares[place], written[place]) for place in kept),
        (written[0], written[-1]),
    )


def walks_sheet(
    imaginer: Imaginer, walks: Sequence[SentenceWalk], begin: str, end: str, *, steps: int = STEPS, seed: int = 0
) -> Image.Image:
    """A row for each walk, every sentence drawn with the same seed, and one for the way between the two prompts as the
    model that draws sees them, where it can.

    Raises:
        BadInput: as `Imaginer.imagine`.
    """
    drawn: dict[str, UInt8[np.ndarray, "h w c"]] = {}
    rows = []
    for walk in walks:
        for sentence in walk.sentences:
            if sentence not in drawn:
                drawn[sentence] = imaginer.imagine(Request(prompt=sentence, seed=seed))[0].pixels
        pictures = [drawn[sentence] for sentence in walk.sentences]
        rows.append(contact_sheet(pictures, walk.sentences, columns=len(pictures), title=KINDS[walk.kind]))
    if imaginer.abilities.blend_prompts:
        blended = imaginer.between(Request(prompt=begin, seed=seed), Request(prompt=end, seed=seed), steps)
        captions = [begin, *[""] * (steps - 2), end]
        rows.append(contact_sheet(list(blended), captions, columns=steps, title="between the two prompts' features"))
    return below_one_another(rows)


def imagined_sheet(imaginer: Imaginer, sentences: Sequence[str], seed: int = 0) -> Image.Image:
    """Sentences that a model wrote by chance, each drawn.

    Raises:
        BadInput: as `Imaginer.imagine`.
    """
    pictures = [imaginer.imagine(Request(prompt=sentence, seed=seed))[0].pixels for sentence in sentences]
    return contact_sheet(pictures, sentences, columns=4)


def below_one_another(pages: Sequence[Image.Image]) -> Image.Image:
    """Pages on one, left-aligned, in the colour of the first one's corner."""
    size = (max(page.width for page in pages), sum(page.height for page in pages))
    whole = Image.new("RGB", size, pages[0].getpixel((0, 0)))
    top = 0
    for page in pages:
        whole.paste(page, (0, top))
        top += page.height
    return whole
