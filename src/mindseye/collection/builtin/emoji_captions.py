"""Captions for an emoji from its label, tags and keywords: four to six a picture, worded differently each time."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from mindseye.randomness import rng_at

MAX_WORDS = 15  # a longer caption is left out
SEED = 0

_STYLE_PHRASES = ("in {style} style", "{style} style", "in the style of {style}", "as a {style} emoji")
_STYLED_PHRASES = ("{style} emoji of {thing}", "{thing} drawn in {style} style", "a {style} picture of {thing}")
_PLAIN_PHRASES = (
    "an emoji of {thing}",
    "a picture of {thing}",
    "an icon of {thing}",
    "a small drawing of {thing}",
    "{label} emoji",
    "{label} icon",
)
_KEYWORD_PHRASES = ("an emoji for {keywords}", "emoji meaning {keywords}", "an icon for {keywords}", "{keywords}")

_SYMBOL_NAMES = {"#": "hash", "*": "asterisk"}


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_NO_ARTICLE = _words("""
    bread rice popcorn bacon honey butter cheese salt sake fog snow fire ice broccoli garlic tofu seaweed wood milk tea
    money mail hair soccer golf hockey basketball baseball volleyball football rugby badminton wrestling o'clock thirty
    claus fuji saturn japan liberty kaaba
""")
_GENDER_WORDS = _words("""
    man men woman women male female boy girl lady guy gentleman gender person people human neutral adult
""")
_UNKIND_WORDS = _words("ass ugly gua arab arabs chinese hinduism indian muslim")  # said of faces and clothes, mostly
_FILLER_WORDS = _words("of in the and an to is for on at my it am no not you we be so or as by up")


@dataclass(frozen=True)
class Subject:
    """What one picture shows.

    Attributes:
        label: the name, cleaned, e.g. "person running".
        keywords: further words for it, cleaned, none of them the label.
        tone: "light", "medium", "dark", or "" without a skin tone.
        countable: whether "a ..." may stand before the label.
    """

    label: str
    keywords: tuple[str, ...]
    tone: str
    countable: bool


def captions(subject: Subject, style: str, key: str) -> tuple[str, ...]:
    """Four to six different captions, the plain label first; about half name the style.

    Args:
        subject: what the picture shows.
        style: the drawing style's name, e.g. "noto".
        key: the position in the random stream: equal arguments give equal captions.
    """
    rng = rng_at(SEED, f"emoji captions {key}")
    in_style = _pick(rng, _STYLE_PHRASES).format(style=style)
    toned_label = f"{subject.label}, {subject.tone} skin tone" if subject.tone else subject.label
    tone = f"{subject.tone} skin tone" if subject.tone else ""
    described = f"{_with_article(subject)} with {tone}" if tone else _with_article(subject)
    plain = _pick(rng, _PLAIN_PHRASES).format(thing=described, label=toned_label.replace(",", ""))
    candidates = [
        toned_label,
        f"{toned_label} {in_style}",
        plain,
        _pick(rng, _STYLED_PHRASES).format(style=style, thing=described),
    ]
    if subject.keywords:
        few = " and ".join(_some(rng, subject.keywords, 2))
        candidates += [
            _listed([subject.label, *_some(rng, subject.keywords, 3), tone]),
            _listed([_pick(rng, _KEYWORD_PHRASES).format(keywords=few), tone, f"{style} style"]),
        ]
    return tuple(dict.fromkeys(text for text in candidates if len(text.split()) <= MAX_WORDS))


def clean_label(label: str) -> str:
    """A label of the emoji lists as a person would say it: "man: red hair" becomes "man with red hair"."""
    head, _, details = label.partition(": ")
    if details == "bald":
        label = f"bald {head}"
    elif details.startswith("facing") or head == "keycap":
        label = f"{head} {_SYMBOL_NAMES.get(details, details)}"
    elif details and (head == "family" or "," in details):
        label = f"{head} of {_enumerated(details.split(', '))}"
    elif details:
        label = f"{head} with {details}"
    return _plain_text(label)


def clean_keywords(words: Iterable[str], label: str) -> tuple[str, ...]:
    """The usable keywords: words of two or more letters, no gender (the label says it), none that the label holds."""
    seen = {label, *label.split()}
    kept = []
    for raw in words:
        word = _plain_text(raw.replace("_", " "))
        usable = re.fullmatch(r"[a-z][a-z' -]+", word) and len(word.split()) <= 3 and word not in _FILLER_WORDS
        if usable and word not in seen and not (_GENDER_WORDS | _UNKIND_WORDS) & set(word.split()):
            seen.add(word)
            kept.append(word)
    return tuple(kept)


def _plain_text(text: str) -> str:
    """Lower case, without accents, quotation marks, brackets or exclamation marks."""
    decomposed = unicodedata.normalize("NFKD", text.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'"))
    unaccented = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return " ".join(re.sub(r"[^a-z0-9' -]", " ", unaccented.lower()).split())


def _with_article(subject: Subject) -> str:
    head = re.split(r" (?:with|in|of|and|on|without|for|facing) ", subject.label)[0]
    plural = re.search(r"(?<![su])s$|people$|children$|^men\b|^women\b", head)
    if not subject.countable or plural or head.split()[-1] in _NO_ARTICLE or re.match(r"[0-9]|(two|three) ", head):
        return subject.label
    vowel = re.match(r"hour|x-|(?!eu|ewe|one|uni(?!m)|us|ut)[aeiou]", subject.label)
    return f"{'an' if vowel else 'a'} {subject.label}"


def _enumerated(parts: Sequence[str]) -> str:
    return " and ".join(part for part in (" ".join(parts[:-1]), parts[-1]) if part)


def _listed(parts: Iterable[str]) -> str:
    return ", ".join(part for part in parts if part)


def _pick(rng: np.random.Generator, choices: Sequence[str]) -> str:
    return choices[int(rng.integers(len(choices)))]


def _some(rng: np.random.Generator, words: Sequence[str], count: int) -> list[str]:
    return [words[index] for index in rng.permutation(len(words))[:count]]
