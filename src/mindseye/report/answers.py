"""The three questions that a person asks of a model, answered from its figures and never beyond their intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mindseye.report.explained import about, in_full, parsed, value_text
from mindseye.think.figure import Figure

BY_CHANCE = 0.01  # one caption of a hundred; and the 1st percentile of copies
GUESS = 0.5  # of two pictures
FEW = 0.05  # learnt by heart: of more than these nobody says "hardly"
SET_NAMES = {
    "seen": "things seen in training",
    "held_out": "things never shown",
    "style_transfer": "known things in another style",
    "unseen_combinations": "combinations never shown",
}


@dataclass(frozen=True)
class Answer:
    """A question with its answer.

    Attributes:
        question: as a person asks it.
        short: the answer in a few words.
        sentences: what it rests on, each figure with its interval and numbers.
        anchor: of the part of the page that shows more.
    """

    question: str
    short: str
    sentences: tuple[str, ...]
    anchor: str


def answers(figures: Sequence[Figure], *, independent: bool = True) -> list[Answer]:
    """Whether the pictures are like real ones, show what was asked, and are copies.

    Args:
        figures: of an evaluation; what is missing is said to be so.
        independent: whether the judge of prompts has seen no picture that the model learnt from.
    """
    known = {figure.name: figure for figure in figures if math.isfinite(figure.value)}
    return [_real(known), _asked(known, independent), _copied(known)]


def set_name(name: str) -> str:
    """A set of prompts in words."""
    return SET_NAMES.get(name, name.replace("_", " "))


def by_set(known: Mapping[str, Figure], kind: str, source: str = "") -> dict[str, Figure]:
    """The figures of one kind and source, by the set of prompts; "" and "seen" are the same."""
    found = {}
    for name, figure in known.items():
        its_kind, its_source, asked = parsed(name)
        if (its_kind, its_source) == (kind, source):
            found[asked or "seen"] = figure
    return found


def _said(figure: Figure) -> str:
    return value_text(figure, about(figure.name))


def _real(known: Mapping[str, Figure]) -> Answer:
    sentences = []
    short = "Not measured."
    if auc := known.get("auc"):
        short = "They cannot be told apart."
        if auc.low > GUESS:
            short = f"They can be told apart, in {_said(auc)} of pairs."
        sentences.append(
            f"Shown one real and one imagined picture, a detector picks the imagined one in {in_full(auc)} of pairs."
            " Guessing gives 50%."
        )
    if kid := known.get("kid"):
        sentences.append(f"As a set they lie {in_full(kid)} from the real ones, where 0 is no difference.")
        if unseen := known.get("kid_real"):
            sentences.append(f"Real pictures that the model never saw lie {in_full(unseen)} from them.")
    return Answer("Are the pictures like real ones?", short, tuple(sentences), "real")


def _asked(known: Mapping[str, Figure], independent: bool) -> Answer:
    drawn, real = by_set(known, "r_precision"), by_set(known, "r_precision", "real")
    sentences = []
    if drawn:
        sentences.append("A judge chooses one of a hundred captions for each picture. How often is it the prompt?")
    if drawn and not independent:
        sentences.append("It is not independent: it learnt from the same pictures as the model, and may be too kind.")
    for asked, figure in drawn.items():
        sentence = f"{set_name(asked).capitalize()}: {in_full(figure)}"
        if figure.low <= BY_CHANCE:
            sentence += ", no more often than by guessing (1%)"
        elif asked in real:
            alike = ": no difference shows" if figure.high >= real[asked].low else ""
            sentence += f"; real pictures {in_full(real[asked])}{alike}"
        sentences.append(sentence + ".")
    short = "Not measured."
    if drawn:
        main = next((name for name in ("seen", "held_out") if name in drawn), next(iter(drawn)))
        short = f"{_said(drawn[main])} do, asked for {set_name(main)}"
        if main == "seen" and "held_out" in drawn:
            short += f"; {_said(drawn['held_out'])} for {set_name('held_out')}"
        short += "."
    return Answer("Do they show what was asked?", short, tuple(sentences), "asked")


def _copied(known: Mapping[str, Figure]) -> Answer:
    near, by_heart = known.get("copy_rate"), known.get("memorised_rate")
    sentences = []
    short = "Not measured."
    if near:
        short = "No nearer to training pictures than unseen real ones are."
        if near.low > BY_CHANCE:
            short = f"{_said(near)} are suspiciously near to a training picture."
        elif by_heart and by_heart.low > FEW:
            short = f"{_said(by_heart)} are learnt by heart, by a strict test on pixels."
        elif by_heart and by_heart.value > 0:
            short = f"Hardly: {_said(by_heart)} are as near as copies are."
        sentences.append(
            f"{in_full(near)} are nearer to a training picture than 99% of unseen real pictures are; 1% would be by"
            " chance."
        )
    if by_heart:
        sentences.append(f"By a strict test on pixels {in_full(by_heart)} are learnt by heart.")
    return Answer("Are they copies?", short, tuple(sentences), "copies-shown")
