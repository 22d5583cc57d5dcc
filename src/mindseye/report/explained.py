"""Figures in words that a stranger understands, and their numbers as a person would write them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

from mindseye.report.html import percent
from mindseye.think.figure import Figure

SOURCES = ("real", "retrieval")


@dataclass(frozen=True)
class Explained:
    """What a kind of figure is.

    Attributes:
        anchor: of its explanation on the page.
        title: its name for people.
        asks: what it measures, in half a sentence.
        best: which way is better.
        share: it is a share of pictures, and written as a percentage.
        text: how to read it, and how it misleads.
    """

    anchor: str
    title: str
    asks: str
    best: str
    share: bool = True
    text: str = ""


_NAMING = Explained(
    "r-precision",
    "R-precision",
    "the right caption is chosen out of a hundred",
    "higher is better",
    text="A judge that has learnt which words fit which pictures is shown a picture and a hundred captions: its own"
    " prompt and 99 of pictures of other things. R-precision is how often it chooses the prompt. Guessing is right once"
    " in a hundred. Real pictures with their own captions show how good the judge is: nothing drawn can be expected to"
    " do better. The search gives back the training picture whose caption is nearest to the prompt: a model that does"
    " not beat it draws no more than could be looked up.",
)
_FOLLOWING = Explained(
    "following",
    "Following the prompt",
    "the picture is as the prompt says",
    "higher is better",
    text="In the world of shapes what a picture shows can be read off exactly, and so it can be checked against the"
    " prompt: every shape and colour named, how many, where, how large, on what background. “Right” is all of it, and"
    " nothing else in the picture. Each is counted over the prompts that say anything of it.",
)
_LIKELIHOOD = Explained(
    "likelihood",
    "Bits per dimension",
    "how unlikely the model finds real pictures whose captions it is told",
    "lower is better",
    share=False,
    text="A model that gives every picture a probability could be used to store pictures: the less it is surprised, the"
    " shorter. This is how many bits each number of a picture costs. Who knows nothing pays 8 for one of 256 levels."
    " Pictures never shown that cost much more than those of the training mean that these were learnt by heart. Only"
    " pictures that are written alike can be compared, so a palette is not to be set beside full colours. It says"
    " little of how drawn pictures look.",
)
KINDS = {
    "kid": Explained(
        "kid",
        "Distance of the sets (KID)",
        "how far all pictures together lie from the real ones",
        "lower is better, 0 is no difference",
        share=False,
        text="Are two pictures of one set more alike than two of different sets? The excess is the distance. Between"
        " equal sets it is as often below 0 as above. It has no unit: read it beside the distance of real pictures that"
        " the model never saw.",
    ),
    "frechet_distance": Explained(
        "frechet",
        "Fréchet distance",
        "the same, cruder: by means and spreads",
        "lower is better, 0 is never reached",
        share=False,
        text="Each set is described by its mean and its spread, and the two descriptions are compared. The fewer"
        " pictures, the larger it is, whatever the model. With Inception features, and only then, it is called FID, and"
        " this is not it.",
    ),
    "precision": Explained(
        "precision",
        "Precision",
        "drawn pictures that lie among real ones",
        "higher is better",
        text="Around each real picture a ball reaches its third nearest real neighbour. Precision is the share of drawn"
        " pictures in any ball: do single pictures look real? One odd real picture with a large ball can flatter it.",
    ),
    "recall": Explained(
        "precision",
        "Recall",
        "real pictures that lie among drawn ones",
        "higher is better",
        text="The same with the roles exchanged: of all that exists, how much is drawn? High precision with low recall"
        " is pretty pictures, always the same few.",
    ),
    "density": Explained(
        "density",
        "Density",
        "how closely real pictures surround a drawn one",
        "about 1 is best",
        share=False,
        text="Like precision, but it counts in how many balls a drawn picture lies. Above 1 is not better: it says that"
        " the most typical pictures are drawn too often.",
    ),
    "coverage": Explained(
        "density",
        "Coverage",
        "real pictures with a drawn one nearby",
        "higher is better",
        text="The share of real pictures with any drawn picture in their own ball. With fewer drawn pictures than real"
        " ones it cannot be high.",
    ),
    "inception_style_score": Explained(
        "inception",
        "Inception-style score",
        "clear and varied, to a classifier",
        "higher is better, to a point",
        share=False,
        text="A classifier names each picture; the score is high when it is sure of each and all names occur equally"
        " often. It never looks at a real picture. It is here for old tables only.",
    ),
    "r_precision": _NAMING,
    "named_right": _NAMING,
    "copy_rate": Explained(
        "copies",
        "Suspiciously near",
        "nearer to a training picture than 99% of unseen real ones are",
        "1% or less is best",
        text="For each drawn picture the nearest training picture is found, and so for real pictures that the model"
        " never saw. Nearer than 99% of those is suspicious; 1% of anything is, by chance. Look at the pairs.",
    ),
    "memorised_rate": Explained(
        "copies",
        "Learnt by heart",
        "three times nearer to one training picture than to any other, in pixels",
        "0 is best",
        text="A strict test that hardly anything passes by accident. If it exceeds a few per cent, stop the training"
        " earlier or give more pictures.",
    ),
    "duplicate_rate": Explained(
        "copies",
        "Near-duplicates",
        "a training picture is the same but for details",
        "0 is best",
        text="The cleaning of the collection would have merged the two.",
    ),
    "bits_per_dimension": _LIKELIHOOD,
    "bits_per_dimension_bound": replace(
        _LIKELIHOOD,
        title="Bits per dimension, at most",
        text=_LIKELIHOOD.text + " This is an upper bound: the true number is no higher, and how much lower it is nobody"
        " knows. Beside an exact number of another model it can show that this one is better, never that it is worse.",
    ),
    "auc": Explained(
        "detector",
        "Told from real ones",
        "pairs, one real and one imagined, in which a detector picks the imagined one",
        "50% is best",
        text="A detector learns to tell drawn pictures from real ones and is asked about pictures that it has not seen."
        " At 50% it guesses: it is fooled. A trace that no person sees can be enough for 100%, so this is a hard test.",
    ),
    "calibration_error": Explained(
        "detector",
        "Calibration error",
        "how far the detector's probabilities are off",
        "lower is better",
        text="If it says 80% of many pictures, 80 of 100 should be imagined; this is how far it is off on average.",
    ),
}


def parsed(name: str) -> tuple[str, str, str]:
    """A figure's name in its parts: "r_precision_real/held_out" is ("r_precision", "real", "held_out").

    "following_colour/seen_real" is ("following_colour", "real", "seen"); what is not said is "".
    """
    kind, _, asked = name.partition("/")
    for source in SOURCES:
        if kind.endswith(f"_{source}") or asked.endswith(f"_{source}"):
            return kind.removesuffix(f"_{source}"), source, asked.removesuffix(f"_{source}")
    return kind, "", asked


def about(name: str) -> Explained:
    """What a figure is, by its full name."""
    kind, _, _ = parsed(name)
    if kind.startswith("following"):
        return _FOLLOWING
    plain = Explained("", kind.replace("_", " "), "", "", share=False)
    return KINDS.get(kind, plain)


def title(name: str) -> str:
    """A figure's full name in words: "R-precision, real pictures, held out"."""
    kind, source, asked = parsed(name)
    said = about(name).title
    if kind.startswith("following"):
        said = "Following: " + kind.removeprefix("following_")
    whose = {"real": "real pictures", "retrieval": "search"}.get(source, "")
    return ", ".join(part for part in (said, whose, asked.replace("_", " ")) if part)


def explanations(names: Iterable[str]) -> list[Explained]:
    """The explanations of all kinds among these figures, each once, in the order of this file."""
    needed = [about(name) for name in names]
    return [kind for kind in dict.fromkeys([*KINDS.values(), _FOLLOWING]) if kind in needed]


def value_text(figure: Figure, kind: Explained) -> str:
    """The value: "62%", or "0.0213"; "not available" if it is not finite."""
    return _written(figure.value, kind)


def interval_text(figure: Figure, kind: Explained) -> str:
    """The interval: "55% to 69%"."""
    return f"{_written(figure.low, kind)} to {_written(figure.high, kind)}"


def count_text(figure: Figure) -> str:
    """How many pictures it was computed from: "n = 2,000 real, 180 drawn"."""
    _, source, _ = parsed(figure.name)
    others = {"real": "unseen real" if figure.n_real else "real", "retrieval": "found"}.get(source, "drawn")
    parts = [(figure.n_real, "real"), (figure.n_generated, others)]
    return "n\u00a0=\u00a0" + ", ".join(f"{count:,} {what}" for count, what in parts if count)


def in_full(figure: Figure) -> str:
    """Value, interval and numbers in one breath: "62% (55% to 69%; n = 180 drawn)"."""
    kind = about(figure.name)
    return f"{value_text(figure, kind)} ({interval_text(figure, kind)}; {count_text(figure)})"


def _written(value: float, kind: Explained) -> str:
    if not math.isfinite(value):
        return "not available"
    if kind.share:
        return percent(value) if value else "0%"
    return f"{value:.3g}"
